import Foundation
import GRDB
public import RefundCore

extension StoreTransaction {
    private static let isClaimable = "state = 'pending' AND leased_until IS NULL"

    /// The receivers that pending webhooks are waiting for, with the time the earliest of each is due.
    ///
    /// Steps from receiver to receiver along the index, so the cost grows with the receivers and not with the webhooks.
    public func waitingEndpoints() throws -> [(endpoint: String, due: Timestamp)] {
        let next = """
            SELECT endpoint, next_attempt_at FROM refund_webhooks
            WHERE \(Self.isClaimable) AND endpoint > ? ORDER BY endpoint, next_attempt_at LIMIT 1
            """
        var endpoints: [(endpoint: String, due: Timestamp)] = []
        while let row = try Row.fetchOne(statement(next, [endpoints.last?.endpoint ?? ""])) {
            guard let endpoint = row.text(0) else { break }
            endpoints.append((endpoint, row.timestamp(1) ?? Timestamp(milliseconds: 0)))
        }
        return endpoints
    }

    /// When the earliest webhook for a receiver is due that is not due yet, or nil when there is none.
    public func nextDelivery(endpoint: String, after now: Timestamp) throws -> Timestamp? {
        let sql = """
            SELECT min(next_attempt_at) FROM refund_webhooks
            WHERE \(Self.isClaimable) AND endpoint = ? AND next_attempt_at > ?
            """
        return try number(sql, [endpoint, now.milliseconds]).map(Timestamp.init(milliseconds:))
    }

    /// Claims the webhooks for a receiver that have been due longest.
    ///
    /// A refund whose earlier webhook is being sent right now waits for that attempt to end.
    ///
    /// - Parameters:
    ///   - endpoint: The receiver.
    ///   - now: The time that decides what is due.
    ///   - leaseUntil: When the claim lapses, should its holder never report back.
    ///   - limit: The most webhooks to claim.
    /// - Returns: The claimed webhooks, longest due first.
    public func claimDeliveries(
        endpoint: String,
        at now: Timestamp,
        leaseUntil: Timestamp,
        limit: Int
    ) throws -> [Delivery] {
        let select = """
            SELECT id, refund_id, url, body, attempts FROM refund_webhooks w
            WHERE \(Self.isClaimable) AND endpoint = ? AND ifnull(next_attempt_at, 0) <= ?
            AND NOT EXISTS (SELECT 1 FROM refund_webhooks f WHERE f.refund_id = w.refund_id AND f.leased_until IS NOT NULL)
            ORDER BY next_attempt_at LIMIT ?
            """
        let rows = try Row.fetchAll(statement(select, [endpoint, now.milliseconds, limit]))
        let deliveries = rows.compactMap { row -> Delivery? in
            guard let id = row.text(0), let url = row.text(2) else { return nil }
            let attempts = Int(clamping: max(row.integer(4) ?? 0, 0))
            return Delivery(id: id, refundID: row.integer(1), url: url, body: row.bytes(3) ?? [], attempts: attempts)
        }
        for delivery in deliveries {
            try execute("UPDATE refund_webhooks SET leased_until = ? WHERE id = ?", [leaseUntil.milliseconds, delivery.id])
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
        return db.changesCount == 1 ? result : .ignored
    }

    private func isOvertaken(_ delivery: Delivery) throws -> Bool {
        let sql = """
            SELECT EXISTS (SELECT 1 FROM refund_webhooks w JOIN refund_event_log e ON e.refund_id = w.refund_id
            WHERE w.id = ? AND e.position > w.position
            AND (w.type <> 'refund.needs_attention' OR e.webhook_id IS NOT NULL))
            """
        return try number(sql, [delivery.id]) == 1
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
