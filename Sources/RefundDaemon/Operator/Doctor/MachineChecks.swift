import CLinux
import Foundation
import Glibc
import RefundCore
import RefundStore

/// Checks the machine's clock.
enum ClockCheck {
    /// Asks the kernel whether the clock is synchronized.
    static func finding() -> Finding {
        var state = timex()
        let result = unsafe adjtimex(&state)
        return finding(isSynchronized: result >= 0 && result != TIME_ERROR && state.status & STA_UNSYNC == 0)
    }

    /// Judges the answer; a gateway refuses queries whose timestamp is further than 15 minutes from its own clock.
    static func finding(isSynchronized: Bool) -> Finding {
        guard !isSynchronized else { return Finding(.fine, "clock", "synchronized") }
        let problem = "nothing keeps the clock right; if it is 15 minutes off, the gateway refuses every query"
        return Finding(.warning, "clock", problem, run: "timedatectl set-ntp true")
    }
}

/// Checks the service manager's side of the daemon.
struct UnitCheck {
    let unit: ServiceUnit?
    let daemon: DaemonPresence

    /// Runs the check; asks `systemctl` if systemd runs this machine.
    func findings() -> [Finding] {
        guard ServiceUnit.isManagerRunning else {
            return [Finding(.note, "unit", "systemd does not run this machine; start the daemon by other means")]
        }
        guard unit != nil else {
            return [Finding(.warning, "unit", "refundd.service is not installed", run: "systemctl cat refundd")]
        }
        return Self.findings(properties: Self.properties(), daemon: daemon)
    }

    /// Judges the unit's properties.
    static func findings(properties: [String: String], daemon: DaemonPresence) -> [Finding] {
        var findings: [Finding] = []
        let state = properties["ActiveState"] ?? ""
        if state == "failed" {
            let result = "\(properties["Result"] ?? "?"), exit status \(properties["ExecMainStatus"] ?? "?")"
            let problem = "refundd.service has failed (\(result))"
            findings.append(Finding(.problem, "unit", problem, run: "journalctl -u refundd -n 20 --no-pager"))
        } else if state == "inactive", case .absent = daemon {
            findings.append(
                Finding(.problem, "unit", "refundd.service is not started", run: "systemctl start refundd")
            )
        }
        if properties["UnitFileState"] == "disabled" {
            let problem = "refundd.service does not start when the machine does"
            findings.append(Finding(.warning, "unit", problem, run: "systemctl enable refundd"))
        }
        if properties["NeedDaemonReload"] == "yes" {
            let problem = "the unit's file has changed since systemd read it"
            findings.append(Finding(.warning, "unit", problem, run: "systemctl daemon-reload"))
        }
        return findings.isEmpty ? [Finding(.fine, "unit", "refundd.service is \(state)")] : findings
    }

    private static func properties() -> [String: String] {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        let names = "ActiveState,Result,ExecMainStatus,UnitFileState,NeedDaemonReload"
        process.arguments = ["systemctl", "show", "refundd", "--property=\(names)"]
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return [:] }
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        let pairs = text.split(separator: "\n").map { $0.split(separator: "=", maxSplits: 1).map(String.init) }
        return Dictionary(pairs.filter { $0.count == 2 }.map { ($0[0], $0[1]) }) { first, _ in first }
    }
}
