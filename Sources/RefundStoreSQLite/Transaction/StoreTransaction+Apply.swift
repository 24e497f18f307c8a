import Foundation
import GRDB
package import RefundCore

extension StoreTransaction {
    /// What is needed to turn an event into rows of the event log and the outbox.
    package struct EventContext {
        let routing: WebhookRouting
        let merchantNo: (Refund) -> String?
        let makeWebhookID: (Timestamp) -> String

        /// Creates a context.
        ///
        /// - Parameters:
        ///   - routing: Which events become webhooks, and where those go.
        ///   - merchantNo: The merchant number that a refund is asked for under, where one is known.
        ///   - makeWebhookID: Makes a new `webhook-id` for an event of a time.
        package init(
            routing: WebhookRouting,
            merchantNo: @escaping (Refund) -> String?,
            makeWebhookID: @escaping (Timestamp) -> String
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
            let sequence = try append(transition, to: refund)
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

    private func append(_ transition: Transition, to refund: Refund) throws -> Int {
        let last = try number("SELECT max(sequence) FROM refund_transitions WHERE refund_id = ?", [refund.id])
        let sequence = Int(clamping: last ?? 0) + 1
        let insert = """
            INSERT INTO refund_transitions
            (refund_id, sequence, at, from_state, to_state, attention, reason, trans_status, code, psn, response, actor,
            verdict, enqueued_at, number) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """
        try execute(
            insert,
            [
                refund.id, sequence, transition.at.milliseconds, transition.from.rawValue, transition.to.rawValue,
                transition.attention?.rawValue, transition.reason, transition.transStatus?.rawValue,
                transition.evidence?.code, transition.evidence?.psn, transition.evidence.map { Data($0.response) },
                transition.actor, transition.transStatus?.verdict, refund.createdAt.milliseconds,
                refund.merchantOrderNo ?? refund.transNo,
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
        let report = refund.report
        try execute(
            update,
            [
                refund.state.rawValue, refund.attention?.rawValue, refund.told.rawValue, report?.status.rawValue,
                report?.amount, report?.currency,
                report?.endAt?.milliseconds, report?.transNo, report?.origTransNo, report?.payChannelTransNo,
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
        let position = try log(type, at: time, refundID: refund.id, sequence, state, body)
        if let url { try enqueue(type, at: time, refundID: refund.id, url: url, position: position, context) }
    }

    private func overtakeWebhooks(of refundID: Int64, isToldOf: Bool) throws {
        let overtake = """
            UPDATE refund_outbox SET state = 'superseded', next_attempt_at = NULL
            WHERE refund_id = ? AND state = 'pending' AND leased_until IS NULL AND redelivery = 0
            AND (? OR type <> 'refund.needs_attention')
            """
        try execute(overtake, [refundID, isToldOf])
    }

    private func log(
        _ type: EventType,
        at time: Timestamp,
        refundID: Int64? = nil,
        _ sequence: Int? = nil,
        _ state: RefundState? = nil,
        gateway: String? = nil,
        _ body: String
    ) throws -> Int64 {
        let insert = """
            INSERT INTO refund_event_log (at, type, refund_id, sequence, gateway, state, body)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            """
        try execute(insert, [time.milliseconds, type.rawValue, refundID, sequence, gateway, state?.rawValue, body])
        return db.lastInsertedRowID
    }

    private func enqueue(
        _ type: EventType,
        at time: Timestamp,
        refundID: Int64?,
        url: String,
        position: Int64,
        _ context: EventContext
    ) throws {
        let insert = """
            INSERT INTO refund_outbox (position, id, refund_id, type, url, endpoint, next_attempt_at)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            """
        try execute(
            insert,
            [
                position, context.makeWebhookID(time), refundID, type.rawValue, url, context.routing.endpoint(url),
                time.milliseconds,
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
        guard let trouble else { return try execute("DELETE FROM refund_incidents WHERE gateway = ?", [gateway]) }
        let insert = """
            INSERT OR REPLACE INTO refund_incidents (gateway, attention, code, message, verified, since)
            VALUES (?, ?, ?, ?, ?, ?)
            """
        try execute(
            insert,
            [
                gateway, Attention.misconfigured.rawValue, trouble.code, trouble.message, trouble.isVerified ? 1 : 0,
                trouble.since.milliseconds,
            ]
        )
        let type = EventType.gatewayNeedsAttention
        let body = EventBody.gateway(gateway, trouble)
        let url = context.routing.url(for: type, callbackURL: nil)
        let position = try log(type, at: trouble.since, gateway: gateway, body)
        if let url { try enqueue(type, at: trouble.since, refundID: nil, url: url, position: position, context) }
    }

    /// The gateways that are in trouble, with what is wrong.
    package func troubles() throws -> [String: GatewayHealth.Trouble] {
        let sql = "SELECT gateway, code, message, verified, since FROM refund_incidents WHERE merchant_no = ''"
        let rows = try Row.fetchAll(statement(sql, []))
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
            try execute("DELETE FROM refund_incidents WHERE gateway = ?", [name])
        }
        for name in try openBreakers(.gateway).keys where !names.contains(name) {
            try setBreaker(.gateway, name, nil)
        }
    }
}

@available(*, unavailable)
extension StoreTransaction.EventContext: Sendable {}

extension TransStatus {
    /// What the status says became of the refund, as the ledger records it.
    fileprivate var verdict: String {
        switch self {
        case .created, .inProgress: "processing"
        case .succeeded: "settled"
        case .closed, .cancelled: "failed"
        }
    }
}
