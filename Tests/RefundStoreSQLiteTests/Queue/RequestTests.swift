import RefundCore
import Testing

@testable import RefundStoreSQLite

/// Refunds that a person wants asked at once.
struct RequestTests {
    private let database: TestDatabase
    private var store: RefundStore { database.store }
    private let id: Int64

    init() throws {
        database = try TestDatabase()
        id = try database.enqueue("R-1")
    }

    private func due() throws -> [Int64] {
        try store.read { tx in try tx.due(gateway: "default", at: now, limit: 10).map(\.id) }
    }

    @Test func theRefundIsDueAndItsPersonIsWrittenDown() throws {
        try database.happen(to: id) { $0.answered(.processing) }
        #expect(try due().isEmpty)
        try store.transaction { tx in try tx.requestQuery(id, by: "ada", at: now) }
        #expect(try due() == [id])
        let actions = try store.read { tx in try tx.actions(refundID: id) }
        #expect(actions.map { $0.text("action") } == ["query"])
        #expect(actions.map { $0.text("actor") } == ["ada"])
        #expect(actions.map { $0.text("webhook_id") } == [nil])
    }

    /// Since when a refund is due tells how far behind refundd is, and a person's wish changes nothing of that.
    @Test func aRefundThatIsMadeDueHasBeenDueSinceThen() throws {
        try database.happen(to: id) { $0.answered(.processing) }
        try store.transaction { tx in try tx.requestQuery(id, by: "ada", at: later(2)) }
        #expect(try store.read { try $0.status(at: later(3)).dueLag } == .seconds(1))
        try store.transaction { tx in try tx.requestQuery(id, by: "ada", at: later(4)) }
        #expect(try store.read { try $0.status(at: later(5)).dueLag } == .seconds(3), "it was due already")
        let fresh = try database.enqueue("R-2")
        try store.transaction { tx in try tx.requestQuery(fresh, by: "ada", at: later(6)) }
        #expect(try database.column("SELECT next_query_at FROM refund_queue WHERE id = \(fresh)") == ["0"])
    }

    @Test func aRefundThatHasEndedIsNotMadeDue() throws {
        try database.happen(to: id) { $0.answered(.settled) }
        try store.transaction { tx in try tx.requestQuery(id, by: "ada", at: now) }
        #expect(try database.column("SELECT next_query_at FROM refund_queue") == ["-"])
    }

    @Test(arguments: [true, false])
    func whetherTheLastAnswerVerifiedIsStored(isVerified: Bool) throws {
        try database.happen(to: id) { machine in
            let outcome: QueryOutcome = isVerified ? .says(.processing) : .unreachable(reason: "timeout")
            return machine.queryAnswered(outcome, sentAt: now, at: now, draw: 0.5)
        }
        #expect(try database.refund(id)?.isLastQueryVerified == isVerified)
    }
}
