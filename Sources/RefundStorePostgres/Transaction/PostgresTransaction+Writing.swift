import RefundCore
import RefundPostgres
import RefundStore

/// The writes of operators' commands and the scheduler's start.
extension PostgresTransaction {
    private static let isOpen = "state IN ('pending', 'processing')"
    // Keeps an earlier due time, which shows how far behind refundd is.
    private static let dueBy = "next_query_at = least(coalesce(next_query_at, $1), $1)"

    func enqueue(_ refund: NewRefund) throws(StoreError) -> Int64? {
        try mapped {
            let names = refund.columns.map(\.name.rawValue).joined(separator: ", ")
            let marks = refund.columns.indices.map { "$\($0 + 1)" }.joined(separator: ", ")
            let sql = "INSERT INTO refund_queue (\(names)) VALUES (\(marks)) ON CONFLICT DO NOTHING RETURNING id"
            return try number(sql) { statement in
                for column in refund.columns { statement.bind(column.value) }
            }
        }
    }

    func write(_ change: RefundChange) throws(StoreError) {
        try mapped {
            let executor = WriteExecutor(self, leases: [:])
            try executor.write(change)
            executor.finish()
            try send()
        }
    }

    func requestQuery(_ id: Int64, by actor: String, at now: Timestamp) throws(StoreError) {
        try mapped {
            flight.add("UPDATE refund_queue SET \(Self.dueBy) WHERE id = $2 AND \(Self.isOpen)").bind(now).bind(id)
            let hint = """
                INSERT INTO refund_hints (merchant_order_no, trans_no, gateway, merchant_no)
                SELECT merchant_order_no, trans_no, gateway, merchant_no FROM refund_queue
                WHERE id = $1 AND \(Self.isOpen)
                """
            flight.add(hint).bind(id)
            note("query", by: actor, refundID: id, webhookID: nil, at: now)
            try send()
        }
    }

    func deleteHints(refundID id: Int64) throws(StoreError) {
        try mapped {
            let sql = """
                DELETE FROM refund_hints h WHERE EXISTS (SELECT 1 FROM (\(Hints.meant)) q WHERE q.id = $1)
                """
            flight.add(sql).bind(id)
            try send()
        }
    }

    func redeliver(_ id: String, by actor: String, at now: Timestamp) throws(StoreError) -> Redelivery {
        try mapped {
            let select =
                "SELECT refund_id, url, leased_until IS NOT NULL FROM refund_outbox WHERE id = $1 FOR NO KEY UPDATE"
            let found = try rows(flight.add(select).bind(id)) {
                row -> (refundID: Int64?, url: String, isInFlight: Bool)? in
                (row.integer(), row.text() ?? "", row.integer() == 1)
            }.first
            guard let found else { return .unknown }
            if found.isInFlight { return .inFlight }
            let update = """
                UPDATE refund_outbox SET state = 'pending', redelivery = 1, attempts = 0, next_attempt_at = $1,
                delivered_at = NULL WHERE id = $2
                """
            flight.add(update).bind(now).bind(id)
            WriteExecutor(self, leases: [:]).write(nil as URLHealth?, found.url)
            note("redeliver", by: actor, refundID: found.refundID, webhookID: id, at: now)
            try send()
            return .due
        }
    }

    private func note(
        _ action: String,
        by actor: String,
        refundID: Int64?,
        webhookID: String?,
        at now: Timestamp
    ) {
        flight.add("INSERT INTO refund_actions (at, actor, action, refund_id, webhook_id) VALUES ($1, $2, $3, $4, $5)")
            .bind(now).bind(actor).bind(action).bind(refundID).bind(webhookID)
    }

    // MARK: - The scheduler's start

    func releaseClaims() throws(StoreError) {
        try mapped {
            flight.add(
                """
                UPDATE refund_queue SET leased_until = NULL, claimed_by = NULL
                WHERE \(Self.isOpen) AND leased_until IS NOT NULL
                """
            )
            // A webhook superseded during its attempt ends here, because the attempt ended with its daemon.
            let superseded = "state = 'pending' AND \(WriteExecutor.isSuperseded)"
            flight.add(
                """
                UPDATE refund_outbox SET leased_until = NULL, claimed_by = NULL,
                next_attempt_at = CASE WHEN \(superseded) THEN NULL ELSE next_attempt_at END,
                state = CASE WHEN \(superseded) THEN 'superseded' ELSE state END
                WHERE state = 'pending' AND leased_until IS NOT NULL
                """
            )
            try send()
        }
    }

    func removeBreakers() throws(StoreError) {
        try mapped {
            flight.add("DELETE FROM refund_breakers")
            try send()
        }
    }

    func retryMisconfigured(at now: Timestamp) throws(StoreError) {
        try mapped {
            let sql = """
                UPDATE refund_queue SET \(Self.dueBy)
                WHERE attention = 'misconfigured' AND \(Self.isOpen) AND (next_query_at IS NULL OR next_query_at > $1)
                """
            flight.add(sql).bind(now)
            try send()
        }
    }

    func forgetGateways(except names: Set<String>) throws(StoreError) {
        try mapped {
            flight.add("DELETE FROM refund_incidents WHERE gateway <> ALL ($1)").bind(list: names)
            flight.add("DELETE FROM refund_breakers WHERE kind = 'gateway' AND name <> ALL ($1)").bind(list: names)
            flight.add("DELETE FROM refund_gateways WHERE name <> ALL ($1)").bind(list: names)
            try send()
        }
    }
}
