import GRDB
package import RefundCore
package import RefundStore
import Synchronization

extension SQLiteStore {
    package func migrate(at now: Timestamp) throws(StoreError) {
        try transaction(.immediate) { db in
            do {
                try migrate(db, at: now)
            } catch let error as DatabaseError where error.resultCode == .SQLITE_ERROR {
                throw StoreError.namesTaken(path, error.message ?? "no message")
            }
        }
        try restoreSchema(recounts: false)
    }

    /// Restores tables, guards, indexes and views that were dropped or changed; `upkeep` reports them.
    ///
    /// - Parameter recounts: Whether to count refunds and webhooks again even if nothing else differs, because somebody
    ///   changed the schema and may have restored a guard after working without it.
    /// - Throws: `StoreError` if the database fails.
    func restoreSchema(recounts: Bool = true) throws(StoreError) {
        let (reports, version) = try transaction(.immediate) { db in
            let reports = try SchemaRepair(db).run(recounts: recounts)
            return (reports, try Int64.fetchOne(db, sql: "PRAGMA schema_version"))
        }
        try onConnection { _ in connection.schemaVersion = version }
        if !reports.isEmpty { events.withLock { $0 += reports } }
    }

    private func migrate(_ db: Database, at now: Timestamp) throws {
        let encoding = try String.fetchOne(db, sql: "PRAGMA encoding") ?? "UTF-8"
        guard encoding == "UTF-8" else { throw StoreError.encoding(path, encoding) }
        try db.execute(sql: Migration.table)
        // On a read-only file system SQLite begins a write transaction all the same, and fails only at a statement.
        try db.execute(sql: "DELETE FROM refund_migrations WHERE id < 1")
        let applied = try Int.fetchOne(db, sql: "SELECT ifnull(max(id), 0) FROM refund_migrations") ?? 0
        if applied > Migration.last { throw StoreError.newerSchema(path, migration: applied) }
        let traces = DatabaseTraces(ofLost: path)
        guard try applied > 0 ? db.tableExists("refund_queue") : traces.files.isEmpty else {
            throw StoreError.missing(path, traces)
        }
        for migration in Migration.all where migration.id > applied {
            for sql in migration.sql { try db.execute(sql: sql) }
            try db.execute(
                sql: "INSERT INTO refund_migrations (id, name, applied_at) VALUES (?, ?, ?)",
                arguments: [migration.id, migration.name, now.milliseconds]
            )
        }
    }

    package func checkSchema() throws(StoreError) {
        let (applied, hasQueue) = try lastMigration()
        if applied > Migration.last { throw .newerSchema(path, migration: applied) }
        guard hasQueue else {
            let traces = DatabaseTraces(ofLost: path)
            throw applied > 0 || !traces.files.isEmpty ? .missing(path, traces) : .notInitialised(path)
        }
        if applied < Migration.last { throw .olderSchema(path, migration: applied) }
    }

    private func lastMigration() throws(StoreError) -> (id: Int, hasQueue: Bool) {
        try transaction(.deferred) { db in
            guard try db.tableExists("refund_migrations") else { return (0, false) }
            let last = try Int.fetchOne(db, sql: "SELECT ifnull(max(id), 0) FROM refund_migrations") ?? 0
            return (last, try last > 0 && db.tableExists("refund_queue"))
        }
    }
}
