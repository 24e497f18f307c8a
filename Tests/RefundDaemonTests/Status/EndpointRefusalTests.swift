import RefundCore
import RefundScheduler
import RefundStore
import RefundStoreSQLite
import Testing

@testable import RefundDaemon

/// Receivers that accept nothing, long before their breaker opens.
struct EndpointRefusalTests {
    private static let shop = "https://shop.example:443"

    private let fixture: QueueFixture

    init() throws { fixture = try QueueFixture() }

    private func later(_ seconds: Int) -> Timestamp { fixture.now.advanced(by: .seconds(seconds)) }

    /// Records an attempt, as the daemon does.
    private func attempt(_ id: String, lease: Int64, at seconds: Int, status: Int, answer: String = "") throws {
        let claim = WebhookClaim(id: id, lease: lease)
        try fixture.execute([.claimWebhooks([claim], until: later(seconds + 60))])
        let position = try #require(
            try fixture.store.read { tx throws(StoreError) in
                try tx.histories(after: nil, limit: 100).histories.flatMap(\.webhooks)
            }.first { $0.id == id }?.position
        )
        let delivery = Delivery(
            position: position,
            id: id,
            refundID: nil,
            url: "https://shop.example/",
            body: [],
            attempts: 0,
            lease: lease
        )
        let isAccepted = (200..<300).contains(status)
        let outcome = DeliveryOutcome(
            status: status,
            error: isAccepted ? nil : "HTTP \(status)",
            retryAfter: nil,
            answer: Array(answer.utf8),
            duration: .zero
        )
        let result: AttemptRecord.Result =
            isAccepted ? .delivered(at: later(seconds)) : .retry(at: later(seconds + 1_800))
        let record = AttemptRecord(delivery: delivery, outcome: outcome, sentAt: later(seconds), result: result)
        try fixture.execute([.attempt(record)])
    }

    private func report(at seconds: Int) throws -> QueueReport {
        let now = later(seconds)
        let status = try fixture.store.read { tx throws(StoreError) in try tx.status(at: now) }
        let daemon = DaemonReport(presence: .running(ServingDaemon(pid: 1, version: "1", since: now)))
        return QueueReport(at: now, daemon, status, gateways: [])
    }

    @Test func endpointThatAcceptsNothingForAMinuteIsAProblemWithItsAnswer() throws {
        let id = try fixture.makeWebhooks(["R-1"])[0]
        try attempt(id, lease: 1, at: 0, status: 500)
        #expect(try report(at: 30).isHealthy, "it may be restarting")
        try attempt(id, lease: 2, at: 5, status: 500, answer: "database\ngone")
        let finding = try #require(try report(at: 125).findings.first)
        #expect(finding.gravity == .problem)
        #expect(
            finding.text == "endpoint \(Self.shop) has accepted nothing since \(fixture.now.iso8601Seconds)"
                + " (2 attempts, HTTP 500: \"database gone\"); 1 webhook waits, next try in 28m;"
                + " repair the receiver, then send them now"
        )
        #expect(finding.command == "refundd redeliver --pending")
    }

    @Test func endpointThatRefusesTwiceIsNotedAtOnce() throws {
        let ids = try fixture.makeWebhooks(["R-1", "R-2"])
        try attempt(ids[0], lease: 1, at: 0, status: 500)
        #expect(try report(at: 1).status.endpoints.refusals.isEmpty, "it may be that webhook's own failure")
        try attempt(ids[1], lease: 1, at: 2, status: 500)
        let report = try report(at: 4)
        #expect(report.isHealthy)
        let finding = try #require(report.findings.first)
        #expect(
            finding.text == "endpoint \(Self.shop) answers HTTP 500 (2 attempts since \(fixture.now.iso8601Seconds),"
                + " none accepted); 2 webhooks wait; repair the receiver, then send them now"
        )
        #expect(finding.gravity == .note && finding.command == "refundd redeliver --pending")
    }

    @Test func endpointThatIsOnlyProbedHasFailedSinceTheFirstFailure() throws {
        let ids = try fixture.makeWebhooks(["R-1", "R-2"])
        for (index, id) in ids.enumerated() { try attempt(id, lease: 1, at: index, status: 500) }
        let breaker = OpenBreaker(since: later(24), reason: "HTTP 500", nextProbe: later(1_831))
        try fixture.execute([.breaker(.endpoint, name: Self.shop, breaker)])
        let report = try report(at: 30)
        #expect(!report.isHealthy)
        #expect(
            report.findings.map(\.text) == [
                "endpoint \(Self.shop) has failed since \(fixture.now.iso8601Seconds): HTTP 500; 2 webhooks wait,"
                    + " next probe in 30m; repair the receiver, then send them now"
            ]
        )
        #expect(report.findings.first?.command == "refundd redeliver --pending")
    }

    @Test func probeOfARepairedEndpointIsDueAtOnce() async throws {
        let ids = try fixture.makeWebhooks(["R-1", "R-2"])
        for (index, id) in ids.enumerated() { try attempt(id, lease: 1, at: index - 9, status: 500) }
        let breaker = OpenBreaker(since: fixture.now, reason: "HTTP 500", nextProbe: later(60))
        try fixture.execute([.breaker(.endpoint, name: Self.shop, breaker)])
        let expected = RedeliveryRequest.Count(hastened: 2, probed: [Self.shop])
        #expect(try await RedeliveryRequest.pending.run(fixture.store, by: "ada") == expected)
    }

    @Test func successEndsTheRefusalAndLeavesANoteAboutTheRetries() throws {
        let ids = try fixture.makeWebhooks(["R-1", "R-2"])
        try attempt(ids[0], lease: 1, at: 0, status: 500)
        try attempt(ids[1], lease: 1, at: 90, status: 204)
        let report = try report(at: 120)
        #expect(report.isHealthy)
        #expect(
            report.findings.map(\.text) == [
                "1 webhook waits for a retry, the last in 28m; if the receiver works again, send them now"
            ]
        )
        #expect(report.findings.first?.command == "refundd redeliver --pending")
    }

    @Test func pausedEndpointIsReportedOnce() throws {
        let id = try fixture.makeWebhooks(["R-1"])[0]
        try attempt(id, lease: 1, at: 0, status: 500)
        var report = try report(at: 100)
        report.status.pauses[.endpoint(Self.shop)] = Pause(since: fixture.now, by: "ada", reason: nil)
        #expect(report.findings.count == 1)
    }

    @Test func daemonsOwnReportLeavesTheAnswerOut() throws {
        let id = try fixture.makeWebhooks(["R-1"])[0]
        try attempt(id, lease: 1, at: 0, status: 500, answer: "private")
        let status = try report(at: 100).status
        let summary = QueueReport(ofDaemonWith: status, at: later(100), gateways: [], space: []).summary
        #expect(summary.hasPrefix("NOT HEALTHY: endpoint \(Self.shop) has accepted nothing"))
        #expect(!summary.contains("private"))
    }

    @Test func pendingWebhooksAreSentNowWithoutRepeatingOthers() async throws {
        let ids = try fixture.makeWebhooks(["R-1", "R-2"])
        try attempt(ids[0], lease: 1, at: 0, status: 500)
        try attempt(ids[1], lease: 1, at: 0, status: 204)
        #expect(try await RedeliveryRequest.pending.run(fixture.store, by: "ada") == .init(hastened: 1))
        #expect(try fixture.count(.delivered) == 1)
    }
}
