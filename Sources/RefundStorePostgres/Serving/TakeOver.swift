import RefundCore
import RefundStoreSQL

/// The statements by which a daemon takes over from others that are gone.
///
/// A daemon that was killed no longer holds the lock of its id. One that hangs holds it, but has not been seen for a
/// while; nor has one that was killed behind a pooler, where it had no lock. The first to notice removes its row and ends
/// its claims under new numbers, so that nothing that it writes later has an effect.
enum TakeOver {
    private static let latestEnds = 10_000

    /// Deletes the rows of daemons that are gone, except that of the daemon whose id is the parameter.
    static func deletion(returning columns: String) -> String {
        """
        DELETE FROM refund_daemons d WHERE d.id <> $1 AND (d.seen < refund_now() - \(Registration.patience.wholeMilliseconds)
        OR d.locks AND pg_try_advisory_xact_lock(\(Registration.lockClass), d.id)) RETURNING \(columns)
        """
    }

    /// How the record in `refund_actions` begins, before the name of the daemon that is gone.
    static let action = "take over "

    /// Ends the claims that meet a condition, of refunds and then of webhooks.
    static func releases(_ condition: String) -> [String] {
        let lease = "lease = \(PostgresTransaction.lease) + CASE WHEN claimed_by IS NULL THEN 0 ELSE 1 END"
        let release = "UPDATE refund_queue SET leased_until = NULL, claimed_by = NULL, \(lease) WHERE"
        // An operator may have ended a refund in flight, a short while ago. No index finds those claims, and an index of
        // states would find all refunds that ever ended.
        let latest = "ARRAY (SELECT refund_id FROM refund_transitions ORDER BY id DESC LIMIT \(latestEnds))"
        return [
            "\(release) \(SQLCondition.hasOpenState) AND leased_until IS NOT NULL AND \(condition)",
            """
            \(release) id = ANY (\(latest)) AND NOT \(SQLCondition.hasOpenState) AND leased_until IS NOT NULL
            AND \(condition)
            """,
            // A webhook superseded during its attempt ends here, because the attempt ended with its daemon.
            """
            UPDATE refund_outbox SET claimed_by = NULL, \(lease), \(SQLAssignment.endOfWebhookClaim())
            WHERE state = 'pending' AND leased_until IS NOT NULL AND \(condition)
            """,
        ]
    }
}
