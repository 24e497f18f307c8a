import Glibc
import RefundAdmin
import RefundCore
import RefundStore

/// What the service manager says of refundd's unit, see org.freedesktop.systemd1(5).
struct UnitState: Hashable, Sendable {
    private static let names = [
        "ActiveState", "SubState", "Result", "ExecMainCode", "ExecMainStatus", "ExecMainExitTimestampMonotonic",
        "RestartUSec", "MainPID", "UnitFileState", "LoadState", "NeedDaemonReload", "NRestarts",
        "ExecMainStartTimestampMonotonic",
    ]

    private let properties: [String: String]

    init(_ properties: [String: String]) {
        self.properties = properties
    }

    /// Asks `systemctl`.
    static func current() -> UnitState {
        let command = ["systemctl", "show", "refundd", "--property=\(names.joined(separator: ","))"]
        let text = SystemCommand.output(of: command) ?? ""
        let pairs = text.split(separator: "\n").map { $0.split(separator: "=", maxSplits: 1).map(String.init) }
        return UnitState(Dictionary(pairs.filter { $0.count == 2 }.map { ($0[0], $0[1]) }) { first, _ in first })
    }

    /// Whether it is running, starting or something else.
    var active: String { properties["ActiveState"] ?? "" }
    /// Whether it starts when the machine does.
    var isDisabled: Bool { properties["UnitFileState"] == "disabled" }
    /// Whether its file is newer than what systemd read; that of a masked one always is.
    var isOutdated: Bool { properties["NeedDaemonReload"] == "yes" && !isMasked }

    /// Whether the daemon ended because it cannot work with its configuration or keys.
    var isMisconfigured: Bool { properties["ExecMainStatus"] == "\(ExitStatus.configuration.rawValue)" }

    private var isMasked: Bool { properties["LoadState"] == "masked" || masked != nil }
    private var masked: String? { properties["UnitFileState"].flatMap { $0.hasPrefix("masked") ? $0 : nil } }

    /// Why the daemon does not run, with the command that can work.
    ///
    /// - Parameter isRepaired: Whether a failed unit has nothing left to repair.
    /// - Returns: The reason; nil if the unit runs or nobody started it.
    func obstacle(isRepaired: Bool = false) -> (reason: String, command: String)? {
        if isMasked {
            let scope = masked == "masked-runtime" ? " --runtime" : ""
            return ("refundd.service is masked", "systemctl unmask\(scope) refundd && systemctl start refundd")
        }
        let journal = "journalctl -u refundd -n 20 --no-pager"
        let status = "exit status \(properties["ExecMainStatus"] ?? "?")"
        if properties["SubState"] == "auto-restart" {
            if let death { return (death, journal) }
            return ("refundd.service fails repeatedly (\(status))", journal)
        }
        guard active == "failed" else { return nil }
        let reason = "refundd.service has failed (\(properties["Result"] ?? "?"), \(status))"
        return (reason, isRepaired ? "systemctl restart refundd" : journal)
    }
}

extension UnitState {
    // How a process ended. Source: siginfo_t of sigaction(2), CLD_KILLED and CLD_DUMPED.
    private static let signalled: Set = ["2", "3"]

    /// How a signal ended the daemon, which systemd is about to start again; nil if it ended by itself.
    private var death: String? {
        guard Self.signalled.contains(properties["ExecMainCode"] ?? ""), let signal = properties["ExecMainStatus"]
        else { return nil }
        let ago = exited.map { " \(max(Duration.microseconds($0), .zero).rounded) ago" } ?? ""
        let delay = properties["RestartUSec"].map { " within \($0)" } ?? ""
        return "refundd was killed (signal \(signal))\(ago); systemd starts it again\(delay)"
    }

    /// How many microseconds have passed since the daemon ended; nil if that is unknown.
    private var exited: Int64? { passed(since: "ExecMainExitTimestampMonotonic") }

