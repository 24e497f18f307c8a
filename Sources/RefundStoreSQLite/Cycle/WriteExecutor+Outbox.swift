import RefundCore
import RefundStore
import RefundStoreSQL

extension WriteExecutor {
    /// Records an attempt, and updates the webhook if its claim still holds.
    ///
    /// Records nothing if the webhook is gone because an older copy of the database was restored.
    func write(_ attempt: AttemptRecord) throws {
        let (delivery, outcome) = (attempt.delivery, attempt.outcome)
        // For an INSERT from a SELECT into a table with triggers, SQLite creates a temporary table each time.
        let webhook = "refund_outbox WHERE position = ? AND id = ?"
        guard try exists(webhook, { $0.bind(delivery.position).bind(delivery.id) }) else { return }
        let insert = """
            INSERT INTO refund_outbox_attempts (position, lease, at, status, error, duration_ms, answer)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            """
        let inserted = try statements[insert]
            .bind(delivery.position).bind(delivery.lease).bind(attempt.sentAt).bind(outcome.status)
            .bind(outcome.error).bind(outcome.duration.wholeMilliseconds).bind(outcome.answer)
            .run()
        // An earlier transaction of unknown outcome may have recorded the attempt.
        guard inserted > 0 else {
            return try requireOne("refund_outbox_attempts WHERE position = ? AND lease = ?") {
                $0.bind(delivery.position).bind(delivery.lease)
            }
        }
        // A retry does not write the state, which would touch its index and its counts.
        let isRetry = attempt.result.state == .pending
        let state = isRetry ? "" : "state = ?, "
        let update = """
            UPDATE refund_outbox SET \(state)attempts = attempts + 1, next_attempt_at = ?, last_status = ?,
            last_error = ?, delivered_at = ?, leased_until = NULL WHERE position = ? AND lease = ? AND state = 'pending'
            """
        let statement = try statements[update]
        if !isRetry { statement.bind(attempt.result.state.rawValue) }
        let updated =
            try statement
            .bind(attempt.result.nextAttempt).bind(outcome.status).bind(outcome.error)
            .bind(attempt.result.deliveredAt).bind(delivery.position).bind(delivery.lease)
            .run()
        guard updated == 0 else { return }
        try requireNone("refund_outbox WHERE position = ? AND lease = ? AND state = 'pending'") {
            $0.bind(delivery.position).bind(delivery.lease)
        }
    }

    // Writes the attempt count back as it was read, because a stray `UPDATE` may have left anything there.
    private static let claimOfWebhooks = """
        UPDATE refund_outbox SET leased_until = ?, lease = 1 + \(SQLiteTransaction.lease),
        attempts = CASE typeof(attempts) WHEN 'integer' THEN min(max(attempts, 0), 2147483647) ELSE 0 END
        WHERE id IN (SELECT value FROM json_each(?))
        """

    /// Claims webhooks.
    func claim(_ claims: [WebhookClaim], until end: Timestamp) throws {
        try statements[Self.claimOfWebhooks].bind(end).bind(JSONWriter.list(claims.map(\.id)))
            .run(changing: claims.count)
    }

    /// Ends a webhook's claim; a webhook that was superseded meanwhile is not sent again.
    func release(_ claim: WebhookClaim, nextAttempt: Timestamp?) throws {
        let sql = """
            UPDATE refund_outbox SET \(SQLAssignment.endOfWebhookClaim(nextAttempt: "ifnull(?, next_attempt_at)"))
            WHERE \(Self.isClaimed)
            """
        guard try statements[sql].bind(nextAttempt).bind(claim.id).bind(claim.lease).run() == 0 else { return }
        try requireNone("refund_outbox WHERE \(Self.isClaimed)") { $0.bind(claim.id).bind(claim.lease) }
    }

    /// Marks a webhook dead without sending it.
    func kill(_ id: String, _ reason: String) throws {
        let sql = """
            UPDATE refund_outbox SET state = 'dead', next_attempt_at = NULL, last_error = ?
            WHERE id = ? AND state = 'pending' AND leased_until IS NULL
            """
        guard try statements[sql].bind(reason).bind(id).run() == 0 else { return }
        try requireNone("refund_outbox WHERE id = ? AND state = 'pending' AND leased_until IS NULL") { $0.bind(id) }
    }

    /// Records the health of a URL.
    func write(_ health: URLHealth?, _ url: String) throws {
        guard let health else {
            try statements["DELETE FROM refund_endpoints WHERE url = ?"].bind(url).run()
            return
        }
        let sql = """
            INSERT OR REPLACE INTO refund_endpoints (url, failing_since, failed_at, disabled_at, reason)
            VALUES (?, ?, ?, ?, ?)
            """
        try statements[sql]
            .bind(url).bind(health.failingSince).bind(health.lastFailure).bind(health.disabling?.at)
            .bind(health.disabling?.reason)
            .run()
    }
}
