package import RefundCore
import RefundPostgres
package import RefundStore
import RefundStoreSQL

extension PostgresStore {
    package func migrate(at now: Timestamp) throws(StoreError) { try migrate(at: now, isImport: false) }

    /// Creates or migrates the queue.
    ///
    /// - Parameters:
    ///   - now: The time.
    ///   - isImport: Whether to go on with a queue that has only part of another one.
    ///   - actor: The operator who accepts the queue as a restored copy, or nil.
    /// - Returns: The number of the next refund if the operator accepts it.
    /// - Throws: `StoreError`.
    @discardableResult
    func migrate(
        at now: Timestamp,
        isImport: Bool,
        acceptingRestoredFor actor: String? = nil
    ) throws(StoreError) -> Int64? {
        try transaction(.write) { tx -> Int64? in
            // A migration that runs at the same moment waits, then finds everything done.
            tx.flight.add("SELECT pg_advisory_xact_lock(hashtextextended('refundd migrates ' || $1, 0))")
                .bind(settings.schema)
            let schema = "SELECT count(*) FROM pg_namespace WHERE nspname = $1"
            if try tx.number(schema, { $0.bind(settings.schema) }) == 0 {
                try tx.execute("CREATE SCHEMA \(settings.quotedSchema)")
            }
            // Only the owner may create it, even if it is there.
            if try !exists("refund_migrations", tx) { try tx.execute(Migration.table) }
            if !isImport { try requireWhole(tx) }
            let applied = try tx.number("SELECT coalesce(max(id), 0) FROM refund_migrations") ?? 0
            if applied > Migration.last { throw StoreError.newerSchema(location, migration: applied) }
            for migration in Migration.all where migration.id > applied {
                for sql in migration.sql { try tx.execute(sql) }
                tx.flight.add("INSERT INTO refund_migrations (id, name, applied_at) VALUES ($1, $2, $3)")
                    .bind(migration.id).bind(migration.name).bind(now)
            }
            if let actor { return try Positions.accept(by: actor, at: now, tx) }
            tx.flight.add(Positions.jump)
            return nil
        }
    }

    package func checkSchema() throws(StoreError) {
        let applied = try transaction(.read) { tx -> Int64? in
            guard try exists("refund_migrations", tx) else { return nil }
            try requireWhole(tx)
            return try tx.number("SELECT coalesce(max(id), 0) FROM refund_migrations")
        }
        guard let applied, applied > 0 else { throw .notInitialised(location) }
        if applied > Migration.last { throw .newerSchema(location, migration: applied) }
        if applied < Migration.last { throw .olderSchema(location, migration: applied) }
    }

    /// Whether the schema has a table.
    func exists(_ table: String, _ tx: PostgresTransaction) throws -> Bool {
        let sql = "SELECT count(*) FROM pg_tables WHERE schemaname = $1 AND tablename = $2"
        return try tx.number(sql) { $0.bind(settings.schema).bind(table) } == 1
    }
}
