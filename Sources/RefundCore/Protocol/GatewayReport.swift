/// The values of `trans_status` that refundd acts on.
///
/// Source: the vendor's Java SDK 3.1.2, `OrderRefundQueryResponse`; the reading for refunds follows its wording.
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
}

/// What a verified answer says of a refund.
///
/// Field names follow the vendor's Java SDK 3.1.2, `OrderRefundQueryResponse`.
package struct GatewayReport: Hashable, Sendable {
    /// `trans_status`.
    package var status: TransStatus
    /// `trans_amount`: the amount of the transaction as text; the gateway drops trailing zeros.
    package var amount: String?
    /// `price_currency`.
    package var currency: String?
    /// `trans_end_time`, UTC; present when the refund succeeded.
    package var endAt: Timestamp?
    /// `trans_no`: the gateway's number of the refund.
    package var transNo: String?
    /// `orig_trans_no`: the gateway's number of the payment that is refunded.
    package var origTransNo: String?
    /// `pay_channel_trans_no`: the number at the payment channel.
    package var payChannelTransNo: String?
    /// `trans_error_code`: why the refund was closed.
    package var errorCode: String?
    /// `trans_error_msg`.
    package var errorMessage: String?

    /// Creates a report that only has a status.
    package init(status: TransStatus) {
        self.status = status
    }
}
