/// A query for the state of one refund.
package struct RefundQuery: Hashable, Sendable {
    /// The merchant number: the row's, or else the configured one.
    package var merchantNo: String
    /// The refund's own order number, by which the gateway is queried if the row has it.
    package var merchantOrderNo: String?
    /// The gateway's number of the refund: the query is by it only without an order number, the answer must always match.
    package var transNo: String?

    /// Creates a query for a refund.
    ///
    /// - Returns: Nil if the refund has neither number, which the queue's triggers reject.
    package init?(_ refund: Refund, merchantNo: String) {
        guard refund.merchantOrderNo != nil || refund.transNo != nil else { return nil }
        self.merchantNo = merchantNo
        merchantOrderNo = refund.merchantOrderNo
        transNo = refund.transNo
    }
}
