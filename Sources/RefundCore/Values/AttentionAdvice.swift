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
            cause = "the gateway reports \(refund.reported ?? "no amount")"
            text = "The gateway settled an amount other than the one expected; find out which is right"
            commands = ["settled", "failed"].map { "refundd resolve \(name) --as \($0) --reason TEXT" }
        case .misconfigured:
            cause = refund.lastError ?? "cannot be queried with this configuration"
            text =
                "The configuration lacks what the refund needs, or the gateway refuses it or its merchant"
                + (refund.lastError.map { ": \($0)" } ?? "")
            commands = ["refundd check --online", "systemctl reload refundd", "refundd query \(name)"]
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
