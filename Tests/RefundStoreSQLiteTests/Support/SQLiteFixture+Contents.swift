import GRDB
import RefundStore
import RefundStoreConformance
import RefundStoreSQLiteSupport

@testable import RefundStoreSQLite

extension SQLiteFixture {
    var daemon: Daemon { Daemon(self) }

    /// The rows of a query, with null as `-`.
    func texts(_ sql: String) throws -> [[String]] {
        try rows(sql).map { row in row.map { $0 ?? "-" } }
    }

    /// Everything that the guards protect, as text.
    func contents() throws -> [[String]] {
        try [
            "refund_queue", "refund_transitions", "refund_event_log", "refund_outbox", "refund_outbox_attempts",
            "refund_hints", "refund_gateways", "refund_incidents", "refund_actions",
        ].flatMap { table in try texts("SELECT '\(table)', * FROM \(table) ORDER BY 2") }
    }
}

extension SQLiteStore {
    /// Runs statements in a transaction of the daemon's connection.
    func execute(_ sql: String = "") throws(StoreError) {
        try transaction(.immediate) { db in try db.execute(sql: sql) }
    }

    /// The first column of a query.
    func texts(_ sql: String) throws(StoreError) -> [String] {
        try transaction(.deferred) { db in try String.fetchAll(db, sql: sql) }
    }
}
