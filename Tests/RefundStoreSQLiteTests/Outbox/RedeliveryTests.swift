import RefundCore
import Testing

@testable import RefundStoreSQLite

/// Webhooks that a person has sent again.
struct RedeliveryTests {
    private let database: TestDatabase
    private var store: RefundStore { database.store }
    private let id: Int64

    init() throws {
        database = try TestDatabase()
        id = try database.enqueue("R-1")
    }

    private func redeliver(_ webhook: String, at time: Timestamp = later(60)) throws -> StoreTransaction.Redelivery {
        try store.transaction { tx in try tx.redeliver(webhook, by: "ada", at: time) }
    }

    private func states() throws -> [String] {
        try database.column("SELECT state FROM refund_outbox ORDER BY position")
    }

    /// One refund's webhooks, of which the first was overtaken and the second ended as wanted.
    private func end(_ outcome: DeliveryOutcome) throws {
        try database.happen(to: id) { $0.answered(.processing) }
        try database.happen(to: id) { $0.answered(.settled) }
        let delivery = try #require(try store.claim().first)
        try store.finish(delivery, outcome)
    }

    @Test(arguments: [("msg_1", "superseded"), ("msg_2", "delivered"), ("msg_2", "dead")])
    func whateverHasEndedIsDueAgainWithAllItsRetries(webhook: String, state: String) throws {
        try end(state == "dead" ? .refused : .taken)
        #expect(try states().contains(state))
        #expect(try redeliver(webhook) == .due)
        let columns = "state, redelivery, attempts, next_attempt_at, delivered_at"
        let row = try database.rows("SELECT \(columns) FROM refund_outbox WHERE id = '\(webhook)'")
        #expect(row == [["pending", "1", "0", "\(later(60).milliseconds)", "-"]])
        #expect(try store.claim(at: later(59)).isEmpty)
        let again = try #require(try store.claim(at: later(60)).first)
        #expect(again.id == webhook)
        #expect(again.attempts == 0)
    }

    @Test func theSameBodyIsSentAgain() throws {
        try database.happen(to: id) { $0.answered(.settled) }
        let first = try #require(try store.claim().first)
        try store.finish(first, .taken)
        _ = try redeliver(first.id)
        #expect(try store.claim(at: later(60)) == [first])
    }

    @Test func whatWaitsForItsRetryIsDueAtOnce() throws {
        try database.happen(to: id) { $0.answered(.settled) }
        try store.finish(try #require(try store.claim().first), .refused, retryAt: later(3_600))
        #expect(try redeliver("msg_1") == .due)
        #expect(try store.claim(at: later(60)).map(\.attempts) == [0])
    }

    @Test func oneInFlightIsLeftAlone() throws {
        try database.happen(to: id) { $0.answered(.settled) }
        let delivery = try #require(try store.claim().first)
        let contents = try database.contents()
        #expect(try redeliver("msg_1") == .inFlight)
        #expect(try database.contents() == contents)
        #expect(try store.finish(delivery, .taken) == .delivered)
    }

    @Test func oneThatIsNotThereIsSaidSo() throws {
        #expect(try redeliver("msg_9") == .unknown)
        #expect(try database.column("SELECT id FROM refund_actions").isEmpty)
    }

    @Test func itIsWrittenDownWhoWantedIt() throws {
        try end(.taken)
        _ = try redeliver("msg_2")
        let actions = try store.read { tx in try tx.actions(refundID: id) }
        #expect(actions.map { $0.text("actor") } == ["ada"])
        #expect(actions.map { $0.text("action") } == ["redeliver"])
        #expect(actions.map { $0.text("webhook_id") } == ["msg_2"])
        #expect(actions.map { $0.timestamp("at") } == [later(60)])
    }

    @Test func itsAddressIsEnabledAgainAndNoOther() throws {
        try end(.refused)
        try database.execute(
            """
            INSERT INTO refund_endpoints (url, failing_since, failed_at, disabled_at, reason) VALUES
            ('\(TestDatabase.defaultURL)', 0, 0, 1, 'HTTP 410'), ('https://hooks.example/other', 0, 0, 1, 'HTTP 410')
            """
        )
        _ = try redeliver("msg_2")
        #expect(try database.column("SELECT url FROM refund_endpoints") == ["https://hooks.example/other"])
    }

    // MARK: - Exempt from the order

    @Test func aNewerEventDoesNotOvertakeIt() throws {
        try database.happen(to: id) { $0.answered(.processing) }
        try store.finish(try #require(try store.claim().first), .refused)
        _ = try redeliver("msg_1")
        try database.happen(to: id) { $0.answered(.settled) }
        #expect(try states() == ["pending", "pending"])
    }

    @Test func whatWasOvertakenBeforeIsRetriedLikeAnyOther() throws {
        try end(.taken)
        _ = try redeliver("msg_1")
        let delivery = try #require(try store.claim(at: later(60)).first)
        #expect(try store.finish(delivery, .refused, at: later(61), retryAt: later(66)) == .retried)
        #expect(try store.claim(at: later(66)).map(\.attempts) == [1])
    }

    @Test func theEndOfTheDaemonDoesNotTakeItBack() throws {
        try end(.taken)
        _ = try redeliver("msg_1")
        _ = try store.claim(at: later(60))
        try store.transaction { try $0.endLeases() }
        #expect(try states() == ["pending", "delivered"])
        #expect(try store.claim(at: later(60)).map(\.id) == ["msg_1"])
    }

    @Test func puttingItBackDoesNotTakeItBackEither() throws {
        try end(.taken)
        _ = try redeliver("msg_1")
        _ = try store.claim(at: later(60))
        try store.transaction { try $0.putBack(webhook: "msg_1", until: later(120)) }
        #expect(try store.claim(at: later(120)).map(\.id) == ["msg_1"])
    }

    // MARK: - Many

    @Test func theyAreFoundByStateAndTimeOldestFirst() throws {
        try end(.refused)
        let other = try database.enqueue("R-2")
        try database.happen(to: other) { $0.answered(.settled, at: later(10)) }
        try store.finish(try #require(try store.claim(at: later(10)).first), .taken)
        func found(_ states: [WebhookState], _ since: Timestamp = now) throws -> [String] {
            try store.read { tx in try tx.webhookIDs(in: states, since: since) }
        }
        #expect(try found([.dead]) == ["msg_2"])
        #expect(try found([.delivered, .dead, .superseded]) == ["msg_1", "msg_2", "msg_3"])
        #expect(try found([.delivered, .dead, .superseded], later(10)) == ["msg_3"])
        #expect(try found([.delivered, .dead, .superseded], later(11)).isEmpty)
        #expect(try found([.pending]).isEmpty)
    }

    @Test func theOutboxIsShownNewestFirst() throws {
        try end(.refused)
        func shown(_ state: WebhookState?, limit: Int = 10) throws -> [String?] {
            try store.read { tx in try tx.webhooks(state: state, limit: limit).map { $0.text("id") } }
        }
        #expect(try shown(nil) == ["msg_2", "msg_1"])
        #expect(try shown(nil, limit: 1) == ["msg_2"])
        #expect(try shown(.superseded) == ["msg_1"])
        #expect(try shown(.dead) == ["msg_2"])
        #expect(try shown(.pending).isEmpty)
    }
}
