import Foundation
import GRDB
package import RefundCore

extension StoreTransaction {
    /// What is needed to turn an event into rows of the event log and the outbox.
    package struct EventContext {
        let routing: WebhookRouting
        let merchantNo: (Refund) -> String?
        let makeWebhookID: () -> String

        /// Creates a context.
        ///
        /// - Parameters:
        ///   - routing: Which events become webhooks, and where those go.
        ///   - merchantNo: The merchant number that a refund is asked for under, where one is known.
        ///   - makeWebhookID: Gives a `webhook-id` that was never used before.
        package init(
            routing: WebhookRouting,
            merchantNo: @escaping (Refund) -> String?,
            makeWebhookID: @escaping () -> String
        ) {
            self.routing = routing
            self.merchantNo = merchantNo
            self.makeWebhookID = makeWebhookID
        }
    }

    /// The refund as the queue has it now, or nil when there is none with that id.
    package func refund(id: Int64) throws -> Refund? {
        let sql = "SELECT \(Refund.columns) FROM refund_queue WHERE id = ?"
        return try refunds(sql, [id]).first
    }

    /// The refunds with some ids as the queue has them now.
    package func refunds(ids: some Sequence<Int64>) throws -> [Int64: Refund] {
        // One statement for all of them: to begin one costs more than to read a row.
        let sql = "SELECT \(Refund.columns) FROM refund_queue WHERE id \(Self.isInList)"
        return try refunds(sql, [Self.list(ids)]).reduce(into: [:]) { $0[$1.id] = $1 }
    }

    /// Writes what became of a refund: its row, its ledger rows, its events and their webhooks.
    ///
    /// - Parameters:
    ///   - refund: The refund after the change, which was decided on the row as this transaction reads it.
    ///   - transitions: The changes of state and attention on the way, in order.
    ///   - endsLease: Whether the claim on the refund ends with this.
    ///   - context: How events become webhooks.
    /// - Throws: What SQLite says when it refuses.
    package func apply(
        _ refund: Refund,
        _ transitions: [Transition],
        endsLease: Bool,
        _ context: EventContext
    ) throws {
        for (index, transition) in transitions.enumerated() {
            let sequence = try append(transition, to: refund.id)
            // The queue's trigger lets a state in only behind its ledger row, so each step is taken on its own; the last
            // one with everything else.
            if index < transitions.count - 1 {
                let step = "UPDATE refund_queue SET state = ?, attention = ? WHERE id = ?"
                try execute(step, [transition.to.rawValue, transition.attention?.rawValue, refund.id])
            }
            if let type = transition.event {
                let merchantNo = context.merchantNo(refund)
                let body = EventBody.refund(type, transition, sequence: sequence, refund, merchantNo: merchantNo)
                try record(type, at: transition.at, refund: refund, sequence, transition.to, body, context)
            }
        }
        try update(refund, endsLease: endsLease)
    }

    private func append(_ transition: Transition, to refundID: Int64) throws -> Int {
        let last = try number("SELECT max(sequence) FROM refund_transitions WHERE refund_id = ?", [refundID])
        let sequence = Int(clamping: last ?? 0) + 1
        let insert = """
            INSERT INTO refund_transitions
            (refund_id, sequence, at, from_state, to_state, attention, reason, trans_status, verdict, code, psn, response,
            actor)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """
        try execute(
            insert,
            [
                refundID, sequence, transition.at.milliseconds, transition.from.rawValue, transition.to.rawValue,
                transition.attention?.rawValue, transition.reason, transition.transStatus,
                transition.verdict?.rawValue,
                transition.evidence?.code, transition.evidence?.psn, transition.evidence.map { Data($0.response) },
                transition.actor,
            ]
        )
        return sequence
    }

    private func update(_ refund: Refund, endsLease: Bool) throws {
        let update = """
            UPDATE refund_queue SET state = ?, attention = ?, attention_told = ?, trans_status = ?, trans_amount = ?,
            trans_currency = ?, trans_end_at = ?, gateway_trans_no = ?, orig_trans_no = ?, pay_channel_trans_no = ?, failure_code = ?,
            failure_message = ?, attempts = ?, last_query_at = ?, last_query_verified = ?, last_error = ?,
            unknown_order = ?, updated_at = ?, next_query_at = ?,
            leased_until = CASE WHEN ? THEN NULL ELSE leased_until END
            WHERE id = ?
            """
        let transaction = refund.transaction
        try execute(
            update,
            [
                refund.state.rawValue, refund.attention?.rawValue, refund.told.rawValue, transaction?.status,
                transaction?.amount, transaction?.currency,
                transaction?.endAt?.milliseconds, transaction?.transNo, transaction?.origTransNo,
                transaction?.payChannelTransNo,
                refund.failure?.code, refund.failure?.message, refund.attempts, refund.lastQueryAt?.milliseconds,
                refund.isLastQueryVerified ? 1 : 0, refund.lastError, refund.isUnknownOrder ? 1 : 0,
                refund.updatedAt.milliseconds, refund.nextQueryAt?.milliseconds, endsLease, refund.id,
            ]
        )
    }

