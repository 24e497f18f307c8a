/// The second schema: pauses, the heartbeat, and an index of refunds that `refund.delayed` has not reported.
///
/// This text is frozen, like ``Schema0001``.
enum Schema0002 {
    /// Every pause of a gateway or an endpoint; it lasts until `resumed_at` is set.
    static let pauses = #"""
        CREATE TABLE refund_pauses (
            id         INTEGER PRIMARY KEY,
            kind       TEXT NOT NULL,
            name       TEXT NOT NULL,
            at         INTEGER NOT NULL,
            actor      TEXT NOT NULL,
            reason     TEXT,
            resumed_at INTEGER,
            resumed_by TEXT
        );
        CREATE UNIQUE INDEX refund_pauses_current ON refund_pauses (kind, name) WHERE resumed_at IS NULL;
        CREATE TRIGGER refund_pauses_delete BEFORE DELETE ON refund_pauses BEGIN
            SELECT RAISE(ABORT, 'refund_pauses: a pause is never deleted; run refundd resume to end it');
        END;
        """#

    /// One row, which a daemon with a heartbeat writes to prove that commits work.
    static let heartbeat = #"""
        CREATE TABLE refund_heartbeat (
            id INTEGER PRIMARY KEY,
            at INTEGER NOT NULL
        );
        """#

    /// `attention_told` has the bit 256 once `refund.delayed` has reported a refund.
    static let delays = #"""
        CREATE INDEX refund_queue_delays ON refund_queue (created_at)
            WHERE state IN ('pending', 'processing') AND ifnull(attention_told, 0) & 256 = 0;
        """#
}
