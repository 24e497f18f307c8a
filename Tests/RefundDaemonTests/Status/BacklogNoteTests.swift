import RefundCore
import RefundStore
import Testing

@testable import RefundDaemon

/// What status says of more refunds than the gateway answers in a while.
struct BacklogNoteTests {
    private static let now = Timestamp(milliseconds: 1_790_000_000_000)

    /// The report of a daemon at work on so many pending refunds.
    private func backlog(_ pending: Int) -> QueueReport {
        var status = QueueStatus()
        status.states = [.pending: pending]
        status.dueLag = .seconds(8)
        status.dueLags = ["default": .seconds(8)]
        status.sightings = ["default": GatewaySighting(lastVerified: Self.now)]
        let serving = DaemonPresence.running(ServingDaemon(pid: 1, version: "1", since: Self.now))
        let answer = AdminProbe.Answer(isReady: true, reasons: [])
        let daemon = DaemonReport(presence: serving, readiness: answer)
        var report = QueueReport(at: Self.now, daemon, status, gateways: ["default"])
        report.settings = ["default": GatewaySettings()]
        return report
    }

    @Test func largeBacklogIsNotedWithItsDurationAndWhatItHasInCommon() {
        var report = backlog(100_025)
        let figures = "100,025 refunds wait; at 20 queries a second, one query each takes 83m"
        #expect(report.findings.last?.text == figures)
        report.groups =
            RefundGroup.grouping(
                (0..<100_000).map { number in
                    let time = Self.now.advanced(by: .seconds(number == 0 ? -40 : -8))
                    return RefundGroup.Member(orderNo: "UNKNOWN-\(number)", enqueued: time)
                }
            )
        #expect(report.isHealthy)
        let group = "100,000 of the newest 100,000 begin with UNKNOWN- (UNKNOWN-0 to UNKNOWN-99999)"
        let text = report.findings.last?.text ?? ""
        #expect(text.hasPrefix("\(figures); \(group), enqueued within 32s"), "\(text)")
        #expect(report.findings.last?.command == "refundd abandon --order-prefix UNKNOWN- --dry-run")
    }

    @Test func backlogAtAnyRateIsNoted() {
        for rate in [1e-300, 1e-17, 0.001] {
            var report = backlog(100_025)
            report.settings["default"]?.limits.maxQueriesPerSecond = rate
            #expect(report.findings.last?.text.contains("one query each takes") == true, "\(rate)")
        }
    }

    @Test func backlogOfSeveralRunsNamesTheLargestOfThem() {
        var report = backlog(20_009)
        let numbers = Array(20_260_795..<20_260_804) + Array(20_269_000..<20_289_000)
        report.groups = RefundGroup.grouping(
            numbers.map { RefundGroup.Member(orderNo: "R-\($0)", enqueued: Self.now) }
        )
        let groups =
            "10,000 begin with R-2027 (R-20270000 to R-20279999), enqueued within 0s,"
            + " 9,000 with R-2028 (R-20280000 to R-20288999)"
        let text = report.findings.last?.text ?? ""
        #expect(text.contains("; \(groups): if a whole group"), "\(text)")
        #expect(report.findings.last?.command == "refundd abandon --order-prefix R-2027 --dry-run")
    }
}
