import RefundCore
import RefundPostgres
import RefundStore
import RefundStoreSQL
import Synchronization

/// Who keeps the server from cleaning up rows that have changed: a report, a forgotten transaction, a standby or a slot.
///
/// Every claim then walks past more and more of what earlier ones left. A role sees what others do only if it may read
/// all statistics.
extension PostgresStore {
    private static let interval: Duration = .seconds(60)
    private static let patience: Duration = .seconds(60)

    /// Reports who has held a snapshot for a while, each holder once.
    func noteSnapshot(at now: Timestamp) {
        let isDue = snapshots.withLock { last in
            if let time = last.checked, time <= now, now.duration(since: time) < Self.interval { return false }
            last.checked = now
            return true
        }
        guard isDue else { return }
        let found = try? heldSnapshots(for: Self.patience).first
        let isNew = snapshots.withLock { last in
            defer { last.holder = found?.holder }
            return last.holder != found?.holder
        }
        if isNew, let found { events.withLock { $0.append(.snapshotHeld(by: found.holder, since: found.time)) } }
    }

    /// Who has held a snapshot for longer than a time, for how long, if known, and the statement that ends it; the
    /// longest first.
    func heldSnapshots(
        for patience: Duration
    ) throws(StoreError) -> [(holder: String, time: Duration?, remedy: String)] {
        // A transaction that has written holds as much back as one with a snapshot, but nothing in other databases does.
        // A slot does not say since when, but how many transactions have begun since.
        let sql = """
            SELECT holder, seconds, remedy FROM (
                SELECT 'process ' || pid || ' of ' || coalesce(usename, '') || ' (' || coalesce(application_name, '') || ')',
                extract(epoch FROM clock_timestamp() - coalesce(xact_start, backend_start))::bigint,
                'SELECT pg_terminate_backend(' || pid || ')'
                FROM pg_stat_activity WHERE coalesce(backend_xmin, backend_xid) IS NOT NULL
                AND coalesce(datname, current_database()) = current_database() AND pid <> pg_backend_pid()
                AND backend_type <> 'autovacuum worker'
                UNION ALL SELECT 'prepared transaction ' || gid,
                extract(epoch FROM clock_timestamp() - prepared)::bigint, 'ROLLBACK PREPARED ' || quote_literal(gid)
                FROM pg_prepared_xacts WHERE database = current_database()
                UNION ALL SELECT 'replication slot ' || slot_name, NULL,
                'SELECT pg_drop_replication_slot(' || quote_literal(slot_name) || ')' FROM pg_replication_slots
                WHERE age(xmin) > 100000 AND coalesce(database, current_database()) = current_database()
            ) held (holder, seconds, remedy) WHERE coalesce(seconds >= $1, true)
            ORDER BY seconds DESC NULLS LAST
            """
        return try transaction(.read) { tx in
            try tx.rows(tx.flight.add(sql).bind(patience.components.seconds)) { row in
                (holder: row.text() ?? "", time: row.integer().map { Duration.seconds($0) }, remedy: row.text() ?? "")
            }
        }
    }
}
