/// The states of a refund.
package enum RefundState: String, Sendable, CaseIterable {
    /// Queued; the gateway has not confirmed that it knows the refund.
    case pending
    /// The gateway knows the refund and has not decided on it.
    case processing
    /// The gateway paid the refund out, or an operator said so.
    case settled
    /// The gateway closed or cancelled the refund, or an operator said so.
    case failed
    /// An operator stopped polling.
    case abandoned

    /// The states that are not final.
    package static let open = allCases.filter { !$0.isFinal }

    /// Whether the state is final: the refund never leaves it and is never queried again.
    package var isFinal: Bool {
        switch self {
        case .pending, .processing: false
        case .settled, .failed, .abandoned: true
        }
    }
}

/// An operator's verdict on a refund that needs attention.
package enum Verdict: String, Sendable, CaseIterable {
    /// The refund was paid out.
    case settled
    /// The refund was not paid out and will not be.
    case failed
}
