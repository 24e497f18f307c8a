package import RefundCore
package import RefundStore

/// A store whose database is changed in SQL: what operators' commands write is written once, here.
///
/// A store may gather statements and run them later, but in order and no later than `flush`. What cycles write is each
/// store's own.
package protocol SQLWriter: SQLReader, QueueWriter {
    /// The function that returns the least of its arguments, none of which is null.
    static var least: String { get }
    /// Locks the rows of a query until the transaction ends; what follows the query.
    static var lock: String { get }

    /// Runs a statement.
    func run(_ statement: Query) throws
    /// Runs a statement that changes one row, which exists.
    ///
    /// - Throws: An error of a rejected row if a trigger had the write ignored.
    func runOnce(_ statement: Query) throws
    /// Runs the statements that were gathered.
    func flush() throws

    /// Waits for the cycles that have read the pauses, and keeps others from reading them until the commit.
    func lockPauses() throws
    /// Removes what is known about the failures of a URL, which enables it.
    func forgetHealth(of url: String) throws
}

extension SQLWriter {
    /// Makes a refund due by the time `$1`, but keeps an earlier due time, which shows how far behind refundd is.
    package static var dueBy: String { "next_query_at = \(least)(coalesce(next_query_at, $1), $1)" }

    package func requestQuery(_ id: Int64, by actor: String, at now: Timestamp) throws(StoreError) {
        try mapped {
            let due = "UPDATE refund_queue SET \(Self.dueBy) WHERE id = $2 AND \(SQLCondition.hasOpenState)"
            try run(try query(due).bind(now).bind(id))
            let hint = """
                INSERT INTO refund_hints (merchant_order_no, trans_no, gateway, merchant_no)
                SELECT merchant_order_no, trans_no, gateway, merchant_no FROM refund_queue
                WHERE id = $1 AND \(SQLCondition.hasOpenState)
                """
            try run(try query(hint).bind(id))
            try note("query", by: actor, refundID: id, at: now)
            try flush()
        }
    }

    package func redeliver(
        _ id: String,
        from state: WebhookState?,
        by actor: String,
        at now: Timestamp
    ) throws(StoreError) -> Redelivery {
        try mapped {
            guard let webhook = try webhook(id) else { return .unknown }
            if let time = webhook.prunedAt { return .pruned(at: time) }
            if webhook.isInFlight { return .inFlight }
            // One that has died meanwhile was not accepted either.
            if let state, webhook.state != state, webhook.state != .dead { return .changed }
            let isHastened = state != nil && webhook.state == .pending
            // A webhook that is due already keeps its turn.
            let due = "next_attempt_at = \(Self.least)(coalesce(next_attempt_at, $1), $1)"
            let again = "state = 'pending', redelivery = 1, attempts = 0, next_attempt_at = $1, delivered_at = NULL"
            let update = "UPDATE refund_outbox SET \(isHastened ? due : again) WHERE id = $2"
            try run(try query(update).bind(now).bind(id))
            try forgetHealth(of: webhook.url)
            let hasten = """
                UPDATE refund_breakers SET next_probe_at = $1 WHERE kind = 'endpoint'
                AND name = (SELECT endpoint FROM refund_outbox WHERE id = $2)
                """
            try run(try query(hasten).bind(OpenBreaker.atOnce).bind(id))
            try note("redeliver", by: actor, refundID: webhook.refundID, webhookID: id, at: now)
            try flush()
            return isHastened ? .hastened : .due
        }
    }

    private func webhook(
        _ id: String
    ) throws -> (refundID: Int64?, url: String, isInFlight: Bool, prunedAt: Timestamp?, state: WebhookState?)? {
        let sql = """
            SELECT refund_id, url, leased_until IS NOT NULL, pruned_at, state FROM refund_outbox
            WHERE id = $1 \(Self.lock)
            """
        return try rows(try query(sql).bind(id)) { row in
            (
                row.integer(), row.text() ?? "", row.integer() == 1, row.timestamp(),
                row.text().flatMap(WebhookState.init(rawValue:))
            )
        }.first
    }

    package func pause(_ peer: Peer, _ pause: Pause) throws(StoreError) -> Pause? {
        try mapped {
            try lockPauses()
            if let current = try pauses()[peer] { return current }
            let sql = "INSERT INTO refund_pauses (kind, name, at, actor, reason) VALUES ($1, $2, $3, $4, $5)"
            try runOnce(
                try query(sql)
                    .bind(peer.kind.rawValue).bind(peer.name).bind(pause.since).bind(pause.actor).bind(pause.reason)
            )
            try note("pause \(peer)", by: pause.actor, at: pause.since)
            try flush()
            return nil
        }
    }

    package func resume(_ peer: Peer, by actor: String, at now: Timestamp) throws(StoreError) -> Pause? {
        try mapped {
            try lockPauses()
            guard let current = try pauses()[peer] else { return nil }
            let sql = """
                UPDATE refund_pauses SET resumed_at = $1, resumed_by = $2
                WHERE kind = $3 AND name = $4 AND resumed_at IS NULL
                """
            try runOnce(try query(sql).bind(now).bind(actor).bind(peer.kind.rawValue).bind(peer.name))
            try note("resume \(peer)", by: actor, at: now)
            try flush()
            return current
        }
    }

    private func note(
        _ action: String,
        by actor: String,
        refundID: Int64? = nil,
        webhookID: String? = nil,
        at now: Timestamp
    ) throws {
        let sql = "INSERT INTO refund_actions (at, actor, action, refund_id, webhook_id) VALUES ($1, $2, $3, $4, $5)"
        try run(try query(sql).bind(now).bind(actor).bind(action).bind(refundID).bind(webhookID))
    }
}
