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

/// What an operator can do about a reason for attention.
package struct AttentionAdvice: Hashable, Sendable {
    /// What is wrong with this refund, as a few words for a table.
    package var cause: String
    /// What is wrong and what to find out, in one sentence.
    package var text: String
    /// The commands that clear it, the most likely first.
    package var commands: [String]

    /// Gives the advice on a refund; nil if it needs no attention.
    ///
    /// - Parameters:
    ///   - refund: The refund.
    ///   - deadWebhook: The id of its last dead webhook.
    package init?(on refund: Refund, deadWebhook: String? = nil) {
        let name = refund.argument
        switch refund.attention {
        case .mismatch:
            cause = "the gateway reports \(refund.reported ?? "no readable amount")"
            text = "The gateway settled an amount other than the one expected; find out which is right"
            commands = ["settled", "failed"].map { "refundd resolve \(name) --as \($0) --reason TEXT" }
        case .misconfigured:
            cause = refund.lastError ?? "cannot be queried with this configuration"
            text =
                "The configuration lacks what the refund needs, or the gateway refuses it or its merchant"
                + (refund.lastError.map { ": \($0)" } ?? "")
            // A reload reads neither new keys nor secrets.
            commands = ["refundd check --online", "systemctl restart refundd", "refundd query \(name)"]
        case .unknownOrder:
            cause = "the gateway has no such order"
            text =
                "The gateway does not know this number; find out whether the refund was submitted, and under which number"
            commands = ["refundd query \(name)", "refundd abandon \(name) --reason TEXT"]
        case .overdue:
            cause = refund.lastError ?? "no verdict after \(refund.attempts) queries"
            text = "The gateway has not decided for too long; ask its support about the numbers above"
            commands =
                ["refundd query \(name)"]
                + ["settled", "failed"].map { "refundd resolve \(name) --as \($0) --reason TEXT" }
        case .undeliverable:
            cause = "its webhook is dead"
            text = "A webhook is dead: the receiver never accepted it; repair the receiver, then send it again"
            commands = [deadWebhook.map { "refundd redeliver \($0)" } ?? "refundd redeliver --dead"]
        case nil: return nil
        }
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
