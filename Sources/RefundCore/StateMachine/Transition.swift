/// A change of a refund's state or attention: a row of the ledger.
package struct Transition: Hashable, Sendable {
    /// When it happened.
    package var at: Timestamp
    /// The state before.
    package var from: RefundState
    /// The state after.
    package var to: RefundState
    /// The attention after.
    package var attention: Attention?
    /// The reason in words, or nil if the answer is reason enough.
    package var reason: String?
    /// The gateway's numeric status in the answer that caused it, for the record.
    package var transStatus: Int?
    /// The gateway's verdict that caused it.
    package var verdict: GatewayVerdict?
    /// The answer that caused it.
    package var evidence: Evidence?
    /// The code with which the gateway refused the refund or its merchant, if that caused it.
    package var refusal: String?
    /// `refundd`, or the name of the operator who used the command.
    package var actor: String
    /// The event that reports it, or nil for a change without an event.
    package var event: EventType?

    /// The actor of every change that refundd makes on its own.
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
    /// An operator stopped polling the refund.
    case abandoned = "refund.abandoned"
    /// A refund needs an operator.
    case needsAttention = "refund.needs_attention"
    /// A refund has had no verdict for some time; nothing about it has changed.
    case delayed = "refund.delayed"
    /// A gateway needs an operator.
    case gatewayNeedsAttention = "gateway.needs_attention"
}
