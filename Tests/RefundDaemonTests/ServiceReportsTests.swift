import RefundCore
import RefundStore
import RefundStoreSQLite
import Testing

@testable import RefundDaemon

struct ServiceReportsTests {
    private static let then = Timestamp(milliseconds: 1_800_000_000_000)
    private static let later = then.advanced(by: .seconds(1))

    private func summary(_ change: (inout QueueStatus) -> Void) -> String {
        var status = QueueStatus()
        change(&status)
        return status.summary(gateways: ["default"])
    }

    @Test func emptyQueueIsSummarized() {
        #expect(summary { _ in } == "no refund without a verdict; gateway default not queried yet")
    }

    @Test func healthyQueueIsSummarized() {
        let text = summary { status in
            status.states = [.pending: 10, .processing: 2, .settled: 900]
            status.oldestPending = .seconds(250)
            status.sightings["default"] = GatewaySighting(lastVerified: Self.then)
        }
        #expect(text == "12 without a verdict, oldest 4m; gateway default answers")
    }

    @Test func gravestProblemComesFirstInTheSummaryAsInStatus() {
        var status = QueueStatus()
        status.webhooks = [.dead: 2]
        func summary(space: [Finding]) -> String {
            QueueReport(ofDaemonWith: status, at: Self.then, gateways: ["default"], space: space).summary
        }
        let dead = "NOT HEALTHY: 2 webhooks are dead: no retry succeeded; run: refundd webhooks --state dead; no refund"
        #expect(summary(space: []).hasPrefix(dead), "\(summary(space: []))")
        let full = Finding(.problem, "database", "/var/lib/refundd has only 0 MiB left", run: "df -h /var/lib/refundd")
        #expect(
            summary(space: [full]).hasPrefix(
                "NOT HEALTHY: /var/lib/refundd has only 0 MiB left; run: df -h /var/lib/refundd; no refund"
            )
        )
    }

    @Test func refundOfAGatewayThatIsNotConfiguredIsNoLag() {
        var status = QueueStatus()
        status.dueLags = ["elsewhere": .seconds(80), "default": .seconds(2)]
        status.dueLag = .seconds(80)
        let report = QueueReport(ofDaemonWith: status, at: Self.then, gateways: ["default"], space: [])
        #expect(report.isHealthy && report.status.dueLag == .seconds(2))
    }

    @Test func everythingThatNeedsAnOperatorIsInTheSummary() {
        let text = summary { status in
            status.states = [.pending: 3]
            status.attention = [.overdue: 2, .mismatch: 1]
            status.webhooks = [.dead: 4, .delivered: 100]
        }
        #expect(text == "3 without a verdict; 3 in need of attention; 4 dead webhooks; gateway default not queried yet")
    }

    @Test(arguments: [
        (GatewaySighting(lastErrorAt: then), "failing: no route"),
        (GatewaySighting(lastVerified: then, lastErrorAt: later), "failing: no route"),
        (GatewaySighting(lastVerified: later, lastErrorAt: then), "answers"),
    ])
    func gatewayFailsIfItsLastAnswerDid(sighting: GatewaySighting, condition: String) {
        let text = summary { status in
            status.sightings["default"] = sighting
            status.sightings["default"]?.lastError = "no route"
        }
        #expect(text.hasSuffix("gateway default \(condition)"), "\(text)")
    }

    @Test func pauseIsInTheSummary() {
        let text = summary { status in
            let pause = Pause(since: Self.then, by: "ada", reason: nil)
            status.pauses = [.gateway("default"): pause, .endpoint("https://shop.example:443"): pause]
        }
        let endpoint = "endpoint https://shop.example:443 paused"
        #expect(text.hasSuffix("\(endpoint); gateway default paused since 2027-01-15T08:00:00Z by ada"), "\(text)")
    }

    @Test func probedGatewayIsInTheSummary() {
        let text = summary { $0.breakers["default"] = OpenBreaker(since: Self.then, reason: "timeout") }
        #expect(text.hasSuffix("gateway default only probed since 2027-01-15T08:00:00Z: timeout"), "\(text)")
    }

    @Test func gatewayWithoutVerifiedAnswersIsInTheSummary() {
        let text = summary { $0.lapses["default"] = GatewayLapse(since: Self.then, count: 3) }
        let condition = "without a verified answer since 2027-01-15T08:00:00Z (3 queries)"
        #expect(text.hasSuffix("; gateway default \(condition)"), "\(text)")
    }

    @Test func watchdogStarvesOnlyWhileWorkWaitsForAWorkingDatabase() {
        let limit: Duration = .seconds(60)
        #expect(Readiness.isAlive(busyTime: nil, fault: nil, limit: limit))
        #expect(Readiness.isAlive(busyTime: .seconds(59), fault: nil, limit: limit))
        #expect(!Readiness.isAlive(busyTime: .seconds(61), fault: nil, limit: limit))
        #expect(Readiness.isAlive(busyTime: .seconds(61), fault: .alreadyServed("refundd.db"), limit: limit))
    }
}
