/// The reason why a refund needs an operator.
package enum Attention: String, Sendable, CaseIterable {
    /// The gateway says settled, but not the amount or currency that was expected.
    case mismatch
    /// The configuration lacks what the row needs: its gateway, its merchant number or a webhook secret.
    case misconfigured
    /// The gateway still has no such order.
    case unknownOrder = "unknown_order"
    /// No verdict for longer than `attention_after`.
    case overdue
    /// A webhook of the refund is dead.
    case undeliverable

    /// How grave the reason is: a refund carries only its gravest reason; lesser ones are not recorded meanwhile.
    package var gravity: Int {
        switch self {
        case .mismatch: 5
        case .misconfigured: 4
        case .unknownOrder: 3
        case .overdue: 2
        case .undeliverable: 1
        }
    }

    /// What is wrong with the refunds that have it, as a phrase that follows their number.
    package var phrase: String {
        switch self {
        case .mismatch: "settled with another amount than expected"
        case .misconfigured: "cannot be queried with this configuration, or the gateway refuses the merchant"
        case .unknownOrder: "unknown to the gateway"
        case .overdue: "without a verdict for too long"
        case .undeliverable: "whose webhook was never accepted"
        }
    }

    /// The `MESSAGE_ID` of the journal's lines that report it; it never changes, since people filter by it.
    package var messageID: String {
        switch self {
        case .mismatch: "1c9e6ac0b1f04c0f8a3a5a0f6f1f5d04"
        case .misconfigured: "1c9e6ac0b1f04c0f8a3a5a0f6f1f5d05"
        case .unknownOrder: "1c9e6ac0b1f04c0f8a3a5a0f6f1f5d06"
        case .overdue: "1c9e6ac0b1f04c0f8a3a5a0f6f1f5d07"
        case .undeliverable: "1c9e6ac0b1f04c0f8a3a5a0f6f1f5d08"
        }
    }

    /// Whether a `refund.needs_attention` event reports it.
    ///
    /// No webhook reports a dead webhook.
    package var emitsEvent: Bool {
        self != .undeliverable
    }
}

/// The reasons for attention that a refund's events have reported: each is reported once.
///
/// Two further bits say that the gateway keeps refusing the refund, until it answers, and one that `refund.delayed` has
/// reported it.
///
/// `refund_queue.attention_told` stores these bits, so they never change.
package struct NotifiedReasons: OptionSet, Hashable, Sendable {
    /// The stored bits, one per reason.
    package let rawValue: Int

    package static let undeliverable = NotifiedReasons(rawValue: 1 << 1)
    package static let overdue = NotifiedReasons(rawValue: 1 << 2)
    package static let unknownOrder = NotifiedReasons(rawValue: 1 << 3)
    package static let misconfigured = NotifiedReasons(rawValue: 1 << 4)
    package static let mismatch = NotifiedReasons(rawValue: 1 << 5)
    /// The gateway refuses this refund while it answers others.
    package static let refused = NotifiedReasons(rawValue: 1 << 6)
    /// The gateway refuses every refund of the refund's merchant.
    package static let merchantRefused = NotifiedReasons(rawValue: 1 << 7)

    /// A `refund.delayed` event has been sent.
    package static let delayed = NotifiedReasons(rawValue: 1 << 8)

    /// Creates a set from its stored bits.
    package init(rawValue: Int) {
        self.rawValue = rawValue
    }

    /// Creates a set of one reason.
    package init(_ attention: Attention) {
        switch attention {
        case .undeliverable: self = .undeliverable
        case .overdue: self = .overdue
        case .unknownOrder: self = .unknownOrder
        case .misconfigured: self = .misconfigured
        case .mismatch: self = .mismatch
        }
    }
}
