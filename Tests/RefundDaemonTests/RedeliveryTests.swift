import RefundCore
import RefundStoreSQLite
import Testing

@testable import RefundDaemon

struct RedeliveryTests {
    /// Refunds with a webhook each that is dead, or that was taken.
    private func harness(dead: Int, delivered: Int) throws -> EngineHarness {
        let harness = try EngineHarness { settings in
            settings.webhooks.retrySchedule.delays = []
            settings.webhooks.capacity = 10_000
        }
        for number in 1...(dead + delivered) {
            let host = number <= dead ? "dead" : "well"
            try harness.enqueue("R-\(number)", [(name: .callbackURL, value: "https://\(host)\(number).example/")])
        }
        for _ in 0..<((dead + delivered) / 256 + 1) {
            try harness.run()
            harness.answerAll(.report(.settled))
            try harness.run()
            for (delivery, endpoint) in harness.cycle.deliveries {
                harness.end(delivery, endpoint, status: endpoint.hasPrefix("dead") ? 500 : 204)
            }
        }
        try harness.run()
        return harness
    }

    private func count(_ harness: EngineHarness, _ state: WebhookState) throws -> Int {
        try harness.store.read { tx in try tx.webhooks(state: state, limit: 10_000).count }
    }

    @Test func allDeadOnesAreDueInAsManyBatchesAsItTakes() async throws {
        let harness = try harness(dead: 1_201, delivered: 3)
        try #require(try count(harness, .dead) == 1_201)
        #expect(try await Redelivery.dead.run(harness.store, by: "ada") == 1_201)
        #expect(try count(harness, .pending) == 1_201)
        #expect(try count(harness, .delivered) == 3)
        #expect(try await Redelivery.dead.run(harness.store, by: "ada") == 0)
    }

    @Test func allThatEndedSinceATimeAreDue() async throws {
        let harness = try harness(dead: 2, delivered: 3)
        #expect(try await Redelivery.since(harness.now.advanced(by: .seconds(1))).run(harness.store, by: "ada") == 0)
        #expect(try await Redelivery.since(harness.now).run(harness.store, by: "ada") == 5)
        #expect(try count(harness, .pending) == 5)
        #expect(try await Redelivery.since(harness.now).run(harness.store, by: "ada") == 0, "pending ones wait already")
    }

    /// A trigger of the application's is no fault of the database.
    @Test func whatATriggerRefusesFails() async throws {
        let harness = try harness(dead: 1, delivered: 0)
        try harness.sqlite(
            "CREATE TRIGGER shop BEFORE UPDATE ON refund_outbox BEGIN SELECT RAISE(ABORT, 'not now'); END"
        )
        let failure = await #expect(throws: CommandFailure.self) {
            try await Redelivery.dead.run(harness.store, by: "ada")
        }
        #expect(failure?.status == .failed)
        #expect(failure?.messages == ["not now"])
    }

    @Test func theOneThatIsNamedMayBeNowhereOrInFlight() async throws {
        let harness = try EngineHarness()
        let lock = try DaemonLock(databasePath: harness.store.path)
        try harness.enqueue("R-1")
        try harness.run()
        harness.answerAll(.report(.settled))
        try harness.run()
        let id = try #require(harness.cycle.deliveries.first?.delivery.id)
        let inFlight = await #expect(throws: CommandFailure.self) {
            try await Redelivery.webhook(id).run(harness.store, by: "ada")
        }
        #expect(inFlight?.status == .failed)
        let unknown = await #expect(throws: CommandFailure.self) {
            try await Redelivery.webhook("msg_none").run(harness.store, by: "ada")
        }
        #expect(unknown?.status == .noSuchRefund)
        harness.endDeliveries(status: 204)
        try harness.run()
        #expect(try await Redelivery.webhook(id).run(harness.store, by: "ada") == 1)
        withExtendedLifetime(lock) {}
    }
}
