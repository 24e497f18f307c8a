/// One change of a refund's state or attention: a row of the ledger.
package struct Transition: Hashable, Sendable {
    /// When it happened.
    package var at: Timestamp
    /// The state before.
    package var from: RefundState
    /// The state after.
    package var to: RefundState
    /// The attention after.
    package var attention: Attention?
    /// Why, in words, or nil where the answer says it all.
    package var reason: String?
    /// The gateway's own status number in the answer that caused it, kept as a record.
    package var transStatus: Int?
    /// The gateway's verdict that caused it.
    package var verdict: GatewayVerdict?
    /// The answer that caused it.
    package var evidence: Evidence?
    /// `refundd`, or the name of the person who used the command.
    package var actor: String
    /// The event that tells of it, or nil for a change that nobody is told of.
    package var event: EventType?

    /// The actor of everything that no person did.
    package static let refundd = "refundd"
}

/// The kinds of events, as webhooks and `refund_events` name them.
package enum EventType: String, Sendable, CaseIterable {
    /// The gateway knows the refund.
    case processing = "refund.processing"
    /// The refund is settled.
    case settled = "refund.settled"
    /// The refund failed.
    case failed = "refund.failed"
    /// A person told refundd to stop asking.
    case abandoned = "refund.abandoned"
    /// A person should look at a refund.
    case needsAttention = "refund.needs_attention"
    /// A person should look at a gateway.
    case gatewayNeedsAttention = "gateway.needs_attention"
}
