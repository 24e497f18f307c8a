import GRDB
package import RefundCore

extension StoreTransaction {
    /// What a person may do that changes no state and has no row in the ledger.
    package enum Action: String, Sendable {
        /// Had the gateway asked at once.
        case query
        /// Had a webhook sent again.
        case redeliver
    }

    /// Makes an unfinished refund due at once, because a person wants it asked now.
    ///
    /// - Parameters:
    ///   - id: The refund.
    ///   - actor: The person.
    ///   - now: The time.
    /// - Throws: What SQLite says when it refuses.
    package func requestQuery(_ id: Int64, by actor: String, at now: Timestamp) throws {
        try execute("UPDATE refund_queue SET \(Self.dueBy) WHERE id = ? AND \(Self.isOpen)", [now.milliseconds, id])
        try note(.query, by: actor, refundID: id, webhookID: nil, at: now)
    }

    /// What became of a wish to send a webhook again.
    package enum Redelivery: Hashable, Sendable {
        /// It is due now, with all its retries before it.
        case due
        /// It is being sent at this moment.
        case inFlight
        /// There is no webhook of this id.
        case unknown
    }

    /// The webhooks in any of some states, oldest first.
    ///
    /// - Parameters:
    ///   - states: The states to look for.
    ///   - since: Only webhooks made at this time or later.
    /// - Returns: Their ids.
    /// - Throws: What SQLite says when it refuses.
    package func webhookIDs(
        in states: [WebhookState],
        since: Timestamp = Timestamp(milliseconds: .min)
    ) throws -> [String] {
        let marks = states.map { _ in "?" }.joined(separator: ", ")
        let sql = """
            SELECT o.id FROM refund_outbox o JOIN refund_event_log e ON e.position = o.position
            WHERE o.state IN (\(marks)) AND e.at >= ? ORDER BY o.position
            """
        let arguments = StatementArguments(states.map(\.rawValue)) + [since.milliseconds]
        return try Row.fetchAll(statement(sql, arguments)).compactMap { $0.text(0) }
    }

    /// Makes a webhook due at once under its id, whatever became of it before, and its address enabled.
    ///
    /// - Parameters:
    ///   - id: The webhook.
    ///   - actor: The person who wants it sent again.
    ///   - now: The time.
    /// - Returns: What became of the wish.
    /// - Throws: What SQLite says when it refuses.
    package func redeliver(_ id: String, by actor: String, at now: Timestamp) throws -> Redelivery {
        let select = "SELECT refund_id, url, leased_until IS NOT NULL FROM refund_outbox WHERE id = ?"
        guard let row = try Row.fetchOne(statement(select, [id])) else { return .unknown }
        if row.integer(2) == 1 { return .inFlight }
        let update = """
            UPDATE refund_outbox SET state = 'pending', redelivery = 1, attempts = 0, next_attempt_at = ?,
            delivered_at = NULL WHERE id = ?
            """
        try execute(update, [now.milliseconds, id])
        if let url = row.text(1) { try enableEndpoint(url: url) }
        try note(.redeliver, by: actor, refundID: row.integer(0), webhookID: id, at: now)
        return .due
    }

    private func note(
        _ action: Action,
        by actor: String,
        refundID: Int64?,
        webhookID: String?,
        at now: Timestamp
    ) throws {
        let insert = "INSERT INTO refund_actions (at, actor, action, refund_id, webhook_id) VALUES (?, ?, ?, ?, ?)"
        try execute(insert, [now.milliseconds, actor, action.rawValue, refundID, webhookID])
    }
}
