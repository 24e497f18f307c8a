package import RefundCore
import RefundPostgres
package import RefundStore
import RefundStoreSQL

extension PostgresStore: QueueImporter {
    /// The table that a queue has until it is whole, with the location of the one that it comes from.
    static let importTable = "refund_import"

    package func beginImport(from source: String, at now: Timestamp) throws(StoreError) {
        try migrate(at: now, isImport: true)
        try transaction(.write) { tx in
            if try exists(Self.importTable, tx) {
                let known = try importSource(tx)
                guard known == source else { throw StoreError.otherImport(location, known) }
                return
            }
            guard try tx.number("SELECT count(*) FROM (SELECT 1 FROM refund_queue LIMIT 1) q") == 0 else {
                throw StoreError.notEmpty(location)
            }
            try tx.execute("CREATE TABLE \(Self.importTable) (source text NOT NULL)")
            tx.flight.add("INSERT INTO \(Self.importTable) (source) VALUES ($1)").bind(source)
        }
    }

    package func lastKey(of table: QueueTable) throws(StoreError) -> Int64? {
        guard let key = table.key else { return nil }
        return try transaction(.read) { tx in try tx.number("SELECT max(\(key)) FROM \(table.name)") }
    }

    package func take(_ rows: ExportedRows, into table: QueueTable) throws(StoreError) {
        let columns = table.columns.joined(separator: ", ")
        try transaction(.write) { tx in
            try tx.execute("ALTER TABLE \(table.name) DISABLE TRIGGER USER")
            tx.flight.add(
                """
                INSERT INTO \(table.name) (\(columns)) OVERRIDING SYSTEM VALUE
                SELECT \(columns) FROM json_populate_recordset(NULL::\(table.name), $1::json)
                \(table.key == nil ? "ON CONFLICT DO NOTHING" : "")
                """
            ).bind(rows.json)
            try tx.execute("ALTER TABLE \(table.name) ENABLE TRIGGER USER")
        }
    }

    package func endImport(highest: [String: Int64]) throws(StoreError) {
        try transaction(.write) { tx in
            for (table, sequence) in Self.sequences {
                guard let last = highest[table], last > 0 else { continue }
                tx.flight.add("SELECT setval(\(sequence), $1)").bind(last)
            }
            tx.flight.add("UPDATE refund_event_position SET position = greatest(position, $1)")
                .bind(highest["refund_event_log"] ?? 0)
            tx.flight.add("DELETE FROM refund_count_changes")
            for table in ["refund_queue", "refund_outbox"] {
                tx.flight.add(
                    """
                    UPDATE refund_counts c SET number = (SELECT count(*) FROM \(table) t WHERE t.state = c.state)
                    WHERE counted = '\(table)'
                    """
                )
            }
            try tx.execute("DROP TABLE \(Self.importTable)")
        }
        // Without it, the planner would take the tables for empty ones.
        try transaction(.write) { tx in
            for table in QueueTable.all { try tx.execute("ANALYZE \(table.name)") }
        }
    }

    private static let sequences = [
        ("refund_queue", "'refund_queue_ids'"), ("refund_transitions", "'refund_transition_ids'"),
        ("refund_outbox_attempts", "'refund_outbox_attempt_ids'"), ("refund_actions", "'refund_action_ids'"),
        ("refund_pauses", "pg_get_serial_sequence('refund_pauses', 'id')"), ("refund_pruned", "'refund_pruned_ids'"),
        ("refund_hints", "'refund_hint_ids'"),
    ]

    /// Throws if the queue is a copy that was not completed.
    func requireWhole(_ tx: PostgresTransaction) throws {
        guard try exists(Self.importTable, tx) else { return }
        throw StoreError.incomplete(location, try importSource(tx))
    }

    private func importSource(_ tx: PostgresTransaction) throws -> String {
        try tx.rows(tx.flight.add("SELECT source FROM \(Self.importTable)")) { $0.text() }.first ?? ""
    }
}

extension StoreError {
    fileprivate static func notEmpty(_ location: String) -> StoreError {
        let text = "has refunds of its own; migrate into an empty schema"
        return StoreError(.failed, location, "not empty", database: text)
    }

    fileprivate static func otherImport(_ location: String, _ source: String) -> StoreError {
        let text = "has part of \(source); migrate that, or drop the schema"
        return StoreError(.failed, location, "another copy", database: text)
    }

    fileprivate static func incomplete(_ location: String, _ source: String) -> StoreError {
        let text = "has only part of \(source); run refundd migrate again to go on"
        return StoreError(.olderSchema, location, "incomplete", database: text)
    }
}
