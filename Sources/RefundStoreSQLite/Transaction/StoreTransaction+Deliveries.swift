import Foundation
import GRDB
package import RefundCore

extension StoreTransaction {
    /// Whether a newer event of its refund has overtaken a webhook, as a condition on `refund_outbox`.
    ///
    /// What a person sends again is sent whatever has come since.
    static let isOvertaken = """
        redelivery = 0 AND EXISTS (SELECT 1 FROM refund_event_log e WHERE e.refund_id = refund_outbox.refund_id
        AND e.position > refund_outbox.position AND (refund_outbox.type <> 'refund.needs_attention'
        OR EXISTS (SELECT 1 FROM refund_outbox n WHERE n.position = e.position)))
        """

    /// What an attempt made of a webhook.
    package enum DeliveryResult: Hashable, Sendable {
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
    package func finish(
        _ delivery: Delivery,
        _ outcome: DeliveryOutcome,
        sentAt: Timestamp,
        at now: Timestamp,
        retryAt: Timestamp?
    ) throws -> DeliveryResult {
        let insert = """
            INSERT INTO refund_outbox_attempts (position, lease, at, status, error, duration_ms, answer)
            SELECT position, lease, ?, ?, ?, ?, ? FROM refund_outbox WHERE id = ?
            """
        let milliseconds = outcome.duration.wholeMilliseconds
        try execute(
            insert,
            [sentAt.milliseconds, outcome.status, outcome.error, milliseconds, Data(outcome.answer), delivery.id]
        )
        let result: DeliveryResult =
            if outcome.isDelivered { .delivered } else if try isOvertaken(delivery) { .superseded } else {
                retryAt == nil ? .dead : .retried
            }
        let update = """
            UPDATE refund_outbox SET state = ?, attempts = attempts + 1, next_attempt_at = ?, last_status = ?,
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
        try execute("UPDATE refund_outbox SET leased_until = NULL WHERE id = ?", [delivery.id])
        return .ignored
    }

    /// Ends a webhook that is not to be sent; nothing when somebody else changed it meanwhile.
    ///
    /// - Parameters:
    ///   - id: The webhook.
    ///   - reason: Why it is not sent, in words.
    /// - Throws: What SQLite says when it refuses.
    package func giveUp(webhook id: String, reason: String) throws {
        let sql = """
            UPDATE refund_outbox SET state = 'dead', next_attempt_at = NULL, last_error = ?
            WHERE id = ? AND state = 'pending' AND leased_until IS NULL
            """
        try execute(sql, [reason, id])
    }

    private func isOvertaken(_ delivery: Delivery) throws -> Bool {
        try number("SELECT EXISTS (SELECT 1 FROM refund_outbox WHERE id = ? AND \(Self.isOvertaken))", [delivery.id])
            == 1
    }

    /// Which of some refunds need attention because a webhook of theirs is dead.
    package func undeliverable(among ids: some Sequence<Int64>) throws -> Set<Int64> {
        // The index of all that need attention may be long.
        let sql = "SELECT id FROM refund_queue WHERE id \(Self.isInList) AND +attention = 'undeliverable'"
        return try Int64.fetchSet(statement(sql, [Self.list(ids)]))
    }

    /// How many webhooks of a refund are dead.
    package func deadWebhooks(refundID: Int64) throws -> Int {
        let sql = "SELECT count(*) FROM refund_outbox WHERE refund_id = ? AND state = 'dead'"
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
