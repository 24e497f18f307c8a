import RefundCore
import RefundStore
import RefundStoreConformance
import Testing

@testable import RefundScheduler

struct SchedulerDeliveryTests {
    private let harness: SchedulerHarness

    init() throws {
        harness = try SchedulerHarness()
    }

    /// Settles a refund; its webhook is in flight after it.
    private func settle(_ order: String, callback: String? = nil) throws -> Int64 {
        let id = try harness.enqueue(order, callback.map { [(name: .callbackURL, value: $0)] } ?? [])
        try harness.query(.report(.settled))
        try harness.run()
        return id
    }

    private func states(_ id: Int64) throws -> [String] { try harness.webhooks(id).map(\.state) }

    @Test func failedWebhookIsRetriedUnderTheSameIDUntilItIsAccepted() throws {
        let id = try settle("R-1")
        let first = try #require(harness.decision.deliveries.first)
        harness.endDeliveries(status: 500)
        #expect(try harness.run().deliveries.isEmpty)
        let second = try #require(try harness.runAtNextWake().deliveries.first)
        #expect(second.id == first.id)
        #expect(second.body == first.body)
        harness.endDeliveries(status: 204)
        try harness.run()
        #expect(try states(id) == ["delivered"])
        #expect(try harness.fixture.column("SELECT status FROM refund_webhook_attempts ORDER BY at") == ["500", "204"])
        harness.advance(by: .seconds(86_400 * 10))
        #expect(try harness.run().deliveries.isEmpty)
    }

    @Test func lastFailedRetryLeavesADeadWebhookAndAttentionWithoutAnEvent() throws {
        try harness.apply { $0.webhooks.retrySchedule.delays = [.seconds(1)] }
        let id = try settle("R-1")
        for _ in 1...2 {
            harness.endDeliveries(status: 500)
            try harness.run()
            try harness.runAtNextWake()
        }
        #expect(try states(id) == ["dead"])
        #expect(try harness.refund(id).state == .settled)
        #expect(try harness.refund(id).attention == .undeliverable)
        #expect(try harness.ledger(id).map(\.attention) == [nil, "undeliverable"])
    }

    @Test func redeliveredWebhookHasAllItsRetriesAndClearsTheAttention() throws {
        try harness.apply { $0.webhooks.retrySchedule.delays = [.seconds(1)] }
        let id = try settle("R-1")
        let first = try #require(harness.decision.deliveries.first)
        for _ in 1...2 {
            harness.endDeliveries(status: 500)
            try harness.run()
            harness.advance(by: .seconds(2))
            try harness.run()
        }
        #expect(try harness.refund(id).attention == .undeliverable)
        let now = harness.now
        try harness.fixture.store.write { tx throws(StoreError) in
            _ = try tx.redeliver(first.id, by: "ada", at: now)
        }
        #expect(try harness.run().deliveries.map(\.id) == [first.id])
        harness.endDeliveries(status: 500)
        try harness.run()
        #expect(try states(id) == ["pending"], "it has its retry again")
        try harness.runAtNextWake()
        harness.endDeliveries(status: 204)
        try harness.run()
        #expect(try states(id) == ["delivered"])
        #expect(try harness.refund(id).attention == nil)
        #expect(try harness.ledger(id).map(\.attention) == [nil, "undeliverable", nil])
    }

    @Test func endOfAnAttemptLetsTheNextWebhookOfAFullEndpointGo() throws {
        try harness.apply { $0.webhooks.maxInFlight = 1 }
        try harness.enqueue(2)
        try harness.query(.report(.settled))
        try harness.run()
        let first = try #require(harness.decision.deliveries.first)
        harness.end(first, status: 204)
        let next = try harness.run().deliveries
        #expect(next.count == 1 && next.first?.id != first.id)
    }

    @Test func newerEventSupersedesAnUndeliveredOlderOneOnceItsAttemptHasEnded() throws {
        try harness.apply { $0.webhooks.routing.events = Set(EventType.allCases) }
        let id = try harness.enqueue("R-1")
        try harness.query(.report(.processing))
        try harness.run()
        harness.endDeliveries(status: 500)
        harness.advance(by: .seconds(6))
        try harness.run()
        harness.advance(by: .seconds(6))
        // The retry of the older one is in flight when the newer event comes.
        let older = try #require(try harness.run().deliveries.first)
        harness.endQueries(.report(.settled))
        try harness.run()
        #expect(try harness.run().deliveries.isEmpty)
        harness.end(older, status: 500)
        try harness.run()
        #expect(try states(id) == ["superseded", "pending"])
        try harness.run()
        #expect(harness.state.sending.count == 1)
    }

