/// Where a refund is in its life.
package enum RefundState: String, Sendable, CaseIterable {
    /// Queued; the gateway has not confirmed that it knows the refund.
    case pending
    /// The gateway knows the refund and has not decided it.
    case processing
    /// The gateway paid the refund out, or a person said so.
    case settled
    /// The gateway closed or cancelled the refund, or a person said so.
    case failed
    /// A person told refundd to stop asking.
    case abandoned

    /// Whether the refund stays in this state for ever and is never queried again.
    package var isFinal: Bool {
        switch self {
        case .pending, .processing: false
        case .settled, .failed, .abandoned: true
        }
    }
}
