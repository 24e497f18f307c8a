/// The JSON bodies of events, as `refund_events` keeps them and webhooks carry them.
///
/// Absent values are null, never left out.
package enum EventBody: Sendable {
    /// The body of a refund's event.
    ///
    /// - Parameters:
    ///   - type: The event's type.
    ///   - transition: The change that the event reports.
    ///   - sequence: The change's number in the refund's ledger, from 1.
    ///   - refund: The refund after the change.
    ///   - merchantNo: The merchant number used for queries, if known.
    /// - Returns: One JSON object.
    package static func refund(
        _ type: EventType,
        _ transition: Transition,
        sequence: Int,
        _ refund: Refund,
        merchantNo: String?
    ) -> String {
        envelope(type, at: transition.at) { data in
            data.number("refund_id", refund.id)
            data.number("sequence", sequence)
            data.string("gateway", refund.gateway)
            data.string("merchant_no", merchantNo)
            data.string("merchant_order_no", refund.merchantOrderNo)
            data.string("trans_no", refund.transNo ?? refund.transaction?.transNo)
            data.string("orig_trans_no", refund.transaction?.origTransNo)
            data.string("state", transition.to.rawValue)
            data.string("previous_state", transition.from.rawValue)
            data.string("attention", transition.attention?.rawValue)
            data.number("trans_status", refund.transaction?.status)
            data.string("amount", refund.transaction?.amount)
            data.string("currency", refund.transaction?.currency)
            data.string("expected_amount", refund.expected?.amount)
            data.string("expected_currency", refund.expected?.currency)
            data.string("trans_end_time", refund.transaction?.endAt?.iso8601Seconds)
            data.string("pay_channel_trans_no", refund.transaction?.payChannelTransNo)
            failure(transition.to == .failed ? refund.failure : nil, into: &data)
            data.string("actor", transition.actor)
            data.string("reason", transition.reason)
            data.number("attempts", refund.attempts)
            data.string("enqueued_at", refund.createdAt.iso8601)
            data.raw("metadata", metadata(of: refund))
        }
    }

    /// The body of a `refund.delayed` event.
    ///
    /// - Parameters:
    ///   - refund: The refund, which does not change.
    ///   - reason: For how long it has had no verdict, in words.
    ///   - sequence: The last number in the refund's ledger; 0 if it has none.
    ///   - time: The time.
    ///   - merchantNo: The merchant number used for queries, if known.
    /// - Returns: One JSON object.
    package static func delayed(
        _ refund: Refund,
        reason: String?,
        sequence: Int,
        at time: Timestamp,
        merchantNo: String?
    ) -> String {
        let unchanged = Transition(
            at: time,
            from: refund.state,
            to: refund.state,
            attention: refund.attention,
            reason: reason,
            actor: Transition.refundd
        )
        return self.refund(.delayed, unchanged, sequence: sequence, refund, merchantNo: merchantNo)
    }

    /// The body of a `gateway.needs_attention` event.
    package static func gateway(_ name: String, _ incident: GatewayIncident) -> String {
        envelope(.gatewayNeedsAttention, at: incident.since) { data in
            data.string("gateway", name)
            data.string("attention", incident.kind.rawValue)
            data.string("code", incident.code)
            data.string("message", incident.message)
            data.string("since", incident.since.iso8601)
        }
    }

    private static func envelope(
        _ type: EventType,
        at time: Timestamp,
        _ data: (inout JSONWriter) -> Void
    ) -> String {
        var json = JSONWriter()
        json.object { json in
            json.string("type", type.rawValue)
            json.string("timestamp", time.iso8601)
            json.object("data", data)
        }
        return json.text
    }

    private static func failure(_ failure: Failure?, into data: inout JSONWriter) {
        guard let failure else { return data.raw("failure", "null") }
        data.object("failure") { json in
            json.string("code", failure.code)
            json.string("message", failure.message)
        }
    }

    // SQLite checked the metadata when the row was inserted, but its versions disagree on what JSON is. Metadata that
    // we cannot parse travels as a string, so the body is always JSON.
    private static func metadata(of refund: Refund) -> String {
        guard let metadata = refund.metadata else { return "null" }
        return (try? JSONObject(parsing: metadata)) == nil ? JSONWriter.quoted(metadata) : metadata
    }
}
