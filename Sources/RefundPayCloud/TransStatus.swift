package import RefundCore

/// The values of `trans_status` that PayCloud documents, with what they mean for a refund.
///
/// Source: the vendor's Java SDK 3.1.2, `OrderRefundQueryResponse`; the meaning for refunds follows its wording.
package enum TransStatus: Int, Sendable, CaseIterable {
    /// Accepted, not started.
    case created = 9
    /// In progress.
    case inProgress = 0
    /// Closed: the refund failed.
    case closed = 1
    /// Refunded.
    case succeeded = 2
    /// Cancelled.
    case cancelled = 3

    /// What this status says became of the refund.
    package var verdict: GatewayVerdict {
        switch self {
        case .created, .inProgress: .processing
        case .succeeded: .settled
        case .closed, .cancelled: .failed
        }
    }

    /// Why a refund with this status failed.
    ///
    /// - Parameters:
    ///   - code: `trans_error_code`, which PayCloud gives for a closed refund only.
    ///   - message: `trans_error_msg`.
    /// - Returns: Nil unless the verdict is `failed`.
    func failure(code: String?, message: String?) -> Failure? {
        switch self {
        case .created, .inProgress, .succeeded: nil
        case .closed: Failure(code: code ?? "closed", message: message)
        case .cancelled: Failure(code: "cancelled", message: message)
        }
    }
}
