import CLinux
import Foundation
import Glibc
import RefundCore
import RefundScheduler
import RefundStore

/// Checks the machine's clock.
enum ClockCheck {
    // A gateway's responses have a date, and what failed with a date far from ours says so.
    nonisolated(unsafe) private static let difference = #/clock is (\S+) (behind|ahead of)/#

    /// Compares the clock with the gateways', as far as the queue knows, or else asks the kernel whether it is synchronized.
    ///
    /// - Parameters:
    ///   - status: The queue, with the gateways' last failures; nil if it cannot be read.
    ///   - window: How far the clock may be off before a gateway refuses queries; nil if none does, or that is unknown.
    ///   - now: The time of the status.
    /// - Returns: The finding.
    static func finding(
        _ status: QueueStatus? = nil,
        window: Duration? = nil,
        at now: Timestamp = SystemClock().now()
    ) -> Finding {
        if let measured = status.flatMap({ measured($0, at: now) }) {
            return Finding(
                .problem,
                "clock",
                "this machine's clock is \(measured)",
                run: remedy(canSynchronize: canSynchronize())
            )
        }
        var state = timex()
        let result = unsafe adjtimex(&state)
        let isSynchronized = result >= 0 && result != TIME_ERROR && state.status & STA_UNSYNC == 0
        return finding(isSynchronized: isSynchronized, window: window)
    }

    /// The problem of a gateway whose last failure names a difference between the clocks.
    static func problem(with gateway: String, _ error: String) -> Finding? {
        guard let match = unsafe error.firstMatch(of: difference) else { return nil }
        let text =
            "this machine's clock is \(match.output.1) \(match.output.2 == "behind" ? "behind" : "ahead of")"
            + " gateway \(gateway)'s, which refuses all queries; correct it, or, if it is right, tell the gateway's operator"
        return Finding(.problem, "clock", text, run: remedy(canSynchronize: canSynchronize()))
    }

    /// The difference to a gateway's clock that its last failure named; nil without one.
    static func measured(_ status: QueueStatus, at now: Timestamp) -> String? {
        for (gateway, sighting) in status.sightings.sorted(by: { $0.key < $1.key }) where sighting.isFailing {
            guard let error = sighting.lastError, let time = sighting.lastErrorAt,
                let match = unsafe error.firstMatch(of: difference)
            else { continue }
            let difference = "\(match.output.1) \(match.output.2 == "behind" ? "behind" : "ahead of")"
            return "\(difference) gateway \(gateway)'s, which refuses all queries (measured \(time.age(at: now)))"
        }
        return nil
    }

    /// Judges the kernel's answer.
    static func finding(
        isSynchronized: Bool,
        window: Duration?,
        canSynchronize: Bool = Self.canSynchronize()
    ) -> Finding {
        guard !isSynchronized else { return Finding(.fine, "clock", "synchronized") }
        let effect = window.map { "; if it is \($0.formatted) off, the gateway refuses every query" } ?? ""
        let problem = "nothing synchronizes the clock\(effect)"
        return Finding(.warning, "clock", problem, run: remedy(canSynchronize: canSynchronize))
    }

    private static func remedy(canSynchronize: Bool) -> String {
        canSynchronize ? "timedatectl set-ntp true" : "apt-get install systemd-timesyncd"
    }

    /// Whether a service that synchronizes the clock is installed; true if that is unknown.
    static func canSynchronize() -> Bool {
        SystemCommand.output(of: ["timedatectl", "show", "--property=CanNTP", "--value"])?.hasPrefix("no") != true
    }
}

/// A program of the system's that tells something.
enum SystemCommand {
    /// Runs a command, and waits for its end.
    ///
    /// - Returns: What it printed; nil if it cannot be run.
    static func output(of command: [String]) -> String? {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return nil }
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return text
    }
}
