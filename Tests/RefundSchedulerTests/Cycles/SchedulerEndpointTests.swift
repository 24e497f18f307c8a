import RefundCore
import RefundStore
import RefundStoreConformance
import Testing

@testable import RefundScheduler

/// Endpoints that fail, URLs that are gone, and what both leave to others.
struct SchedulerEndpointTests {
    private let harness: SchedulerHarness

    init() throws {
        harness = try SchedulerHarness()
    }

    /// Settles refunds whose webhooks go to one URL; their first attempts are in flight after it.
    @discardableResult
    private func settle(_ count: Int, _ prefix: String, at url: String) throws -> [Int64] {
        let ids = try (0..<count).map { number in
            try harness.enqueue("\(prefix)-\(number)", [(name: .callbackURL, value: url)])
        }
        try harness.query(.report(.settled))
        try harness.run()
        return ids
    }

    private func openEndpoints() throws -> [String] {
        try harness.status().endpoints.open.map(\.endpoint).sorted()
    }

    /// Lets attempts fail until the endpoint's breaker opens.
    private func open() throws {
        for _ in 0..<100 where try openEndpoints().isEmpty {
            harness.endDeliveries(status: 500)
            try harness.run()
        }
    }

    private func webhookCount(_ condition: String) throws -> Int {
        try harness.fixture.number("SELECT count(*) FROM refund_outbox WHERE \(condition)")
    }

    private func attemptCount() throws -> Int {
        try harness.fixture.number("SELECT count(*) FROM refund_outbox_attempts")
    }

    /// Adds webhooks like the first one of an endpoint, until it has so many; all are due.
    private func multiply(_ endpoint: String, to count: Int) throws {
        try harness.fixture.execute(
            """
            WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < \(count))
            INSERT INTO refund_event_log (at, type, gateway, body)
            SELECT at + i, 'gateway.needs_attention', 'default', body FROM n, (SELECT * FROM refund_event_log LIMIT 1) e;
            INSERT INTO refund_outbox (position, id, type, url, endpoint, next_attempt_at)
            SELECT e.position, 'msg_more' || e.position, e.type, w.url, w.endpoint, w.next_attempt_at
            FROM refund_event_log e, (SELECT url, endpoint, 0 AS next_attempt_at FROM refund_outbox WHERE endpoint = '\(endpoint)' LIMIT 1) w
            WHERE e.gateway = 'default' AND e.position NOT IN (SELECT position FROM refund_outbox);
            """
        )
    }

    // MARK: - The breaker

    @Test func webhooksOfAnEndpointThatIsDownKeepTheirRetries() throws {
        try settle(50, "D", at: "https://down.example/in")
        try open()
        #expect(try openEndpoints() == ["down.example"])
        #expect(try attemptCount() == CircuitBreaker.threshold)
        // An hour: a probe after 1, 2, 4, 8, 16, 32 s, and then one a minute.
        let end = harness.now.advanced(by: .seconds(3_600))
        var probes = 0
        while harness.now < end, harness.decision.nextWake != nil || !harness.decision.deliveries.isEmpty {
            probes += harness.decision.deliveries.count
            #expect(harness.decision.deliveries.count <= 1)
            harness.endDeliveries(status: 500)
            try harness.run()
            try harness.runAtNextWake()
        }
        #expect((55...66).contains(probes), "\(probes)")
        #expect(try webhookCount("state = 'dead'") == 0)
    }

    @Test func oneDeliveredProbeLetsAllOthersGo() throws {
        try settle(50, "D", at: "https://down.example/in")
        try open()
        for _ in 0..<10 where harness.decision.deliveries.isEmpty { try harness.runAtNextWake() }
        harness.endDeliveries(status: 200)
        try harness.run()
        #expect(try openEndpoints().isEmpty)
        #expect(harness.decision.eventNames.contains("endpointBreakerClosed"))
        let start = harness.now
        for _ in 0..<100 {
            harness.endDeliveries(status: 200)
            try harness.run()
            if harness.decision.deliveries.isEmpty { try harness.runAtNextWake() }
            if try webhookCount("state = 'pending'") == 0 { break }
        }
        #expect(try webhookCount("state = 'delivered'") == 50)
        #expect(harness.now.duration(since: start) <= .seconds(10))
    }

    @Test func nextProbeIsOnRecordWheneverItChanges() throws {
        try settle(50, "D", at: "https://down.example/in")
        try open()
        for _ in 0..<5 {
            let probe = try #require(try harness.status().endpoints.open.first?.breaker.nextProbe)
            #expect(probe > harness.now, "it is not \"now\" while the daemon waits")
            while harness.decision.deliveries.isEmpty { try harness.runAtNextWake() }
            #expect(harness.now == probe && harness.decision.deliveries.count == 1)
            harness.endDeliveries(status: 500)
            try harness.run()
        }
    }

