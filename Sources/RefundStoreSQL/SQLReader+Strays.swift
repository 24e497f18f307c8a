import RefundCore
import RefundStore

extension SQLReader {
    /// Rows that belong to no other one, and numbers that are not those of the rows, in words.
    package func strays() throws -> [String] {
        let stray = { (what: String, sql: String) -> String? in
            let count = try number("SELECT count(*) FROM \(sql)") ?? 0
            return count == 0 ? nil : "\(count) \(what)"
        }
        let counts = [
            ("refund_queue", RefundState.allCases.map(\.rawValue)),
            ("refund_outbox", WebhookState.allCases.map(\.rawValue)),
        ].flatMap { table, states in
            states.map { state in
                """
                SELECT (SELECT count(*) FROM \(table) WHERE state = '\(state)') AS actual, (SELECT number
                FROM \(Self.counts) WHERE counted = '\(table)' AND state = '\(state)') AS number
                """
            }
        }
        let found = [
            try stray(
                "webhook(s) belong to no event",
                "refund_outbox o WHERE NOT EXISTS (SELECT 1 FROM refund_event_log e WHERE e.position = o.position)"
            ),
            try stray(
                "attempt(s) belong to no webhook",
                "refund_outbox_attempts a WHERE NOT EXISTS (SELECT 1 FROM refund_outbox o WHERE o.position = a.position)"
            ),
            try stray(
                "ledger row(s) belong to another refund than their refund_id says",
                "refund_transitions t JOIN refund_queue q ON q.id = t.refund_id WHERE t.enqueued_at <> q.created_at "
                    + "OR t.number <> coalesce(q.merchant_order_no, q.trans_no, '')"
            ),
            try stray(
                "refund(s) are recorded as pruned and still there",
                "refund_pruned_refunds p JOIN refund_queue q ON q.id = p.refund_id"
            ),
            try stray(
                "number(s) in refund_counts are wrong",
                "(\(counts.joined(separator: " UNION ALL "))) c WHERE coalesce(number, -1) <> actual"
            ),
        ]
        return found.compactMap(\.self) + (try unrecorded())
    }

    private func unrecorded() throws -> [String] {
        let recorded = try number("SELECT CAST(coalesce(sum(refunds), 0) AS bigint) FROM refund_pruned") ?? 0
        let left = try number("SELECT count(*) FROM refund_pruned_refunds") ?? 0
        return recorded == left
            ? [] : ["refund_pruned counts \(recorded) pruned refunds, but refund_pruned_refunds has \(left)"]
    }
}
