import Glibc
import RefundCore
import RefundStore

/// The daemon's own report: the page and the service manager judge the queue as the command `status` does.
extension QueueReport {
    /// Makes the report; readiness is reported beside it.
    ///
    /// - Parameters:
    ///   - status: The figures.
    ///   - now: Their time.
    ///   - gateways: The configured gateways.
    ///   - space: Findings about the disk.
    init(ofDaemonWith status: QueueStatus, at now: Timestamp, gateways: [String], space: [Finding]) {
        let daemon = ServingDaemon(pid: getpid(), version: Version.current, since: now)
        self.init(at: now, DaemonReport(presence: .running(daemon)), status, gateways: gateways)
        self.status.forgetLags(exceptOf: gateways)
        diskFindings = space
        // A receiver may repeat what it was sent, and the page shows no bodies.
        for index in self.status.endpoints.refusals.indices { self.status.endpoints.refusals[index].answer = nil }
    }

    /// One line for `systemctl status`: the gravest problem, then the queue.
    var summary: String {
        let queue = status.summary(gateways: gateways)
        guard let first = findings.first, first.gravity == .problem else { return queue }
        return "NOT HEALTHY: \(first.text)" + (first.command.map { "; run: \($0)" } ?? "") + "; " + queue
    }
}
