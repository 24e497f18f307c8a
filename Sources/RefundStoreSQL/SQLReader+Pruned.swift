import RefundCore
package import RefundStore

/// What retention finds, and what it has pruned.
///
/// The guards of the schema check every row again.
extension SQLReader {
    package func prunable(_ request: PruneRequest) throws(StoreError) -> PruneBatch {
        try mapped {
            let query = try query(request.what == .webhooks ? Self.webhooks : Self.refunds)
                .bind(request.until).bind(request.after).bind(PruneRequest.rowLimit)
            let found = try rows(query) { row in
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

    private static var webhooks: String {
        """
        SELECT o.position, e.at <= $1, CASE WHEN e.at <= $1 AND \(SQLCondition.isFinal) AND o.leased_until IS NULL
        AND (o.state = 'superseded' OR \(isNumber("o.delivered_at")) AND o.delivered_at <= $1)
        THEN 2 + (SELECT count(*) FROM refund_outbox_attempts a WHERE a.position = o.position) END
        FROM refund_outbox o \(by("refund_outbox_kept")) LEFT JOIN refund_event_log e ON e.position = o.position
        LEFT JOIN refund_queue q ON q.id = o.refund_id
        WHERE o.pruned_at IS NULL AND o.refund_id IS NOT NULL AND o.state IN ('delivered', 'superseded')
        AND o.position > $2 ORDER BY o.position LIMIT $3
        """
    }

    private static var refunds: String {
        """
        SELECT q.id, q.created_at <= $1, CASE WHEN q.created_at <= $1 AND \(SQLCondition.isFinal)
        AND q.attention IS NULL AND q.leased_until IS NULL
        AND NOT EXISTS (SELECT 1 FROM refund_transitions t WHERE t.refund_id = q.id AND t.at > $1)
        AND NOT EXISTS (SELECT 1 FROM refund_event_log e WHERE e.refund_id = q.id AND e.at > $1)
        AND NOT EXISTS (SELECT 1 FROM refund_outbox o WHERE o.refund_id = q.id AND (o.leased_until IS NOT NULL
        OR o.state <> 'superseded' AND (o.state <> 'delivered' OR NOT \(isNumber("o.delivered_at"))
        OR o.delivered_at > $1)))
        THEN 2 + (SELECT count(*) FROM refund_transitions t WHERE t.refund_id = q.id)
        + (SELECT count(*) FROM refund_event_log e WHERE e.refund_id = q.id)
        + (SELECT count(*) FROM refund_outbox o WHERE o.refund_id = q.id)
        + (SELECT count(*) FROM refund_outbox o JOIN refund_outbox_attempts a ON a.position = o.position
        WHERE o.refund_id = q.id) END
        FROM refund_queue q WHERE q.id > $2 ORDER BY q.id LIMIT $3
        """
    }

    package func prunedRows() throws(StoreError) -> PrunedRows {
        try mapped {
            let sums = PrunedRows.names.map { "CAST(coalesce(sum(\($0)), 0) AS bigint)" }.joined(separator: ", ")
            let found = try rows(try query("SELECT \(sums) FROM refund_pruned")) { row in
                let next = { Int(clamping: row.integer() ?? 0) }
                var sum = PrunedRows()
                (sum.refunds, sum.transitions, sum.events) = (next(), next(), next())
                (sum.webhooks, sum.bodies, sum.attempts) = (next(), next(), next())
                return sum
            }
            return found.first ?? PrunedRows()
        }
    }

    package func prunedRefunds(_ selector: RefundSelector) throws(StoreError) -> [PrunedRefund] {
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
            let query = try query(sql).bind(selector.gateway).bind(selector.merchantNo)
            switch selector.name {
            case .id(let id): query.bind(id)
            case .number(let number): query.bind(number)
            }
            return try rows(query) { row in
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
