import GRDB
import RefundCore
import RefundStore

/// What retention finds and prunes.
///
/// The guards of the schema check every row again.
extension SQLiteTransaction {
    private static let isFinal = "q.state IN ('settled', 'failed', 'abandoned')"
    private static let listed = "IN (SELECT value FROM json_each(?))"

    func prunable(_ request: PruneRequest) throws(StoreError) -> PruneBatch {
        try mapped {
            let statement = try statements[request.what == .webhooks ? Self.webhooks : Self.refunds]
            let found = try rows(statement.bind(request.until).bind(request.after).bind(PruneRequest.rowLimit)) { row in
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
        SELECT o.position, e.at <= ?1, CASE WHEN e.at <= ?1 AND \(isFinal) AND o.leased_until IS NULL
        AND (o.state = 'superseded' OR typeof(o.delivered_at) = 'integer' AND o.delivered_at <= ?1)
        THEN 2 + (SELECT count(*) FROM refund_outbox_attempts a WHERE a.position = o.position) END
        FROM refund_outbox o INDEXED BY refund_outbox_kept LEFT JOIN refund_event_log e ON e.position = o.position
        LEFT JOIN refund_queue q ON q.id = o.refund_id
        WHERE o.pruned_at IS NULL AND o.refund_id IS NOT NULL AND o.state IN ('delivered', 'superseded')
        AND o.position > ?2 ORDER BY o.position LIMIT ?3
        """

    private static let refunds = """
        SELECT q.id, q.created_at <= ?1, CASE WHEN q.created_at <= ?1 AND \(isFinal) AND q.attention IS NULL
        AND q.leased_until IS NULL
        AND NOT EXISTS (SELECT 1 FROM refund_transitions t WHERE t.refund_id = q.id AND t.at > ?1)
        AND NOT EXISTS (SELECT 1 FROM refund_event_log e WHERE e.refund_id = q.id AND e.at > ?1)
        AND NOT EXISTS (SELECT 1 FROM refund_outbox o WHERE o.refund_id = q.id AND (o.leased_until IS NOT NULL
        OR o.state <> 'superseded' AND (o.state <> 'delivered' OR typeof(o.delivered_at) <> 'integer'
        OR o.delivered_at > ?1)))
        THEN 2 + (SELECT count(*) FROM refund_transitions t WHERE t.refund_id = q.id)
        + (SELECT count(*) FROM refund_event_log e WHERE e.refund_id = q.id)
        + (SELECT count(*) FROM refund_outbox o WHERE o.refund_id = q.id)
        + (SELECT count(*) FROM refund_outbox o JOIN refund_outbox_attempts a ON a.position = o.position
        WHERE o.refund_id = q.id) END
        FROM refund_queue q WHERE q.id > ?2 ORDER BY q.id LIMIT ?3
        """

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

    // MARK: - What was pruned

    func prunedRows() throws(StoreError) -> PrunedRows {
        try mapped {
            let sums = PrunedRows.names.map { "ifnull(sum(\($0)), 0)" }.joined(separator: ", ")
            var sum = PrunedRows()
            try statements["SELECT \(sums) FROM refund_pruned"].read { row in
                let next = { Int(clamping: row.integer() ?? 0) }
                (sum.refunds, sum.transitions, sum.events) = (next(), next(), next())
                (sum.webhooks, sum.bodies, sum.attempts) = (next(), next(), next())
                return false
            }
            return sum
        }
    }

    func prunedRefunds(_ selector: RefundSelector) throws(StoreError) -> [PrunedRefund] {
        try mapped {
            let condition =
                switch selector.name {
                case .id: "p.refund_id = ?1"
                case .number: "(p.merchant_order_no = ?1 OR p.trans_no = ?1)"
                }
            let gateway = selector.gateway == nil ? "" : "AND p.gateway = ?"
            let merchant = selector.merchantNo == nil ? "" : "AND ifnull(p.merchant_no, '') = ?"
            let sql = """
                SELECT p.refund_id, ifnull(p.merchant_order_no, p.trans_no), p.state, r.at FROM refund_pruned_refunds p
                LEFT JOIN refund_pruned r ON r.id = p.pruning WHERE \(condition) \(gateway) \(merchant)
                ORDER BY p.refund_id
                """
            let statement = try statements[sql]
            switch selector.name {
            case .id(let id): statement.bind(id)
            case .number(let number): statement.bind(number)
            }
            for value in [selector.gateway, selector.merchantNo] where value != nil { statement.bind(value) }
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
