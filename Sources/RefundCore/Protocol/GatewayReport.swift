/// The values of `trans_status` that refundd acts on.
///
/// Source: the vendor's Java SDK 3.1.2, `OrderRefundQueryResponse`; the reading for refunds follows its wording.
public enum TransStatus: Int, Sendable, CaseIterable {
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
public struct GatewayReport: Hashable, Sendable {
    /// `trans_status`.
    public var status: TransStatus
    /// `trans_amount`: the amount of the transaction as text; the gateway drops trailing zeros.
    public var amount: String?
    /// `price_currency`.
    public var currency: String?
    /// `trans_end_time`, UTC; present when the refund succeeded.
    public var endAt: Timestamp?
    /// `trans_no`: the gateway's number of the refund.
    public var transNo: String?
    /// `orig_trans_no`: the gateway's number of the payment that is refunded.
    public var origTransNo: String?
    /// `pay_channel_trans_no`: the number at the payment channel.
    public var payChannelTransNo: String?
    /// `trans_error_code`: why the refund was closed.
    public var errorCode: String?
    /// `trans_error_msg`.
    public var errorMessage: String?

    /// Creates a report that only has a status.
    public init(status: TransStatus) {
        self.status = status
    }
}
