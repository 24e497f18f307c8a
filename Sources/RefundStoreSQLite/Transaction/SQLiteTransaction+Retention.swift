import GRDB
import RefundCore
import RefundStore
import RefundStoreSQL

/// What retention prunes.
///
/// The guards of the schema check every row again.
extension SQLiteTransaction {
    private static let listed = "IN (SELECT value FROM json_each(?))"

    func prune(_ request: PruneRequest, at now: Timestamp) throws(StoreError) -> (batch: PruneBatch, rows: PrunedRows) {
        let batch = try prunable(request)
        guard !batch.ids.isEmpty else { return (batch, PrunedRows()) }
        return try mapped {
            let ids = JSONWriter.list(batch.ids)
            let attempts = "refund_outbox_attempts WHERE position \(Self.listed)"
            var rows = PrunedRows()
            switch request.what {
            case .webhooks:
                rows.bodies = batch.ids.count
                rows.attempts = try count(attempts, ids)
                _ = try record(request, rows, at: now)
                try statements["UPDATE refund_outbox SET pruned_at = ? WHERE position \(Self.listed)"]
                    .bind(now).bind(ids).run(changing: rows.bodies)
                try statements["UPDATE refund_event_log SET body = '' WHERE position \(Self.listed)"].bind(ids)
                    .run(changing: rows.bodies)
                try delete(attempts, ids, rows.attempts)
            case .ledger:
                let of = { (table: String) in "\(table) WHERE refund_id \(Self.listed)" }
                let attempts =
                    "refund_outbox_attempts WHERE position IN (SELECT position FROM \(of("refund_outbox")))"
                rows.refunds = batch.ids.count
                rows.transitions = try count(of("refund_transitions"), ids)
                rows.events = try count(of("refund_event_log"), ids)
                rows.webhooks = try count(of("refund_outbox"), ids)
                rows.attempts = try count(attempts, ids)
                let leave = """
                    INSERT INTO refund_pruned_refunds (refund_id, pruning, gateway, merchant_no, merchant_order_no,
                    trans_no, state, created_at)
                    SELECT id, ?, gateway, merchant_no, merchant_order_no, trans_no, state, created_at
                    FROM refund_queue WHERE id \(Self.listed)
                    """
                try statements[leave].bind(record(request, rows, at: now)).bind(ids).run(changing: rows.refunds)
                for (table, key) in [("refund_queue", "id"), ("refund_outbox", "refund_id")] {
                    let uncount = """
                        UPDATE refund_counts SET number = number - (SELECT count(*) FROM \(table) t
                        WHERE t.\(key) \(Self.listed) AND +t.state = refund_counts.state) WHERE counted = '\(table)'
                        """
                    try statements[uncount].bind(ids).run()
                }
                try delete(attempts, ids, rows.attempts)
                try delete(of("refund_outbox"), ids, rows.webhooks)
                try delete(of("refund_event_log"), ids, rows.events)
                try delete(of("refund_transitions"), ids, rows.transitions)
                try delete("refund_queue WHERE id \(Self.listed)", ids, rows.refunds)
            }
            return (batch, rows)
        }
    }

    private func count(_ rows: String, _ ids: String) throws -> Int {
        Int(clamping: try number("SELECT count(*) FROM \(rows)") { $0.bind(ids) } ?? 0)
    }

    private func delete(_ rows: String, _ ids: String, _ count: Int) throws {
        try statements["DELETE FROM \(rows)"].bind(ids).run(changing: count)
    }

    private func record(_ request: PruneRequest, _ rows: PrunedRows, at now: Timestamp) throws -> Int64 {
        let names = PrunedRows.names.joined(separator: ", ")
        let marks = PrunedRows.names.map { _ in ", ?" }.joined()
        let statement = try statements[
            "INSERT INTO refund_pruned (at, what, until, actor, \(names)) VALUES (?, ?, ?, ?\(marks))"
        ]
        statement.bind(now).bind(request.what.rawValue).bind(request.until).bind(Transition.refundd)
        for (_, count) in rows.named { statement.bind(count) }
        try statement.run(changing: 1)
        return database.lastInsertedRowID
    }
}
