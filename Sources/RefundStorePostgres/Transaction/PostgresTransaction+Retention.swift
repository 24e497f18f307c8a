import RefundCore
import RefundPostgres
import RefundStore
import RefundStoreSQL

/// What retention prunes.
///
/// The guards of the schema check every row again.
extension PostgresTransaction {
    private static let listed = "= ANY ($1)"

    func prune(_ request: PruneRequest, at now: Timestamp) throws(StoreError) -> (batch: PruneBatch, rows: PrunedRows) {
        // One step at a time: what a daemon may delete depends on the latest record.
        flight.add("SELECT pg_advisory_xact_lock(hashtextextended('refundd prunes ' || current_schema(), 0))")
        let batch = try prunable(request)
        guard !batch.ids.isEmpty else { return (batch, PrunedRows()) }
        return try mapped {
            var rows = PrunedRows()
            switch request.what {
            case .webhooks: try pruneWebhooks(request, batch.ids, &rows, at: now)
            case .ledger: try pruneRefunds(request, batch.ids, &rows, at: now)
            }
            try send()
            return (batch, rows)
        }
    }

    private func pruneWebhooks(
        _ request: PruneRequest,
        _ ids: [Int64],
        _ rows: inout PrunedRows,
        at now: Timestamp
    ) throws {
        let attempts = "refund_outbox_attempts WHERE position \(Self.listed)"
        rows.bodies = ids.count
        rows.attempts = try count(attempts, ids)
        try record(request, rows, at: now)
        change("UPDATE refund_outbox SET pruned_at = $2 WHERE position \(Self.listed)", ids, rows.bodies, at: now)
        change("UPDATE refund_event_log SET body = '' WHERE position \(Self.listed)", ids, rows.bodies)
        change("DELETE FROM \(attempts)", ids, rows.attempts)
    }

    private func pruneRefunds(
        _ request: PruneRequest,
        _ ids: [Int64],
        _ rows: inout PrunedRows,
        at now: Timestamp
    ) throws {
        let of = { (table: String) in "\(table) WHERE refund_id \(Self.listed)" }
        let attempts = "refund_outbox_attempts WHERE position IN (SELECT position FROM \(of("refund_outbox")))"
        rows.refunds = ids.count
        rows.transitions = try count(of("refund_transitions"), ids)
        rows.events = try count(of("refund_event_log"), ids)
        rows.webhooks = try count(of("refund_outbox"), ids)
        rows.attempts = try count(attempts, ids)
        try record(request, rows, at: now)
        let leave = """
            INSERT INTO refund_pruned_refunds (refund_id, pruning, gateway, merchant_no, merchant_order_no, trans_no, state,
            created_at)
            SELECT id, (SELECT max(id) FROM refund_pruned), gateway, merchant_no, merchant_order_no, trans_no, state,
            created_at FROM refund_queue WHERE id \(Self.listed)
            """
        change(leave, ids, rows.refunds)
        for (table, key) in [("refund_queue", "id"), ("refund_outbox", "refund_id")] {
            let uncount = """
                INSERT INTO refund_count_changes (number, counted, state)
                SELECT -count(*), '\(table)', state FROM \(table) WHERE \(key) \(Self.listed) GROUP BY state
                """
            flight.add(uncount).bind(list: ids)
        }
        change("DELETE FROM \(attempts)", ids, rows.attempts)
        change("DELETE FROM \(of("refund_outbox"))", ids, rows.webhooks)
        change("DELETE FROM \(of("refund_event_log"))", ids, rows.events)
        change("DELETE FROM \(of("refund_transitions"))", ids, rows.transitions)
        change("DELETE FROM refund_queue WHERE id \(Self.listed)", ids, rows.refunds)
    }

    private func count(_ rows: String, _ ids: [Int64]) throws -> Int {
        Int(clamping: try number("SELECT count(*) FROM \(rows)") { $0.bind(list: ids) } ?? 0)
    }

    // A trigger that ignores rows makes the whole step fail.
    private func change(_ sql: String, _ ids: [Int64], _ count: Int, at time: Timestamp? = nil) {
        let required = time == nil ? "$2" : "$3"
        let statement = flight.add(
            "WITH done AS (\(sql) RETURNING 1) SELECT refund_require((SELECT count(*) FROM done), \(required))"
        ).bind(list: ids)
        if let time { statement.bind(time) }
        statement.bind(count)
    }

    private func record(_ request: PruneRequest, _ rows: PrunedRows, at now: Timestamp) throws {
        let names = PrunedRows.names.joined(separator: ", ")
        let marks = PrunedRows.names.indices.map { ", $\($0 + 5)" }.joined()
        let statement = flight.add(
            "INSERT INTO refund_pruned (at, what, until, actor, \(names)) VALUES ($1, $2, $3, $4\(marks))"
        )
        statement.bind(now).bind(request.what.rawValue).bind(request.until).bind(Transition.refundd)
        for (_, count) in rows.named { statement.bind(count) }
    }
}