    @Test func dueWebhookThatAnEventSupersedesInTheSameCycleIsNotSent() throws {
        try harness.apply { $0.webhooks.routing.events = Set(EventType.allCases) }
        let id = try harness.enqueue("R-1")
        try harness.query(.report(.processing))
        try harness.run()
        let first = try #require(harness.decision.deliveries.first)
        harness.endDeliveries(status: 500)
        try harness.run()
        harness.advance(by: .seconds(6))
        // The query was sent, and its verdict comes in the cycle in which the retry is due.
        try harness.apply { $0.webhooks.hasSecret = false }
        try harness.run()
        try harness.apply { $0.webhooks.hasSecret = true }
        harness.endQueries(.report(.settled))
        #expect(try harness.run().deliveries.allSatisfy { $0.id != first.id })
        #expect(try states(id) == ["superseded", "pending"])
    }

    @Test func hangingReceiverDelaysNoOther() throws {
        try harness.apply { $0.webhooks.maxInFlight = 4 }
        for number in 1...20 {
            try harness.enqueue("S-\(number)", [(name: .callbackURL, value: "https://slow.example/")])
        }
        try harness.query(.report(.settled))
        #expect(try harness.run().deliveries.map(\.endpoint) == ["slow.example", "slow.example"])
        let id = try settle("R-1", callback: "https://fast.example/")
        #expect(harness.decision.deliveries.map(\.refundID) == [id])
    }

    @Test func eventWithoutAURLHasNoWebhook() throws {
        try harness.apply { $0.webhooks.routing.defaultURL = nil }
        let id = try settle("R-1")
        #expect(try harness.webhooks(id).isEmpty)
        #expect(try harness.eventCount(.settled) == 1)
    }

    @Test func strayClaimHidesNoWebhook() throws {
        let id = try settle("R-1")
        harness.endDeliveries(status: 500)
        try harness.run()
        try harness.fixture.execute("UPDATE refund_outbox SET leased_until = 9223372036854775807")
        harness.advance(by: .seconds(6))
        try harness.run()
        #expect(try harness.run().deliveries.map(\.refundID) == [id])
        #expect(try harness.run().deliveries.isEmpty)
    }

    @Test func webhookWaitsForASecret() throws {
        try harness.apply { $0.webhooks.hasSecret = false }
        let id = try settle("R-1", callback: "https://shop.example/x")
        harness.advance(by: .seconds(86_400))
        #expect(try harness.run().deliveries.isEmpty)
        #expect(try harness.webhooks(id).last?.attempts == 0)
        #expect(harness.decision.eventNames == ["webhooksUnsigned"], "the log says so")
        try harness.apply { $0.webhooks.hasSecret = true }
        #expect(try harness.run().deliveries.map(\.refundID) == [id])
    }

    @Test(arguments: [3_000, 9 * 3_600, 365 * 86_400])
    func clockSetBackDelaysNoWebhook(seconds: Int) throws {
        try harness.apply { $0.webhooks.retrySchedule.delays = [.seconds(7_200)] }
        let id = try settle("R-1")
        harness.endDeliveries(status: 500)
        try harness.run()
        let wait = try #require(try harness.webhooks(id).first?.nextAttemptAt).duration(since: harness.now)
        harness.setClockBack(by: .seconds(seconds))
        #expect(try harness.run().deliveries.isEmpty)
        #expect(try harness.run().deliveries.isEmpty)
        #expect(try harness.webhooks(id).first?.nextAttemptAt?.duration(since: harness.now) == wait)
        #expect(try harness.runAtNextWake().deliveries.map(\.refundID) == [id])
    }

