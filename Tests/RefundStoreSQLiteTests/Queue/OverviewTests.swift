import RefundCore
import RefundStore
import RefundStoreConformance
import RefundStoreSQLiteSupport
import Testing

/// What the admin page reads.
struct OverviewTests {
    private let database: SQLiteFixture

    init() throws {
        database = try SQLiteFixture()
    }

    private func overview(at time: Timestamp = now) throws -> QueueOverview {
        try database.store.read { tx throws(StoreError) in try tx.overview(at: time) }
    }

    @Test func verdictsAndChangesAreThoseOfTheLedger() throws {
        let id = try database.enqueue("R-1")
        try database.enqueue("R-2")
        try database.daemon.happen(to: id) { $0.answered(.settled) }
        let overview = try overview()
        #expect(overview.changes.map(\.number) == ["R-1"])
        #expect(overview.changes.map(\.to) == ["settled"])
        #expect(overview.settleTimes["default"]?.count == 1)
        #expect(overview.waiting.currencies[""]?.map(\.count).reduce(0, +) == 1)
        #expect(!overview.waiting.isPartial)
        let month = try self.overview(at: now.advanced(by: .seconds(31 * 86_400)))
        #expect(month.settleTimes.isEmpty)
        #expect(month.waiting.currencies[""]?.last?.count == 1)
    }

    @Test func webhookLeadsToItsRefund() throws {
        let id = try database.enqueue("R-1")
        try database.daemon.happen(to: id) { $0.answered(.settled) }
        let webhook = try #require(
            try database.rows("SELECT id FROM refund_outbox").first?.first ?? nil
        )
        try database.store.read { tx throws(StoreError) in
            #expect(try tx.refundID(ofWebhook: webhook) == id)
            #expect(try tx.refundID(ofWebhook: "msg_unknown") == nil)
        }
    }
}
