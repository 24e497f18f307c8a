package import RefundCore

/// A change of a refund to write: its ledger rows, their events and webhooks, and the row after them.
///
/// Sequence numbers, webhook ids and superseded events are decided here, so that every store writes the same.
package struct RefundChange: Sendable {
    /// The refund after the change.
    package var refund: Refund
    /// The number of the claim that covers the change; nil for a change that needs none.
    package var lease: Int64?
    /// Whether the claim ends with the change.
    package var endsLease: Bool
    /// The ledger rows, in order.
    package var entries: [LedgerEntry]
    /// An event that reports no ledger row, with the sequence of the last one, or 0 without any.
    package var notice: (event: EventRecord, sequence: Int)?

    /// Creates a change from the transitions that the state machine returned.
    ///
    /// - Parameters:
    ///   - refund: The refund after the change.
    ///   - transitions: The transitions, in order.
    ///   - row: The row before the change.
    ///   - endsLease: Whether the claim ends with the change.
    ///   - context: Which events become webhooks.
    ///   - random: The source of randomness for webhook ids.
    package init(
        _ refund: Refund,
        _ transitions: [Transition],
        on row: QueuedRefund,
        endsLease: Bool,
        _ context: EventContext,
        using random: inout some RandomNumberGenerator
    ) {
        self.refund = refund
        lease = row.lease
        self.endsLease = endsLease
        entries = []
        for (offset, transition) in transitions.enumerated() {
            let sequence = row.lastSequence + offset + 1
            var event: EventRecord?
            if let type = transition.event {
                let body = EventBody.refund(
                    type,
                    transition,
                    sequence: sequence,
                    refund,
                    merchantNo: context.merchantNo(of: refund)
                )
                let url = context.routing.url(for: type, callbackURL: refund.callbackURL)
                event = EventRecord(type, at: transition.at, body: body, url: url, context, using: &random)
                // Before the first row, only a refund.delayed may have been sent.
                let isFirst = sequence == 1 && !refund.notified.contains(.delayed)
                event?.supersedes = isFirst ? .nothing : url == nil ? .allButAttention : .everything
            }
            entries.append(LedgerEntry(sequence: sequence, transition: transition, event: event))
        }
    }

    /// Creates the change that reports a refund as delayed: its event, and that it has been sent.
    ///
    /// - Parameters:
    ///   - row: The row.
    ///   - delay: The age that the refund has reached.
    ///   - now: The time.
    ///   - context: Which events become webhooks.
    ///   - random: The source of randomness for the webhook's id.
    package init(
        delayed row: QueuedRefund,
        by delay: Duration,
        at now: Timestamp,
        _ context: EventContext,
        using random: inout some RandomNumberGenerator
    ) {
        refund = row.refund
        refund.notified.insert(.delayed)
        lease = row.lease
        endsLease = false
        entries = []
        let body = EventBody.delayed(
            refund,
            reason: "no verdict for \(delay.formatted)",
            sequence: row.lastSequence,
            at: now,
            merchantNo: context.merchantNo(of: refund)
        )
        let url = context.routing.url(for: .delayed, callbackURL: refund.callbackURL)
        var event = EventRecord(.delayed, at: now, body: body, url: url, context, using: &random)
        event.supersedes = row.lastSequence == 0 ? .nothing : .allButAttention
        notice = (event, row.lastSequence)
    }

    /// The refund's number as the ledger records it.
    package var number: String { refund.merchantOrderNo ?? refund.transNo ?? "" }
}

/// A ledger row to append, with its event.
package struct LedgerEntry: Sendable {
    /// The row's number in the refund's ledger, from 1.
    package var sequence: Int
    /// The transition.
    package var transition: Transition
    /// The event that reports it, or nil if none does.
    package var event: EventRecord?
}

/// An event to append, with its webhook.
package struct EventRecord: Hashable, Sendable {
    /// The undelivered webhooks of its refund that an event supersedes.
    package enum Superseding: Hashable, Sendable {
        /// None: it is the refund's first event, or a gateway's.
        case nothing
        /// All but `refund.needs_attention`, which only an event that has a webhook supersedes.
        case allButAttention
        /// All.
        case everything
    }

    /// The type.
    package var type: EventType
    /// When it happened.
    package var at: Timestamp
    /// The body, one JSON object.
    package var body: String
    /// The webhook that carries it, or nil.
    package var webhook: NewWebhook?
    /// The webhooks that it supersedes.
    package var supersedes = Superseding.nothing

    /// A webhook to enqueue.
    package struct NewWebhook: Hashable, Sendable {
        /// The `webhook-id`.
        package var id: String
        /// The receiver's URL.
        package var url: String
        /// The URL's `scheme://host:port`.
        package var endpoint: String
    }

    /// Creates an event.
    ///
    /// - Parameters:
    ///   - type: The type.
    ///   - time: When it happened.
    ///   - body: The body.
    ///   - url: The URL for its webhook, or nil for none.
    ///   - context: Determines the URL's endpoint.
    ///   - random: The source of randomness for the webhook's id.
    package init(
        _ type: EventType,
        at time: Timestamp,
        body: String,
        url: String?,
        _ context: EventContext,
        using random: inout some RandomNumberGenerator
    ) {
        self.type = type
        at = time
        self.body = body
        webhook = url.map { url in
            NewWebhook(
                id: WebhookID.make(at: time, using: &random),
                url: url,
                endpoint: context.routing.endpoint(url)
            )
        }
    }

    /// Creates the event that reports an incident.
    package init(
        of gateway: String,
        _ incident: GatewayIncident,
        _ context: EventContext,
        using random: inout some RandomNumberGenerator
    ) {
        let type = EventType.gatewayNeedsAttention
        let url = context.routing.url(for: type, callbackURL: nil)
        let body = EventBody.gateway(gateway, incident)
        self.init(type, at: incident.since, body: body, url: url, context, using: &random)
    }
}

/// The settings that shape events and their webhooks: the routing and the merchant numbers.
package struct EventContext: Sendable {
    /// Which events become webhooks, and where they go.
    package var routing: WebhookRouting
    /// The gateways' merchant numbers, where configured, by the gateway's name.
    package var merchantNumbers: [String: String]

    /// Creates a context.
    package init(routing: WebhookRouting, merchantNumbers: [String: String]) {
        self.routing = routing
        self.merchantNumbers = merchantNumbers
    }

    /// The merchant number that a refund is queried under, if one is known.
    package func merchantNo(of refund: Refund) -> String? {
        refund.merchantNo ?? merchantNumbers[refund.gateway]
    }
}
