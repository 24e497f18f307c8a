import Foundation
import GRDB
public import RefundCore

extension StoreTransaction {
    private static let isClaimable = "state = 'pending' AND leased_until IS NULL"
    // Left to itself, SQLite takes the index of states and goes through whatever is pending.
    private static let byDueTime = "INDEXED BY refund_webhooks_due"
    private static let waiting = "refund_webhooks \(byDueTime) WHERE \(isClaimable)"

    /// Whether a newer event of its refund has overtaken a webhook, as a condition on `refund_webhooks`.
    ///
    /// What a person sends again is sent whatever has come since.
    static let isOvertaken = """
        redelivery = 0 AND EXISTS (SELECT 1 FROM refund_event_log e WHERE e.refund_id = refund_webhooks.refund_id
        AND e.position > refund_webhooks.position
        AND (refund_webhooks.type <> 'refund.needs_attention' OR e.webhook_id IS NOT NULL))
        """

    /// The receivers that pending webhooks are waiting for, with the time the earliest of each is due.
    ///
    /// Steps from receiver to receiver along the index, so the cost grows with the receivers and not with the webhooks.
    public func waitingEndpoints() throws -> [(endpoint: String, due: Timestamp)] {
        // SQLite takes each step itself: a name that is not UTF-8 would not come back from here as it is there.
        let sql = """
            WITH RECURSIVE waiting (name) AS (
                SELECT min(endpoint) FROM \(Self.waiting)
                UNION ALL
                SELECT (SELECT min(endpoint) FROM \(Self.waiting) AND endpoint > name)
                FROM waiting WHERE name IS NOT NULL
            )
            SELECT name, (SELECT next_attempt_at FROM \(Self.waiting) AND endpoint = name
                ORDER BY next_attempt_at LIMIT 1)
            FROM waiting WHERE name IS NOT NULL
            """
        return try Row.fetchAll(statement(sql, [])).compactMap { row in
            guard let endpoint = row.text(0) else { return nil }
            return (endpoint, row.timestamp(1) ?? Timestamp(milliseconds: 0))
        }
    }

    /// When the earliest webhook for a receiver is due that is not due yet, or nil when there is none.
    public func nextDelivery(endpoint: String, after now: Timestamp) throws -> Timestamp? {
        let sql = """
            SELECT min(next_attempt_at) FROM \(Self.waiting)
            AND endpoint = ? AND next_attempt_at > ? AND next_attempt_at <= \(Int64.max)
            """
        return try number(sql, [endpoint, now.milliseconds]).map(Timestamp.init(milliseconds:))
    }

    /// Claims the webhooks for a receiver that have been due longest.
    ///
    /// A refund has one webhook in flight at a time; its others wait for that attempt to end.
    ///
    /// - Parameters:
    ///   - endpoint: The receiver.
    ///   - now: The time that decides what is due.
    ///   - leaseUntil: By when the holder of the claim means to report back.
    ///   - limit: The most webhooks to claim.
    /// - Returns: The claimed webhooks, longest due first.
    /// - Throws: What SQLite says when it refuses.
    public func claimDeliveries(
        endpoint: String,
        at now: Timestamp,
        leaseUntil: Timestamp,
        limit: Int
    ) throws -> [Delivery] {
        // A time that is none, whoever wrote it there, has come. Text is greater than every number to SQLite.
        let mend = """
            UPDATE refund_webhooks \(Self.byDueTime) SET next_attempt_at = 0 WHERE \(Self.isClaimable) AND endpoint = ?
            """
        try execute(mend + " AND next_attempt_at IS NULL", [endpoint])
        try execute(mend + " AND next_attempt_at > \(Int64.max)", [endpoint])
        let select = """
            SELECT id, refund_id, url, body, attempts FROM refund_webhooks w \(Self.byDueTime)
            WHERE \(Self.isClaimable) AND endpoint = ? AND next_attempt_at <= ? AND NOT EXISTS
            (SELECT 1 FROM refund_webhooks f WHERE f.refund_id = w.refund_id AND f.leased_until IS NOT NULL)
            ORDER BY next_attempt_at, rowid LIMIT ?
            """
        let rows = try Row.fetchAll(statement(select, [endpoint, now.milliseconds, limit]))
        var refunds: Set<Int64> = []
        let deliveries = rows.compactMap { row -> Delivery? in
            guard let id = row.text(0) else { return nil }
            let refundID = row.integer(1)
            if let refundID, !refunds.insert(refundID).inserted { return nil }
            return Delivery(
                id: id,
                refundID: refundID,
                // An address that is no text is refused when it is sent to, like any other that is none.
                url: row.text(2) ?? "",
                body: row.bytes(3) ?? [],
                attempts: row.count(4)
            )
        }
        // The count is written back as it was read, so that the end of the attempt finds it.
        let lease = "UPDATE refund_webhooks SET leased_until = ?, attempts = ? WHERE id = ?"
        for delivery in deliveries {
            try execute(lease, [leaseUntil.milliseconds, delivery.attempts, delivery.id])
        }
        return deliveries
    }