    // Every event is in the log. A newer event overtakes the older webhooks of its refund that nobody took yet; one
    // that is being sent is left to its sender, which learns of it when the attempt has ended.
    private func record(
        _ type: EventType,
        at time: Timestamp,
        refund: Refund,
        _ sequence: Int,
        _ state: RefundState,
        _ body: String,
        _ context: EventContext
    ) throws {
        let url = context.routing.url(for: type, callbackURL: refund.callbackURL)
        // Older than a refund's first event is none.
        if sequence > 1 { try overtakeWebhooks(of: refund.id, isToldOf: url != nil) }
        let webhookID = url.map { _ in context.makeWebhookID() }
        let position = try log(type, at: time, refund.id, sequence, state, webhookID: webhookID, body)
        if let url, let webhookID {
            try enqueue(webhookID, type, at: time, refund.id, sequence, url: url, body, position: position, context)
        }
    }

    private func overtakeWebhooks(of refundID: Int64, isToldOf: Bool) throws {
        let overtake = """
            UPDATE refund_webhooks SET state = 'superseded', next_attempt_at = NULL
            WHERE refund_id = ? AND state = 'pending' AND leased_until IS NULL AND redelivery = 0
            AND (? OR type <> 'refund.needs_attention')
            """
        try execute(overtake, [refundID, isToldOf])
    }

    private func log(
        _ type: EventType,
        at time: Timestamp,
        _ refundID: Int64?,
        _ sequence: Int?,
        _ state: RefundState?,
        webhookID: String?,
        _ body: String
    ) throws -> Int64 {
        let insert = """
            INSERT INTO refund_event_log (at, type, refund_id, sequence, state, webhook_id, body)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            """
        try execute(
            insert,
            [time.milliseconds, type.rawValue, refundID, sequence, state?.rawValue, webhookID, body]
        )
        return db.lastInsertedRowID
    }

    private func enqueue(
        _ id: String,
        _ type: EventType,
        at time: Timestamp,
        _ refundID: Int64?,
        _ sequence: Int?,
        url: String,
        _ body: String,
        position: Int64,
        _ context: EventContext
    ) throws {
        let insert = """
            INSERT INTO refund_webhooks
            (id, refund_id, sequence, type, url, body, next_attempt_at, created_at, endpoint, position)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """
        try execute(
            insert,
            [
                id, refundID, sequence, type.rawValue, url, Data(body.utf8), time.milliseconds, time.milliseconds,
                context.routing.endpoint(url), position,
            ]
        )
    }

    /// Remembers that a gateway is in trouble and tells it once, or that it has recovered.
    ///
    /// - Parameters:
    ///   - trouble: What is wrong, or nil when it has ended.
    ///   - gateway: The gateway's name.
    ///   - context: How events become webhooks.
    /// - Throws: What SQLite says when it refuses.
    package func setTrouble(_ trouble: GatewayHealth.Trouble?, gateway: String, _ context: EventContext) throws {
        guard let trouble else { return try execute("DELETE FROM refund_gateways WHERE name = ?", [gateway]) }
        try execute(
            "INSERT OR REPLACE INTO refund_gateways (name, code, message, verified, since) VALUES (?, ?, ?, ?, ?)",
            [gateway, trouble.code, trouble.message, trouble.isVerified ? 1 : 0, trouble.since.milliseconds]
        )
        let type = EventType.gatewayNeedsAttention
        let body = EventBody.gateway(gateway, trouble)
        let url = context.routing.url(for: type, callbackURL: nil)
        let id = url.map { _ in context.makeWebhookID() }
        let position = try log(type, at: trouble.since, nil, nil, nil, webhookID: id, body)
        if let url, let id {
            try enqueue(id, type, at: trouble.since, nil, nil, url: url, body, position: position, context)
        }
    }

    /// The gateways that are in trouble, with what is wrong.
    package func troubles() throws -> [String: GatewayHealth.Trouble] {
        let rows = try Row.fetchAll(statement("SELECT name, code, message, verified, since FROM refund_gateways", []))
        let pairs = rows.compactMap { row -> (String, GatewayHealth.Trouble)? in
            guard let name = row.text(0), let code = row.text(1), let since = row.timestamp(4) else { return nil }
            let isVerified = row.integer(3) == 1
            return (name, .init(code: code, message: row.text(2) ?? "", isVerified: isVerified, since: since))
        }
        return Dictionary(pairs) { first, _ in first }
    }

    /// Forgets how gateways fared that the configuration does not have any more.
    package func forgetGateways(except names: some Collection<String>) throws {
        for name in try troubles().keys where !names.contains(name) {
            try execute("DELETE FROM refund_gateways WHERE name = ?", [name])
        }
        for name in try openBreakers(.gateway).keys where !names.contains(name) {
            try setBreaker(.gateway, name, nil)
        }
    }
}

@available(*, unavailable)
extension StoreTransaction.EventContext: Sendable {}
