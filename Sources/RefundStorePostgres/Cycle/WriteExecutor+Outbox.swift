import RefundCore
import RefundPostgres
import RefundStore
import RefundStoreSQL

extension WriteExecutor {
    /// Records an attempt, and updates the webhook if its claim still holds.
    ///
    /// Nothing is recorded of a webhook that is gone, nor of a claim that was lost with the server: its number will be
    /// given again. An attempt that an earlier transaction of unknown outcome has recorded is ignored.
    func write(_ attempt: AttemptRecord) {
        let (delivery, outcome) = (attempt.delivery, attempt.outcome)
        let isRetry = attempt.result.state == .pending
        let state = isRetry ? "" : "state = $11, "
        let sql = """
            WITH recorded AS (
                INSERT INTO refund_outbox_attempts (position, lease, at, status, error, duration_ms, answer)
                SELECT $1, $2, $3, $4, $5, $6, $7
                WHERE EXISTS (SELECT 1 FROM refund_outbox WHERE position = $1 AND id = $8
                AND (lease > $2 OR lease = $2 AND \(Self.isNotOfOthers("$12"))))
                AND NOT EXISTS (SELECT 1 FROM refund_outbox_attempts WHERE position = $1 AND lease = $2 AND at <> $3)
                RETURNING 1
            )
            UPDATE refund_outbox SET \(state)attempts = attempts + 1, next_attempt_at = $9, last_status = $4,
            last_error = $5, delivered_at = $10, leased_until = NULL, claimed_by = NULL
            WHERE position = $1 AND lease = $2 AND state = 'pending' AND EXISTS (SELECT 1 FROM recorded)
            """
        flight.add(sql)
            .bind(delivery.position).bind(delivery.lease).bind(attempt.sentAt).bind(outcome.status)
            .bind(outcome.error).bind(outcome.duration.wholeMilliseconds).bind(outcome.answer).bind(delivery.id)
            .bind(attempt.result.nextAttempt).bind(attempt.result.deliveredAt).bind(attempt.result.state.rawValue)
            .bind(tx.store.daemonID)
    }

    /// Claims webhooks.
    ///
    /// Writes the attempt count back as it was read, because a stray `UPDATE` may have left anything there.
    func claim(_ claims: [WebhookClaim], until end: Timestamp) {
        let sql = """
            WITH done AS (
                UPDATE refund_outbox SET leased_until = $1, claimed_by = $2, lease = 1 + \(PostgresTransaction.lease),
                attempts = least(greatest(attempts, 0), 2147483647) WHERE id = ANY ($3) RETURNING 1
            ) SELECT refund_require((SELECT count(*) FROM done), $4)
            """
        flight.add(sql).bind(end).bind(tx.store.daemonID).bind(list: claims.map(\.id)).bind(claims.count)
        tx.releases += claims.map { .releaseWebhook($0) }
    }

    /// Ends a webhook's claim; a webhook that was superseded meanwhile is not sent again.
    func release(_ claim: WebhookClaim, nextAttempt: Timestamp?) {
        let isOwn = expired.webhooks[claim.id] == claim.lease ? "true" : Self.isNotOfOthers("$4")
        let end = SQLAssignment.endOfWebhookClaim(nextAttempt: "coalesce($1, next_attempt_at)")
        let sql = """
            UPDATE refund_outbox SET claimed_by = NULL, \(end)
            WHERE id = $2 AND \(PostgresTransaction.lease) = $3 AND leased_until IS NOT NULL AND \(isOwn)
            """
        flight.add(sql).bind(nextAttempt).bind(claim.id).bind(claim.lease).bind(tx.store.daemonID)
    }

    /// Marks a webhook dead without sending it.
    func kill(_ id: String, _ reason: String) {
        let sql = """
            UPDATE refund_outbox SET state = 'dead', next_attempt_at = NULL, last_error = $1
            WHERE id = $2 AND state = 'pending' AND leased_until IS NULL
            """
        flight.add(sql).bind(reason).bind(id)
    }

    /// Records the health of a URL.
    func write(_ health: URLHealth?, _ url: String) {
        guard let health else {
            flight.add("DELETE FROM refund_endpoints WHERE url = $1").bind(url)
            return
        }
        let sql = """
            INSERT INTO refund_endpoints (url, failing_since, failed_at, disabled_at, reason) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (url) DO UPDATE SET failing_since = $2, failed_at = $3, disabled_at = $4, reason = $5
            """
        flight.add(sql)
            .bind(url).bind(health.failingSince).bind(health.lastFailure).bind(health.disabling?.at)
            .bind(health.disabling?.reason)
    }
}
