import RefundCore
import RefundStoreSQLite
import Testing

@testable import RefundDaemon

struct EngineDeliveryTests {
    private func settled(_ harness: EngineHarness, _ order: String, callback: String? = nil) throws -> Int64 {
        let id = try harness.enqueue(order, callback.map { [(name: .callbackURL, value: $0)] } ?? [])
        try harness.run()
        harness.answerAll(.report(.settled))
        try harness.run()
        return id
    }

    @Test func failedDeliveryIsRetriedOnScheduleUnderTheSameIDUntilItIsTaken() throws {
        let harness = try EngineHarness()
        let id = try settled(harness, "R-1")
        let first = try #require(harness.cycle.deliveries.first?.delivery)
        harness.endDeliveries(status: 500)
        try harness.run()
        #expect(harness.cycle.deliveries.isEmpty)
        harness.advance(by: .seconds(6))
        try harness.run()
        let second = try #require(harness.cycle.deliveries.first?.delivery)
        #expect(second.id == first.id)
        #expect(second.body == first.body)
        harness.endDeliveries(status: 204)
        try harness.run()
        #expect(try harness.webhooks(id).map { $0.text("state") } == ["delivered"])
        harness.advance(by: .seconds(86_400 * 10))
        #expect(try harness.run().deliveries.isEmpty)
    }

    @Test func lastFailedRetryLeavesADeadWebhookAndAttentionWithoutAnEvent() throws {
        let harness = try EngineHarness { $0.webhooks.retrySchedule.delays = [.seconds(1)] }
        let id = try settled(harness, "R-1")
        harness.endDeliveries(status: 500)
        try harness.run()
        harness.advance(by: .seconds(2))
        try harness.run()
        harness.endDeliveries(status: 500)
        try harness.run()
        #expect(try harness.webhooks(id).map { $0.text("state") } == ["dead"])
        #expect(try harness.refund(id).state == .settled)
        #expect(try harness.refund(id).attention == .undeliverable)
        #expect(try harness.transitions(id).map { $0.text("attention") } == [nil, "undeliverable"])
        #expect(try harness.webhooks(id).count == 1)
    }

    @Test func redeliveredWebhookStartsItsScheduleAnewAndClearsTheAttentionOnceTaken() throws {
        let harness = try EngineHarness { $0.webhooks.retrySchedule.delays = [.seconds(1)] }
        let id = try settled(harness, "R-1")
        let first = try #require(harness.cycle.deliveries.first?.delivery)
        for _ in 1...2 {
            harness.endDeliveries(status: 500)
            try harness.run()
            harness.advance(by: .seconds(2))
            try harness.run()
        }
        #expect(try harness.refund(id).attention == .undeliverable)
        try harness.store.transaction { tx in _ = try tx.redeliver(first.id, by: "ada", at: harness.now) }
        try harness.run()
        #expect(harness.cycle.deliveries.map(\.delivery) == [first])
        harness.endDeliveries(status: 500)
        try harness.run()
        #expect(try harness.webhooks(id).map { $0.text("state") } == ["pending"], "it has its retry again")
        harness.advance(by: .seconds(2))
        try harness.run()
        harness.endDeliveries(status: 204)
        try harness.run()
        #expect(try harness.webhooks(id).map { $0.text("state") } == ["delivered"])
        #expect(try harness.refund(id).attention == nil)
        #expect(try harness.transitions(id).map { $0.text("attention") } == [nil, "undeliverable", nil])
    }

    @Test func newerEventSupersedesAnUndeliveredOlderOne() throws {
        let harness = try EngineHarness { $0.webhooks.routing.events = Set(EventType.allCases) }
        let id = try harness.enqueue("R-1")
        try harness.run()
        harness.answerAll(.report(.processing))
        try harness.run()
        harness.endDeliveries(status: 500)
        try harness.run()
        harness.advance(by: .seconds(6))
        try harness.run()
        // The retry of the older one is in flight when the newer event comes.
        let older = try #require(harness.cycle.deliveries.first)
        harness.answerAll(.report(.settled))
        try harness.run()
        #expect(harness.cycle.deliveries.isEmpty)
        harness.end(older.delivery, older.endpoint, status: 500)
        try harness.run()
        #expect(try harness.webhooks(id).map { $0.text("state") } == ["superseded", "pending"])
        #expect(harness.cycle.deliveries.count == 1)
    }

    @Test func hangingReceiverHoldsUpNobodyElse() throws {
        let harness = try EngineHarness { $0.webhooks.capacity = 4 }
        for number in 1...20 {
            _ = try harness.enqueue("S-\(number)", [(name: .callbackURL, value: "https://slow.example/")])
        }
        try harness.run()
        harness.answerAll(.report(.settled))
        try harness.run()
        #expect(harness.cycle.deliveries.allSatisfy { $0.endpoint == "slow.example" })
        #expect(harness.cycle.deliveries.count == 2)
        let id = try settled(harness, "R-1", callback: "https://fast.example/")
        #expect(harness.cycle.deliveries.map(\.delivery.refundID) == [id])
    }

    @Test func refundWithoutAnAddressHasItsEventButNoWebhook() throws {
        let harness = try EngineHarness { $0.webhooks.routing.defaultURL = nil }
        let id = try settled(harness, "R-1")
        #expect(try harness.webhooks(id).isEmpty)
        #expect(try harness.eventCount(.settled) == 1)
    }

    @Test func claimThatNobodyHoldsHidesNoWebhook() throws {
        let harness = try EngineHarness()
        let id = try settled(harness, "R-1")
        harness.endDeliveries(status: 500)
        try harness.run()
        // As a stray UPDATE of an application would leave it.
        try harness.sqlite("UPDATE refund_outbox SET leased_until = 9223372036854775807")
        harness.advance(by: .seconds(6))
        #expect(try harness.run().deliveries.map(\.delivery.refundID) == [id])
        #expect(try harness.run().deliveries.isEmpty)
    }

    @Test func drainingClaimsNothingAndFinishesWhatIsInFlight() throws {
        let harness = try EngineHarness()
        let id = try harness.enqueue("R-1")
        try harness.run()
        harness.engine.isDraining = true
        try harness.enqueue("R-2")
        #expect(!harness.engine.isIdle)
        harness.answerAll(.report(.settled))
        try harness.run()
        #expect(harness.cycle.queries.isEmpty)
        #expect(harness.cycle.deliveries.isEmpty)
        #expect(harness.engine.isIdle)
        #expect(try harness.refund(id).state == .settled)
    }

    @Test func webhookWaitsForASecretAndIsSentOnceThereIsOne() throws {
        let harness = try EngineHarness { $0.webhooks.hasSecret = false }
        let id = try settled(harness, "R-1", callback: "https://shop.example/x")
        harness.advance(by: .seconds(86_400))
        #expect(try harness.run().deliveries.isEmpty)
        #expect(try harness.webhooks(id).last?.integer("attempts") == 0)
        try harness.engine.reconfigure(EngineHarness.settings, at: harness.now)
        #expect(try harness.run().deliveries.map(\.delivery.refundID) == [id])
    }

    @Test func webhookThatAWrongClockPutOffForYearsIsSentOnceTheClockIsRight() throws {
        let harness = try EngineHarness()
        let id = try settled(harness, "R-1")
        harness.advance(by: .seconds(86_400 * 365))
        harness.endDeliveries(status: 500)
        try harness.run()
        harness.advance(by: .zero - .seconds(86_400 * 365))
        #expect(try harness.run().deliveries.map(\.delivery.refundID) == [id])
    }
}
