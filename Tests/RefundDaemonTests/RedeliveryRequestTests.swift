import RefundCore
import RefundScheduler
import RefundStore
import RefundStoreSQLite
import Testing

@testable import RefundDaemon

struct RedeliveryRequestTests {
    private func fixture(dead: Int, delivered: Int) throws -> QueueFixture {
        let fixture = try QueueFixture()
        let webhooks = try fixture.makeWebhooks((1...(dead + delivered)).map { "R-\($0)" })
        try fixture.execute(webhooks.prefix(dead).map { .killWebhook(id: $0, reason: "test") })
        try fixture.deliver(Array(webhooks.dropFirst(dead)))
        return fixture
    }

    @Test func allDeadWebhooksAreDueInAsManyBatchesAsItTakes() async throws {
        let fixture = try fixture(dead: 1_201, delivered: 3)
        try #require(try fixture.count(.dead) == 1_201)
        #expect(try await RedeliveryRequest.dead.run(fixture.store, by: "ada").due == 1_201)
        #expect(try fixture.count(.pending) == 1_201)
        #expect(try fixture.count(.delivered) == 3)
        #expect(try await RedeliveryRequest.dead.run(fixture.store, by: "ada").due == 0)
    }

    @Test func pendingWebhooksSinceATimeAreDueNowAndKeepTheirAttempts() async throws {
        let fixture = try QueueFixture()
        let webhooks = try fixture.makeWebhooks(["R-1", "R-2", "R-3"])
        try fixture.deliver([webhooks[0]])
        try fixture.sql("UPDATE refund_outbox SET attempts = 2, next_attempt_at = next_attempt_at + 3600000")
        #expect(try await RedeliveryRequest.dead.run(fixture.store, by: "ada") == .init())
        let request = RedeliveryRequest.since(fixture.now)
        #expect(try await request.run(fixture.store, by: "ada") == .init(due: 1, hastened: 2))
        let rows = try fixture.store.read { tx throws(StoreError) in
            try tx.webhooks(WebhookFilter(state: .pending), limit: 9)
        }
        let now = SystemClock().now()
        #expect(rows.allSatisfy { $0.nextAttemptAt.map { $0 <= now } == true })
        #expect(rows.map(\.attempts).sorted() == [0, 2, 2])
    }

    @Test(arguments: [RedeliveryRequest.pending, .since(Timestamp(milliseconds: 0))])
    func webhookThatIsDeliveredMeanwhileIsNotSentAgain(request: RedeliveryRequest) async throws {
        let fixture = try QueueFixture()
        let webhooks = try fixture.makeWebhooks((1...501).map { "R-\($0)" })
        let count = try await request.run(fixture.store, by: "ada") { done in
            if done == 500 { try? fixture.deliver([webhooks[500]]) }
        }
        #expect(count == .init(hastened: 500))
        #expect(try fixture.count(.delivered) == 1)
    }

    @Test func pendingWebhookThatBecameDueNowIsStillSuperseded() async throws {
        let fixture = try QueueFixture()
        let webhooks = try fixture.makeWebhooks(["R-1"])
        _ = try await RedeliveryRequest.since(fixture.now).run(fixture.store, by: "ada")
        let history = try fixture.store.read { tx throws(StoreError) in try tx.histories(after: nil, limit: 9).histories
        }
        #expect(history.flatMap(\.webhooks).map(\.id) == webhooks)
        #expect(history.flatMap(\.webhooks).allSatisfy { !$0.isRedelivery })
    }

    @Test func allWebhooksSinceATimeAreDue() async throws {
        let fixture = try fixture(dead: 2, delivered: 3)
        let later = fixture.now.advanced(by: .seconds(1))
        #expect(try await RedeliveryRequest.since(later).run(fixture.store, by: "ada").due == 0)
        #expect(try await RedeliveryRequest.since(fixture.now).run(fixture.store, by: "ada").due == 5)
        #expect(try fixture.count(.pending) == 5)
    }

    @Test func webhookThatAnApplicationsTriggerRejectsFailsTheCommand() async throws {
        let fixture = try fixture(dead: 1, delivered: 0)
        try fixture.sql(
            "CREATE TRIGGER shop BEFORE UPDATE ON refund_outbox BEGIN SELECT RAISE(ABORT, 'not now'); END"
        )
        let failure = await #expect(throws: CommandFailure.self) {
            try await RedeliveryRequest.dead.run(fixture.store, by: "ada")
        }
        #expect(failure?.status == .failed)
        #expect(failure?.messages.first?.hasPrefix("not now") == true)
        #expect(failure?.messages.first?.contains("trigger shop") == true)
    }

    @Test func webhookInFlightIsNotDueAgain() async throws {
        let fixture = try QueueFixture()
        guard case .taken(let lock) = try DaemonLock.attempt(fixture.store.path, for: .daemon) else {
            throw CancellationError()
        }
        let webhooks = try fixture.makeWebhooks(["R-1"])
        try fixture.claim(webhooks)
        let failure = await #expect(throws: CommandFailure.self) {
            try await RedeliveryRequest.webhook(webhooks[0]).run(fixture.store, by: "ada")
        }
        #expect(failure?.status == .failed)
        #expect(failure?.messages.first?.contains("is being sent right now") == true)
        withExtendedLifetime(lock) {}
    }

    @Test func webhookThatAKilledDaemonWasSendingIsDue() async throws {
        let fixture = try QueueFixture()
        let webhooks = try fixture.makeWebhooks(["R-1"])
        try fixture.claim(webhooks)
        #expect(try await RedeliveryRequest.webhook(webhooks[0]).run(fixture.store, by: "ada").due == 1)
    }

    @Test func unknownWebhookIsAFailureOfItsOwn() async throws {
        let fixture = try QueueFixture()
        let failure = await #expect(throws: CommandFailure.self) {
            try await RedeliveryRequest.webhook("msg_none").run(fixture.store, by: "ada")
        }
        #expect(failure?.status == .noSuchRefund)
    }
}
