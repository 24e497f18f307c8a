import GRDB
package import RefundCore
package import RefundStore

extension SQLiteStore {
    package func migrate(at now: Timestamp) throws(StoreError) {
        let outcome: Result<Void, StoreError> = database.inDatabase { db in
            do {
                try db.inTransaction(.immediate) {
                    try migrate(db, at: now)
                    return .commit
                }
                return .success(())
            } catch let error as DatabaseError where error.resultCode == .SQLITE_ERROR {
                return .failure(.namesTaken(path, error.message ?? "no message"))
            } catch {
                return .failure(StoreError(error, path: path))
            }
        }
        try outcome.get()
    }

    private func migrate(_ db: Database, at now: Timestamp) throws {
        let encoding = try String.fetchOne(db, sql: "PRAGMA encoding") ?? "UTF-8"
        guard encoding == "UTF-8" else { throw StoreError.encoding(path, encoding) }
        try db.execute(sql: Migration.table)
        let applied = try Int.fetchOne(db, sql: "SELECT ifnull(max(id), 0) FROM refund_migrations") ?? 0
        if applied > Migration.all.count { throw StoreError.newerSchema(path, migration: applied) }
        for migration in Migration.all where migration.id > applied {
            for sql in migration.sql { try db.execute(sql: sql) }
            try db.execute(
                sql: "INSERT INTO refund_migrations (id, name, applied_at) VALUES (?, ?, ?)",
                arguments: [migration.id, migration.name, now.milliseconds]
            )
        }
    }

    package func checkSchema() throws(StoreError) {
        let applied = try lastMigration()
        if applied > Migration.all.count { throw .newerSchema(path, migration: applied) }
        if applied == 0 { throw .notInitialised(path) }
        if applied < Migration.all.count { throw .olderSchema(path, migration: applied) }
    }

    /// Whether the file has a queue, of whichever version.
    package func hasQueue() throws(StoreError) -> Bool {
        try lastMigration() > 0
    }

    private func lastMigration() throws(StoreError) -> Int {
        try transaction(.deferred) { db in
            guard try db.tableExists("refund_migrations") else { return 0 }
            return try Int.fetchOne(db, sql: "SELECT ifnull(max(id), 0) FROM refund_migrations") ?? 0
        }
    }
}