    @Test func redeliveryProbesAnOpenEndpointAtOnce() throws {
        try settle(50, "D", at: "https://down.example/in")
        try open()
        for _ in 0..<8 {
            while harness.decision.deliveries.isEmpty { try harness.runAtNextWake() }
            harness.endDeliveries(status: 500)
            try harness.run()
        }
        #expect(harness.decision.deliveries.isEmpty)
        let pending = try harness.fixture.column("SELECT id FROM refund_outbox WHERE state = 'pending'")
        for id in pending.compactMap(\.self) {
            try harness.fixture.store.write { tx throws(StoreError) in
                _ = try tx.redeliver(id, from: .pending, by: "ada", at: harness.now)
            }
        }
        let asked = harness.now
        for _ in 0..<3 where harness.decision.deliveries.isEmpty {
            try harness.run()
            if harness.decision.deliveries.isEmpty { try harness.runAtNextWake() }
        }
        #expect(harness.decision.deliveries.count == 1 && harness.now == asked)
        harness.endDeliveries(status: 500)
        try harness.run()
        #expect(harness.decision.deliveries.isEmpty)
        #expect(try harness.status().endpoints.open.first?.breaker.nextProbe.map { $0 > asked } == true)
    }

    @Test func loneWebhookKeepsToItsSchedule() throws {
        try harness.apply { $0.webhooks.retrySchedule.delays = Array(repeating: .seconds(2), count: 20) }
        try settle(1, "L", at: "https://down.example/in")
        let start = harness.now
        for _ in 0..<21 {
            #expect(harness.decision.deliveries.count == 1)
            harness.endDeliveries(status: 500)
            try harness.run()
            if harness.decision.deliveries.isEmpty { try harness.runAtNextWake() }
        }
        #expect(try webhookCount("state = 'dead' AND attempts = 21") == 1)
        // Twenty waits of two seconds with their jitter.
        #expect(harness.now.duration(since: start) <= .seconds(45))
    }

    @Test func breakersOfADaemonThatIsGoneAreClosed() throws {
        try settle(50, "D", at: "https://down.example/in")
        try open()
        _ = try harness.restart()
        #expect(try openEndpoints().isEmpty)
    }

    @Test func rejectedClaimDelaysNoOtherEndpoint() throws {
        try harness.fixture.reject(
            "UPDATE OF leased_until",
            of: "refund_outbox",
            when: "NEW.endpoint = 'bad.example' AND NEW.leased_until IS NOT NULL",
            "shop: not this one"
        )
        try harness.enqueue("B-1", [(name: .callbackURL, value: "https://bad.example/in")])
        try settle(1, "G", at: "https://good.example/in")
        #expect(harness.decision.deliveries.map(\.endpoint) == ["good.example"])
        #expect(harness.decision.nextWake?.duration(since: harness.now) == .seconds(30))
    }

    @Test func retryAfterOfOneURLDelaysNoOtherURLOfItsHost() throws {
        try settle(2, "P", at: "https://busy.example/a")
        harness.endDeliveries(status: 429, retryAfter: .seconds(600))
        try harness.run()
        try settle(1, "O", at: "https://busy.example/b")
        #expect(harness.decision.deliveries.map(\.url) == ["https://busy.example/b"])
    }

    // MARK: - Many

    @Test func manyWaitingWebhooksDelayNoOtherEndpoint() throws {
        try settle(1, "S", at: "https://slow.example/in")
        try multiply("slow.example", to: 2_000)
        try harness.run()
        #expect(harness.decision.deliveries.allSatisfy { $0.endpoint == "slow.example" })
        for number in 0..<20 {
            try settle(1, "G\(number)", at: "https://good.example/in")
            #expect(harness.decision.deliveries.map(\.endpoint) == ["good.example"])
            harness.endDeliveries(status: 200)
            try harness.run()
        }
        #expect(try webhookCount("endpoint = 'good.example' AND state = 'delivered'") == 20)
        #expect(try webhookCount("endpoint = 'slow.example' AND state = 'pending'") == 2_000)
    }

    @Test func provenEndpointFindsASlotAfterARestart() throws {
        try settle(1, "G", at: "https://good.example/in")
        harness.endDeliveries(status: 204)
        try harness.run()
        for number in 0..<20 { try settle(1, "D\(number)", at: "https://dead\(number).example/in") }
        let restarted = try harness.restart()
        #expect(restarted.deliveries.count == 12, "three quarters of the slots")
        try settle(1, "H", at: "https://good.example/in")
        #expect(harness.decision.deliveries.map(\.endpoint) == ["good.example"])
    }

