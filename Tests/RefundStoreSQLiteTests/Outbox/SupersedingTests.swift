import RefundCore
import Testing

@testable import RefundStoreSQLite

struct SupersedingTests {
    private let database: TestDatabase
    private var store: RefundStore { database.store }
    private let id: Int64

    init() throws {
        database = try TestDatabase()
        id = try database.enqueue("R-1")
    }

    private func states() throws -> [String] {
        try database.rows("SELECT type, state FROM refund_outbox ORDER BY position").map {
            $0[0].replacing("refund.", with: "") + " " + $0[1]
        }
    }

    @Test func aNewerEventOvertakesWhatNobodyTookYet() throws {
        try database.happen(to: id) { $0.answered(.processing) }
        try database.happen(to: id) { $0.answered(.settled) }
        #expect(try states() == ["processing superseded", "settled pending"])
        #expect(try database.column("SELECT next_attempt_at FROM refund_webhooks WHERE state = 'superseded'") == ["-"])
        #expect(try store.claim().map(\.id) == ["msg_2"])
        #expect(try database.column("SELECT type FROM refund_events") == ["refund.processing", "refund.settled"])
    }

    @Test func itOvertakesRetriesToo() throws {
        try database.happen(to: id) { $0.answered(.processing) }
        try store.finish(try #require(try store.claim().first), .refused, retryAt: later(5))
        try database.happen(to: id) { $0.answered(.settled) }
        #expect(try states() == ["processing superseded", "settled pending"])
    }

    @Test func otherRefundsAndGatewaysAreNotTouched() throws {
        let other = try database.enqueue("R-2")
        try database.happen(to: other) { $0.answered(.processing) }
        try store.transaction { tx in
            let trouble = GatewayHealth.Trouble(code: "SYS002", message: "x", isVerified: true, since: now)
            try tx.setTrouble(trouble, gateway: "default", database.context())
        }
        try database.happen(to: id) { $0.answered(.settled) }
        #expect(
            try states() == ["processing pending", "gateway.needs_attention pending", "settled pending"]
        )
    }

    @Test func whatHasEndedStaysAsItEnded() throws {
        try database.happen(to: id) { $0.answered(.processing) }
        try store.finish(try #require(try store.claim().first), .taken)
        try database.happen(to: id, isOld: true) { $0.aged(at: now) }
        try store.finish(try #require(try store.claim().first), .refused, retryAt: nil)
        try database.happen(to: id) { $0.answered(.settled) }
        #expect(try states() == ["processing delivered", "needs_attention dead", "settled pending"])
    }

    // MARK: - Needs attention

    @Test func attentionIsOvertakenByAnEventWithAWebhook() throws {
        try database.happen(to: id, isOld: true) { $0.aged(at: now) }
        try database.happen(to: id) { $0.answered(.settled) }
        #expect(try states() == ["needs_attention superseded", "settled pending"])
    }

    @Test func attentionIsNotOvertakenByAnEventThatNobodyIsSent() throws {
        try database.happen(to: id, isOld: true) { $0.aged(at: now) }
        try database.happen(to: id, events: [.settled]) { $0.answered(.processing) }
        #expect(try states() == ["needs_attention pending"])
        #expect(try store.claim().count == 1)
    }

    @Test func otherEventsAreOvertakenByAnEventThatNobodyIsSent() throws {
        try database.happen(to: id) { $0.answered(.processing) }
        try database.happen(to: id, url: nil) { $0.answered(.settled) }
        #expect(try states() == ["processing superseded"])
    }

    @Test func aLedgerRowWithoutAnEventOvertakesNothing() throws {
        try database.happen(to: id) { $0.answered(.processing) }
        try database.happen(to: id) { $0.webhooksChanged(dead: 1, at: now) }
        #expect(try states() == ["processing pending"])
    }

    // MARK: - In flight

    @Test func anAttemptInFlightIsWaitedForAndThenOvertaken() throws {
        try database.happen(to: id) { $0.answered(.processing) }
        let delivery = try #require(try store.claim().first)
        try database.happen(to: id) { $0.answered(.settled) }
        #expect(try states() == ["processing pending", "settled pending"])
        #expect(try store.claim().isEmpty, "one webhook of a refund is in flight at a time")
        #expect(try store.finish(delivery, .refused, retryAt: later(5)) == .superseded)
        #expect(try states() == ["processing superseded", "settled pending"])
        #expect(try store.claim().map(\.id) == ["msg_2"])
    }

    @Test func anAttemptInFlightThatSucceedsIsDelivered() throws {
        try database.happen(to: id) { $0.answered(.processing) }
        let delivery = try #require(try store.claim().first)
        try database.happen(to: id) { $0.answered(.settled) }
        #expect(try store.finish(delivery, .taken) == .delivered)
        #expect(try states() == ["processing delivered", "settled pending"])
        #expect(try store.claim().map(\.id) == ["msg_2"])
    }

    @Test func theLastAttemptOfAnOvertakenWebhookIsNotDead() throws {
        try database.happen(to: id) { $0.answered(.processing) }
        let delivery = try #require(try store.claim().first)
        try database.happen(to: id) { $0.answered(.settled) }
        #expect(try store.finish(delivery, .refused, retryAt: nil) == .superseded)
        #expect(try store.read { try $0.deadWebhooks(refundID: id) } == 0)
    }

    @Test func attentionInFlightIsRetriedUnlessAWebhookOvertookIt() throws {
        try database.happen(to: id, isOld: true) { $0.aged(at: now) }
        let delivery = try #require(try store.claim().first)
        try database.happen(to: id, events: []) { $0.answered(.processing) }
        #expect(try store.finish(delivery, .refused, retryAt: later(5)) == .retried)
        let again = try #require(try store.claim(at: later(5)).first)
        try database.happen(to: id) { $0.answered(.settled) }
        #expect(try store.finish(again, .refused, at: later(6), retryAt: later(300)) == .superseded)
    }

    @Test func whatWasInFlightWhenTheDaemonDiedIsOvertakenToo() throws {
        try database.happen(to: id) { $0.answered(.processing) }
        _ = try store.claim()
        try database.happen(to: id) { $0.answered(.settled) }
        try store.transaction { try $0.endLeases() }
        #expect(try states() == ["processing superseded", "settled pending"])
        #expect(try store.claim().map(\.id) == ["msg_2"])
    }

    @Test func whatIsPutBackIsSentLaterUnlessItWasOvertaken() throws {
        try database.happen(to: id) { $0.answered(.processing) }
        _ = try store.claim()
        try store.transaction { try $0.putBack(webhook: "msg_1", until: later(60)) }
        #expect(try store.claim(at: later(59)).isEmpty)
        #expect(try store.claim(at: later(60)).map(\.id) == ["msg_1"])
        try database.happen(to: id) { $0.answered(.settled) }
        try store.transaction { try $0.putBack(webhook: "msg_1", until: later(120)) }
        #expect(try states() == ["processing superseded", "settled pending"])
        #expect(try store.claim().map(\.id) == ["msg_2"])
    }

    @Test func whatWasInFlightAndIsStillTheNewestIsSentAgain() throws {
        try database.happen(to: id, isOld: true) { $0.aged(at: now) }
        _ = try store.claim()
        try database.happen(to: id, events: []) { $0.answered(.processing) }
        try store.transaction { try $0.endLeases() }
        #expect(try states() == ["needs_attention pending"])
        #expect(try store.claim().map(\.id) == ["msg_1"])
    }
}
