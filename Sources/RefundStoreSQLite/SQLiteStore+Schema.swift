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
        guard try applied > 0 ? db.tableExists("refund_queue") : !DaemonLock.wasServed(path) else {
            throw StoreError.missing(path)
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
        if applied > Migration.all.count { throw .newerSchema(path, migration: applied) }
        guard hasQueue else {
            throw applied > 0 || DaemonLock.wasServed(path) ? .missing(path) : .notInitialised(path)
        }
        if applied < Migration.all.count { throw .olderSchema(path, migration: applied) }
    }

    private func lastMigration() throws(StoreError) -> (id: Int, hasQueue: Bool) {
        try transaction(.deferred) { db in
            guard try db.tableExists("refund_migrations") else { return (0, false) }
            let last = try Int.fetchOne(db, sql: "SELECT ifnull(max(id), 0) FROM refund_migrations") ?? 0
            return (last, try last > 0 && db.tableExists("refund_queue"))
        }
    }
}
