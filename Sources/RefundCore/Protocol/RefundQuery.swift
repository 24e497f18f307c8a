/// One question to a gateway about what became of a refund.
package struct RefundQuery: Hashable, Sendable {
    /// The merchant number that is sent: the row's, else the configuration's.
    package var merchantNo: String
    /// The refund's own order number, which is asked for where the row has it.
    package var merchantOrderNo: String?
    /// The gateway's number of the refund; asked for only where there is no order number, checked in the answer always.
    package var transNo: String?

    /// Creates a query for a refund.
    ///
    /// - Returns: Nil when the refund has neither number, which the queue's triggers refuse.
    package init?(_ refund: Refund, merchantNo: String) {
        guard refund.merchantOrderNo != nil || refund.transNo != nil else { return nil }
        self.merchantNo = merchantNo
        merchantOrderNo = refund.merchantOrderNo
        transNo = refund.transNo
    }
}
