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

    @Test func everythingThatNeedsAnOperatorIsInTheSummary() {
        let text = summary { status in
            status.states = [.pending: 3]
            status.attention = [.overdue: 2, .mismatch: 1]
            status.webhooks = [.dead: 4, .delivered: 100]
        }
        #expect(text == "3 without a verdict; 3 in need of attention; 4 dead webhooks; gateway default not queried yet")
    }

    @Test(arguments: [
        (GatewaySighting(lastErrorAt: then), "fails: no route"),
        (GatewaySighting(lastVerified: then, lastErrorAt: later), "fails: no route"),
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
        #expect(text.hasSuffix("gateway default only probed since 2027-01-15T08:00:00.000Z: timeout"), "\(text)")
    }

    @Test func gatewayWithoutVerifiedAnswersIsInTheSummary() {
        let text = summary { $0.lapses["default"] = GatewayLapse(since: Self.then, count: 3) }
        let problem = "no answer of gateway default has verified since 2027-01-15T08:00:00Z (3 of 3)"
        #expect(text.hasSuffix("; \(problem); run: refundd check --online"), "\(text)")
    }

    @Test func watchdogStarvesOnlyWhileWorkWaitsForAWorkingDatabase() {
        let limit: Duration = .seconds(60)
        #expect(Readiness.isAlive(busyTime: nil, fault: nil, limit: limit))
        #expect(Readiness.isAlive(busyTime: .seconds(59), fault: nil, limit: limit))
        #expect(!Readiness.isAlive(busyTime: .seconds(61), fault: nil, limit: limit))
        #expect(Readiness.isAlive(busyTime: .seconds(61), fault: .alreadyServed("refundd.db"), limit: limit))
    }
}
