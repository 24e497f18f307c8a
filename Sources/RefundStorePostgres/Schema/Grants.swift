/// What roles may do that do not own the queue.
///
/// The owner needs no grant, and the guards hold for everybody. A role without the right to do what a guard would refuse
/// cannot even try, nor disable the guard.
enum Grants {
    /// An application inserts refunds and hints, and reads what became of them.
    ///
    /// The guard of the insert looks for the refund's numbers in `refund_pruned_refunds`.
    static let application = [
        "USAGE ON SCHEMA \(place)",
        "SELECT, INSERT ON refund_queue, refund_hints",
        "USAGE ON SEQUENCE refund_queue_ids, refund_hint_ids",
        """
        SELECT ON refund_transitions, refund_events, refund_webhooks, refund_webhook_attempts, refund_counted,
        refund_pruned_refunds
        """,
    ]

    /// A daemon, and an operator's command, write everything but the identity of a refund or a webhook, and nothing twice
    /// that is written once.
    ///
    /// What retention deletes is guarded row by row.
    static let daemon = [
        "USAGE ON SCHEMA \(place)",
        "SELECT ON ALL TABLES IN SCHEMA \(place)",
        "USAGE ON ALL SEQUENCES IN SCHEMA \(place)",
        """
        INSERT ON refund_queue, refund_hints, refund_transitions, refund_event_log, refund_event_gaps, refund_outbox,
        refund_outbox_attempts, refund_count_changes, refund_gateways, refund_incidents, refund_endpoints,
        refund_breakers, refund_pauses, refund_heartbeat, refund_daemons, refund_actions, refund_pruned,
        refund_pruned_refunds
        """,
        """
        UPDATE (state, attention, trans_status, trans_amount, trans_currency, trans_end_at, failure_code,
        failure_message, attempts, last_query_at, last_query_verified, last_error, updated_at, next_query_at, lease,
        claimed_by, leased_until, attention_told, unknown_order, gateway_trans_no, orig_trans_no, pay_channel_trans_no)
        ON refund_queue
        """,
        """
        UPDATE (state, attempts, next_attempt_at, last_status, last_error, delivered_at, lease, claimed_by,
        leased_until, redelivery, pruned_at) ON refund_outbox
        """,
        "UPDATE (body) ON refund_event_log",
        """
        UPDATE ON refund_event_position, refund_counts, refund_gateways, refund_incidents, refund_endpoints,
        refund_breakers, refund_pauses, refund_heartbeat, refund_daemons
        """,
        """
        DELETE ON refund_queue, refund_hints, refund_transitions, refund_event_log, refund_outbox,
        refund_outbox_attempts, refund_count_changes, refund_gateways, refund_incidents, refund_endpoints,
        refund_breakers, refund_daemons
        """,
    ]

    /// Stands for the schema, whose name the statements need.
    static let place = "%schema%"
}
