/// Conditions on rows that both stores have in their queries and indexes.
package enum SQLCondition {
    /// Whether a row of `refund_queue` has no verdict.
    package static let hasOpenState = "state IN ('pending', 'processing')"
    /// Whether a refund `q` has no verdict.
    package static let isOpen = "q.\(hasOpenState)"
    /// Whether a refund `q` can be claimed.
    package static let isClaimable = "\(isOpen) AND q.leased_until IS NULL"
    /// Whether a refund `q` is final.
    package static let isFinal = "q.state IN ('settled', 'failed', 'abandoned')"
    /// Whether a webhook `w` can be claimed.
    package static let isWaiting = "w.state = 'pending' AND w.leased_until IS NULL"
    /// Whether a newer event of its refund supersedes a webhook, as a condition on `refund_outbox`.
    ///
    /// A redelivery is never superseded. An event's webhook has the event's position.
    package static let isSuperseded = """
        redelivery = 0 AND EXISTS (SELECT 1 FROM refund_event_log e WHERE e.refund_id = refund_outbox.refund_id
        AND e.position > refund_outbox.position AND (refund_outbox.type <> 'refund.needs_attention'
        OR e.type <> 'refund.delayed' AND EXISTS (SELECT 1 FROM refund_outbox n WHERE n.position = e.position)))
        """
}

/// Assignments to rows that both stores have in their statements.
package enum SQLAssignment {
    /// Ends the claim of a webhook, and its wait if it was superseded while it was claimed.
    ///
    /// - Parameter nextAttempt: When it is sent next unless it was superseded.
    /// - Returns: The assignments.
    package static func endOfWebhookClaim(nextAttempt: String = "next_attempt_at") -> String {
        let isSuperseded = "state = 'pending' AND \(SQLCondition.isSuperseded)"
        return """
            leased_until = NULL, next_attempt_at = CASE WHEN \(isSuperseded) THEN NULL ELSE \(nextAttempt) END,
            state = CASE WHEN \(isSuperseded) THEN 'superseded' ELSE state END
            """
    }
}