    private func passed(since name: String) -> Int64? {
        guard let time = properties[name].flatMap({ Int64($0) }), time > 0 else { return nil }
        return ServiceNotifier.monotonicMicroseconds() - time
    }

    // An older restart is history.
    private static let restartPeriod: Duration = .seconds(600)

    /// What an operator should know about the unit, whether or not it runs.
    var notes: [Finding] {
        var findings: [Finding] = []
        let restarts = properties["NRestarts"].flatMap { Int($0) } ?? 0
        let age = passed(since: "ExecMainStartTimestampMonotonic").map { Duration.microseconds($0) }
        if restarts > 0, age ?? .zero < Self.restartPeriod {
            let times = restarts == 1 ? "once" : "\(restarts) times"
            let last = age.map { ", \(restarts == 1 ? "" : "the last time ")\($0.rounded) ago" } ?? ""
            let text = "systemd has restarted refundd \(times)\(last), because it was killed or failed"
            findings.append(Finding(.note, "unit", text, run: "journalctl -u refundd -n 20 --no-pager"))
        }
        if isDisabled {
            let problem = "refundd.service is disabled, so it will not start with the machine"
            findings.append(Finding(.warning, "unit", problem, run: "systemctl enable refundd"))
        }
        if isOutdated {
            let problem = "the unit's file has changed since systemd read it"
            findings.append(Finding(.warning, "unit", problem, run: "systemctl daemon-reload"))
        }
        return findings
    }

    /// Whether systemd keeps restarting it after failures, or has given up.
    var hasFailed: Bool { active == "failed" || properties["SubState"] == "auto-restart" && death == nil }

    /// The daemon's process; nil if none runs.
    var mainProcess: Int32? { properties["MainPID"].flatMap { Int32($0) }.flatMap { $0 > 0 ? $0 : nil } }

    /// The last thing that the daemon said before it ended; nil if it said nothing, or this user may not read it.
    static var lastWords: String? {
        let command = ["journalctl", "-u", "refundd", "-n", "20", "-o", "cat", "--no-pager", "-q"]
        return lastWords(in: SystemCommand.output(of: command) ?? "")
    }

    /// Finds the daemon's last message of why it ended.
    static func lastWords(in journal: String) -> String? {
        let prefix = "refundd: "
        return journal.split(separator: "\n").last { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
    }
}

/// Checks the service manager's side of the daemon.
struct UnitCheck {
    let unit: ServiceUnit?
    let daemon: DaemonPresence
    /// Whether no other check has found a problem.
    let isRepaired: Bool

    /// Runs the check; asks `systemctl` if systemd runs this machine.
    func findings() -> [Finding] {
        guard ServiceUnit.isManagerRunning else {
            return [Finding(.note, "unit", "systemd does not run this machine; start the daemon by other means")]
        }
        guard unit != nil else {
            return [Finding(.warning, "unit", "refundd.service is not installed", run: "systemctl cat refundd")]
        }
        return Self.findings(.current(), daemon: daemon, isRepaired: isRepaired)
    }

    /// Judges the unit's state.
    static func findings(_ state: UnitState, daemon: DaemonPresence, isRepaired: Bool = false) -> [Finding] {
        var findings: [Finding] = []
        if let (reason, command) = state.obstacle(isRepaired: isRepaired) {
            findings.append(Finding(.problem, "unit", reason, run: command))
        } else if state.active == "inactive", case .absent = daemon {
            findings.append(
                Finding(.problem, "unit", "refundd.service is not started", run: "systemctl start refundd")
            )
        }
        findings += state.notes
        guard findings.isEmpty else { return findings }
        guard !state.active.isEmpty else {
            return [
                Finding(
                    .warning,
                    "unit",
                    "this user may not see the state of refundd.service",
                    run: "sudo refundd doctor"
                )
            ]
        }
        return [Finding(.fine, "unit", "refundd.service is \(state.active)")]
    }
}