    @Test func lastAttemptOfAWebhookThatIsGoneFlagsNoOtherRefund() throws {
        try harness.apply { $0.webhooks.retrySchedule.delays = [] }
        _ = try settle("R-1")
        // The application restores its database, and another refund gets the id.
        try harness.fixture.removeGuard("refund_outbox_delete", of: "refund_outbox")
        try harness.fixture.removeGuard("refund_queue_identity", of: "refund_queue")
        try harness.fixture.execute(
            "DELETE FROM refund_outbox; UPDATE refund_queue SET merchant_order_no = 'R-2' WHERE id = 1"
        )
        harness.endDeliveries(status: 500)
        try harness.run()
        #expect(try harness.refund(1).attention == nil)
        #expect(try harness.ledger(1).count == 1)
    }

    @Test(arguments: [50 * 60, 9 * 3_600, 365 * 86_400])
    func clockSetBackBetweenTwoStartsDelaysNoRefundAndNoWebhook(seconds: Int) throws {
        try harness.apply { $0.webhooks.retrySchedule.delays = [.seconds(300)] }
        let id = try settle("R-1")
        let waiting = try harness.enqueue("R-2")
        harness.endDeliveries(status: 500)
        try harness.query(.report(.processing))
        harness.advance(by: .zero - .seconds(seconds))
        _ = try harness.restart()
        #expect(harness.decision.eventNames.contains("clockSetBack"))
        let start = harness.now
        var (isQueried, isSent) = (false, false)
        for _ in 1...10 where !isQueried || !isSent {
            let decision = try harness.runAtNextWake()
            if decision.queries.contains(where: { $0.refund.id == waiting }) { isQueried = true }
            if decision.deliveries.contains(where: { $0.refundID == id }) { isSent = true }
        }
        #expect(isQueried && isSent)
        #expect(harness.now.duration(since: start) <= .seconds(330))
    }

    @Test func startWithARightClockMovesNoDueTime() throws {
        let id = try settle("R-1")
        harness.endDeliveries(status: 500)
        try harness.run()
        let due = try harness.webhooks(id).first?.nextAttemptAt
        #expect(try harness.restart().eventNames.contains("clockSetBack") == false)
        #expect(try harness.webhooks(id).first?.nextAttemptAt == due)
    }

    @Test func webhookPostponedForYearsByAWrongClockIsSent() throws {
        let id = try settle("R-1")
        harness.advance(by: .seconds(86_400 * 365))
        harness.endDeliveries(status: 500)
        try harness.run()
        // The next start has the right clock again, and no memory of the wrong one.
        harness.advance(by: .zero - .seconds(86_400 * 365))
        _ = try harness.restart()
        let start = harness.now
        var sent: [Int64?] = []
        for _ in 1...3 where sent.isEmpty { sent = try harness.runAtNextWake().deliveries.map(\.refundID) }
        #expect(sent == [id])
        #expect(harness.now.duration(since: start) <= .seconds(10))
    }

    // MARK: - Several webhooks of one refund

    /// A refund whose `refund.processing` is in flight when its verdict arrives.
    private func settleWhileProcessingIsInFlight() throws -> Int64 {
        try harness.apply { settings in
            settings.webhooks.routing = WebhookRouting(
                defaultURL: "https://shop.example/hooks",
                events: Set(EventType.allCases),
                endpoint: { _ in "https://shop.example:443" }
            )
        }
        let id = try harness.enqueue("R-1")
        try harness.query(.report(.processing))
        try harness.run()
        #expect(harness.decision.deliveries.count == 1)
        harness.advance(by: .seconds(10))
        return id
    }

    @Test func newerWebhookFollowsInTheCycleThatRecordsTheOlderOnesAttempt() throws {
        let id = try settleWhileProcessingIsInFlight()
        let older = try #require(harness.decision.deliveries.first)
        try harness.run()
        try harness.query(.report(.settled))
        #expect(try harness.run().deliveries.isEmpty, "the older one is in flight")
        harness.end(older, status: 204)
        let newer = try #require(try harness.run().deliveries.first)
        #expect(newer.id != older.id && newer.refundID == id)
    }

    @Test func webhookThatFailsInTheCycleOfTheVerdictIsSuperseded() throws {
        let id = try settleWhileProcessingIsInFlight()
        let older = try #require(harness.decision.deliveries.first)
        try harness.run()
        harness.end(older, status: 500)
        harness.endQueries(.report(.settled))
        try harness.run()
        #expect(try states(id) == ["superseded", "pending"])
    }
}
