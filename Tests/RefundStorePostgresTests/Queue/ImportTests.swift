import RefundCore
import RefundStore
import RefundStoreConformance
import RefundStorePostgres
import RefundStorePostgresSupport
import Testing

/// A queue that takes over another one.
struct ImportTests {
    // A daemon's own, and what it makes itself.
    private static let unread: Set = [
        "refund_breakers", "refund_count_changes", "refund_counts", "refund_daemons", "refund_event_gaps",
        "refund_event_position", "refund_heartbeat", "refund_migrations",
    ]
    private static let claims: Set = ["claimed_by", "leased_until"]

    private let database: PostgresFixture

    init() throws {
        database = try PostgresFixture()
    }

    @Test func everyTableAndColumnIsCopied() throws {
        let rows = try database.rows(
            """
            SELECT c.table_name, c.column_name FROM information_schema.columns c
            JOIN information_schema.tables t USING (table_schema, table_name)
            WHERE c.table_schema = '\(database.settings.schema)' AND t.table_type = 'BASE TABLE'
            """
        )
        var columns: [String: Set<String>] = [:]
        for row in rows { columns[row[0] ?? "", default: []].insert(row[1] ?? "") }
        #expect(Set(columns.keys) == Self.unread.union(QueueTable.all.map(\.name)))
        for table in QueueTable.all {
            #expect(Set(table.columns) == columns[table.name]?.subtracting(Self.claims), "\(table.name)")
        }
    }

    @Test func noDaemonServesAQueueThatIsNotWholeAndTheImportGoesOn() throws {
        let store = database.postgres
        let (queue, row) = (QueueTable.all[0], #"[{"id":7,"merchant_order_no":"R-7","state":"settled","gateway":"g"}]"#)
        try store.beginImport(from: "a.db", at: now)
        try store.take(ExportedRows(json: row, last: 7), into: queue)
        for use in [{ try store.migrate(at: now) }, { try store.checkSchema() }] {
            let error = #expect(throws: StoreError.self) { try use() }
            #expect(error?.description.contains("only part of a.db; run refundd migrate again") == true)
        }
        let other = #expect(throws: StoreError.self) { try store.beginImport(from: "b.db", at: now) }
        #expect(other?.description.contains("has part of a.db") == true)
        try store.beginImport(from: "a.db", at: now)
        #expect(try store.lastKey(of: queue) == 7)
        try store.endImport(highest: ["refund_queue": 9, "refund_event_log": 5])
        try store.migrate(at: now)
        try store.checkSchema()
        let id = try store.write { tx throws(StoreError) in
            try tx.enqueue(NewRefund(columns: [(.merchantOrderNo, "R-8")]))
        }
        #expect(id == 10)
        #expect(try database.column("SELECT position FROM refund_event_position") == ["5"])
        #expect(try store.read { tx throws(StoreError) in try tx.status(at: now) }.states[.settled] == 1)
    }
}
