import RefundCore
import RefundStore

/// What holds up a daemon that starts.
extension QueueReport {
    // A transaction that lasts no longer is nobody's fault.
    private static let patience: Duration = .seconds(5)

    /// What a daemon is doing that has begun to start.
    ///
    /// - Parameter starting: The daemon; nil if it has not described itself.
    /// - Returns: The finding.
    func startFinding(_ starting: ServingDaemon?) -> Finding {
        let time = starting.map { max(now.duration(since: $0.since), .zero) }
        if let writer = daemon.writer, writer.pid != starting?.pid, time ?? Self.patience >= Self.patience {
            let held = time.map { " for at least \($0.rounded)" } ?? ""
            let text =
                "refundd cannot start: \(writer) has held the database's write lock\(held);"
                + " end its transaction or the process"
            return Finding(.problem, "daemon", text, run: "kill \(writer.pid)")
        }
        let age = time.map { " for \($0.rounded)" } ?? ""
        return Finding(.warning, "daemon", "refundd has been starting\(age), or checks the database")
    }
}
