import RefundCore
import RefundPostgres
import RefundStore

/// What retention finds and prunes.
///
/// The guards of the schema check every row again.
extension PostgresTransaction {
    private static let isFinal = "q.state IN ('settled', 'failed', 'abandoned')"
    private static let listed = "= ANY ($1)"

    func prunable(_ request: PruneRequest) throws(StoreError) -> PruneBatch {
        try mapped {
            let sql = request.what == .webhooks ? Self.webhooks : Self.refunds
            let statement = flight.add(sql).bind(request.until).bind(request.after).bind(PruneRequest.rowLimit)
            let found = try rows(statement) { row in
                (id: row.integer() ?? 0, isOld: row.integer() == 1, count: row.integer())
            }
            var batch = PruneBatch(last: request.after)
            // A few rows with a wrong time do not hide those behind them.
            batch.isLast = found.count < PruneRequest.rowLimit || !found.contains(where: \.isOld)
            var size = 0
            for row in found {
                if let count = row.count {
                    size += Int(clamping: count)
                    guard size <= PruneRequest.rowLimit || batch.ids.isEmpty else {
                        batch.isLast = false
                        break
                    }
                    batch.ids.append(row.id)
                }
                batch.last = row.id
            }
            return batch
        }
    }

    // Each row is the id, whether it is old, and, if it can be pruned, the number of rows that it stands for.

    private static let webhooks = """
        SELECT o.position, e.at <= $1, CASE WHEN e.at <= $1 AND \(isFinal) AND o.leased_until IS NULL
        AND (o.state = 'superseded' OR o.delivered_at <= $1)
        THEN 2 + (SELECT count(*) FROM refund_outbox_attempts a WHERE a.position = o.position) END
        FROM refund_outbox o LEFT JOIN refund_event_log e ON e.position = o.position
        LEFT JOIN refund_queue q ON q.id = o.refund_id
        WHERE o.pruned_at IS NULL AND o.refund_id IS NOT NULL AND o.state IN ('delivered', 'superseded')
        AND o.position > $2 ORDER BY o.position LIMIT $3
        """

    private static let refunds = """
        SELECT q.id, q.created_at <= $1, CASE WHEN q.created_at <= $1 AND \(isFinal) AND q.attention IS NULL
        AND q.leased_until IS NULL
        AND NOT EXISTS (SELECT 1 FROM refund_transitions t WHERE t.refund_id = q.id AND t.at > $1)
        AND NOT EXISTS (SELECT 1 FROM refund_event_log e WHERE e.refund_id = q.id AND e.at > $1)
        AND NOT EXISTS (SELECT 1 FROM refund_outbox o WHERE o.refund_id = q.id AND (o.leased_until IS NOT NULL
        OR o.state <> 'superseded' AND (o.state <> 'delivered' OR o.delivered_at IS NULL OR o.delivered_at > $1)))
        THEN 2 + (SELECT count(*) FROM refund_transitions t WHERE t.refund_id = q.id)
        + (SELECT count(*) FROM refund_event_log e WHERE e.refund_id = q.id)
        + (SELECT count(*) FROM refund_outbox o WHERE o.refund_id = q.id)
        + (SELECT count(*) FROM refund_outbox o JOIN refund_outbox_attempts a ON a.position = o.position
        WHERE o.refund_id = q.id) END
        FROM refund_queue q WHERE q.id > $2 ORDER BY q.id LIMIT $3
        """

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

    // MARK: - What was pruned

    func prunedRows() throws(StoreError) -> PrunedRows {
        try mapped {
            let sums = PrunedRows.names.map { "coalesce(sum(\($0)), 0)::bigint" }.joined(separator: ", ")
            let found = try rows(flight.add("SELECT \(sums) FROM refund_pruned")) { row in
                let next = { Int(clamping: row.integer() ?? 0) }
                var sum = PrunedRows()
                (sum.refunds, sum.transitions, sum.events) = (next(), next(), next())
                (sum.webhooks, sum.bodies, sum.attempts) = (next(), next(), next())
                return sum
            }
            return found.first ?? PrunedRows()
        }
    }

    func prunedRefunds(_ selector: RefundSelector) throws(StoreError) -> [PrunedRefund] {
        try mapped {
            let condition =
                switch selector.name {
                case .id: "p.refund_id = $3"
                case .number: "(p.merchant_order_no = $3 OR p.trans_no = $3)"
                }
            let sql = """
                SELECT p.refund_id, coalesce(p.merchant_order_no, p.trans_no), p.state, r.at FROM refund_pruned_refunds p
                LEFT JOIN refund_pruned r ON r.id = p.pruning WHERE \(condition) AND ($1 IS NULL OR p.gateway = $1)
                AND ($2 IS NULL OR coalesce(p.merchant_no, '') = $2) ORDER BY p.refund_id
                """
            let statement = flight.add(sql).bind(selector.gateway).bind(selector.merchantNo)
            switch selector.name {
            case .id(let id): statement.bind(id)
            case .number(let number): statement.bind(number)
            }
            return try rows(statement) { row in
                let (id, number, state) = (row.integer(), row.text(), row.text().flatMap(RefundState.init(rawValue:)))
                guard let id, let number, let state else { return nil }
                return PrunedRefund(
                    id: id,
                    number: number,
                    state: state,
                    prunedAt: row.timestamp() ?? Timestamp(milliseconds: 0)
                )
            }
        }
    }
}