    @Test func manyDueEndpointsDelayNoProvenOne() throws {
        try settle(1, "G", at: "https://good.example/in")
        harness.endDeliveries(status: 204)
        try harness.run()
        try settle(1, "D", at: "https://dead.example/in")
        try multiply("dead.example", to: 600)
        try harness.fixture.removeGuard("refund_outbox_identity", of: "refund_outbox")
        try harness.fixture.execute(
            """
            UPDATE refund_outbox SET endpoint = 'dead' || position || '.example' WHERE endpoint = 'dead.example'
            AND leased_until IS NULL
            """
        )
        try harness.run()
        #expect(harness.state.endpoints.inFlight == 12, "they hang")
        for number in 0..<5 {
            try settle(1, "H\(number)", at: "https://good.example/in")
            #expect(harness.decision.deliveries.map(\.endpoint) == ["good.example"])
            harness.endDeliveries(status: 204)
            try harness.run()
        }
    }

    @Test func manyWebhooksOfADisabledURLDieInBatchesAndDelayNobody() throws {
        try settle(1, "G", at: "https://shop.example/gone")
        harness.endDeliveries(status: 410)
        try harness.run()
        try multiply("shop.example", to: 2_000)
        var (cycles, largest, good) = (0, 0, 0)
        var before = try webhookCount("state = 'dead'")
        while before < 2_000, cycles < 1_000 {
            try harness.enqueue("O-\(cycles)", [(name: .callbackURL, value: "https://other.example/in")])
            try harness.runAtNextWake()
            harness.endQueries(.report(.settled))
            good += harness.decision.deliveries.count
            #expect(harness.decision.deliveries.allSatisfy { $0.endpoint == "other.example" })
            harness.endDeliveries(status: 200)
            let dead = try webhookCount("state = 'dead'")
            largest = max(largest, dead - before)
            before = dead
            cycles += 1
        }
        #expect(before == 2_000)
        #expect(largest == 256)
        #expect(cycles <= 2_000 / 256 + 3)
        // One is under way in each direction at the end.
        #expect(good >= cycles - 3, "\(good) in \(cycles) cycles")
    }

    // MARK: - Disabled URLs

    @Test func goneURLIsDisabledAtOnceAndItsWebhooksDieWithoutAnAttempt() throws {
        let ids = try settle(5, "G", at: "https://shop.example/gone")
        harness.endDeliveries(status: 410)
        try harness.run()
        #expect(harness.decision.eventNames.count { $0 == "urlDisabled" } == 1)
        try harness.run()
        let sent = try attemptCount()
        #expect(sent == 2, "those that were in flight together")
        for id in ids {
            #expect(try harness.webhooks(id).map(\.state) == ["dead"])
            #expect(try harness.refund(id).attention == .undeliverable)
            #expect(try harness.ledger(id).map(\.attention) == [nil, "undeliverable"])
        }
        #expect(try webhookCount("last_error LIKE 'not sent: its URL has been disabled%'") == 3)
        // Later ones too, while other URLs of the host are served.
        try settle(1, "H", at: "https://shop.example/gone")
        #expect(harness.decision.deliveries.isEmpty)
        try settle(1, "I", at: "https://shop.example/other")
        #expect(harness.decision.deliveries.map(\.url) == ["https://shop.example/other"])
        #expect(try attemptCount() == sent)
        #expect(try webhookCount("state = 'dead'") == 6)
    }

    @Test func redeliveryEnablesAURL() throws {
        try settle(1, "G", at: "https://shop.example/in")
        let first = try #require(harness.decision.deliveries.first)
        harness.endDeliveries(status: 410)
        try harness.run()
        let now = harness.now
        try harness.fixture.store.write { tx throws(StoreError) in
            _ = try tx.redeliver(first.id, by: "ada", at: now)
        }
        #expect(try harness.run().deliveries.map(\.id) == [first.id])
        harness.endDeliveries(status: 200)
        try harness.run()
        #expect(try harness.status().endpoints.disabledCount == 0)
    }

    @Test(arguments: [false, true])
    func longFailureDisablesAURLUnlessAWebhookSucceedsMeanwhile(succeeds: Bool) throws {
        try harness.apply { $0.webhooks.retrySchedule.delays = Array(repeating: .seconds(24 * 3_600), count: 30) }
        let id = try settle(1, "F", at: "https://shop.example/in")[0]
        for day in 0..<8 where try harness.webhooks(id).first?.state == "pending" {
            for delivery in harness.decision.deliveries { harness.end(delivery, status: 500) }
            try harness.run()
            if succeeds, day == 4 {
                try settle(1, "S", at: "https://shop.example/in")
                harness.endDeliveries(status: 200)
                try harness.run()
            }
            harness.advance(by: .seconds(27 * 3_600))
            try harness.run()
        }
        #expect(try harness.webhooks(id).map(\.state) == [succeeds ? "pending" : "dead"])
    }

    @Test func slotOfAFailedAttemptIsUsedInTheSameCycle() throws {
        try settle(3, "A", at: "https://shop.example/hooks")
        let inFlight = harness.decision.deliveries
        #expect(inFlight.count == 2, "an untried endpoint")
        for delivery in inFlight { harness.end(delivery, status: 500) }
        #expect(try harness.run().deliveries.count == 1, "the third, while the breaker is closed")
    }
}