    /// What an attempt made of a webhook.
    public enum DeliveryResult: Hashable, Sendable {
        /// The receiver took it.
        case delivered
        /// It is sent again at its next attempt.
        case retried
        /// A newer event overtook it while it was being sent.
        case superseded
        /// The last retry is over.
        case dead
        /// Somebody else changed the webhook meanwhile.
        case ignored
    }

    /// Writes what came of an attempt.
    ///
    /// - Parameters:
    ///   - delivery: The webhook as it was claimed.
    ///   - outcome: What came of sending it.
    ///   - sentAt: When it was sent.
    ///   - now: When the attempt ended.
    ///   - retryAt: When the next attempt is due, or nil when there is none.
    /// - Returns: What that made of the webhook.
    /// - Throws: What SQLite says when it refuses.
    public func finish(
        _ delivery: Delivery,
        _ outcome: DeliveryOutcome,
        sentAt: Timestamp,
        at now: Timestamp,
        retryAt: Timestamp?
    ) throws -> DeliveryResult {
        let insert = """
            INSERT INTO refund_webhook_attempts (webhook_id, at, status, error, duration_ms, answer)
            VALUES (?, ?, ?, ?, ?, ?)
            """
        let milliseconds = outcome.duration.wholeMilliseconds
        try execute(
            insert,
            [delivery.id, sentAt.milliseconds, outcome.status, outcome.error, milliseconds, Data(outcome.answer)]
        )
        let result: DeliveryResult =
            if outcome.isDelivered { .delivered } else if try isOvertaken(delivery) { .superseded } else {
                retryAt == nil ? .dead : .retried
            }
        let update = """
            UPDATE refund_webhooks SET state = ?, attempts = attempts + 1, next_attempt_at = ?, last_status = ?,
            last_error = ?, delivered_at = ?, leased_until = NULL
            WHERE id = ? AND state = 'pending' AND attempts = ?
            """
        let isDelivered = result == .delivered
        try execute(
            update,
            [
                result.state, result == .retried ? retryAt?.milliseconds : nil, outcome.status, outcome.error,
                isDelivered ? now.milliseconds : nil, delivery.id, delivery.attempts,
            ]
        )
        if db.changesCount == 1 { return result }
        // The attempt has ended all the same, and other webhooks of the refund wait for that.
        try execute("UPDATE refund_webhooks SET leased_until = NULL WHERE id = ?", [delivery.id])
        return .ignored
    }

    private func isOvertaken(_ delivery: Delivery) throws -> Bool {
        try number("SELECT EXISTS (SELECT 1 FROM refund_webhooks WHERE id = ? AND \(Self.isOvertaken))", [delivery.id])
            == 1
    }

    /// How many webhooks of a refund are dead.
    public func deadWebhooks(refundID: Int64) throws -> Int {
        let sql = "SELECT count(*) FROM refund_webhooks WHERE refund_id = ? AND state = 'dead'"
        return Int(clamping: try number(sql, [refundID]) ?? 0)
    }
}

extension StoreTransaction.DeliveryResult {
    fileprivate var state: String {
        switch self {
        case .delivered: "delivered"
        case .superseded: "superseded"
        case .dead: "dead"
        case .retried, .ignored: "pending"
        }
    }
}
