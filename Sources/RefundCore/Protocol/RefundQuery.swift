/// A query for the state of one refund.
package struct RefundQuery: Hashable, Sendable {
    /// The merchant number: the row's, or else the configured one.
    package var merchantNo: String
    /// The refund's own order number; the query uses it if the row has one.
    package var merchantOrderNo: String?
    /// The gateway's number for the refund; queried only without an order number, always matched in the answer.
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

/// How a query ended.
package enum QueryAttempt: Hashable, Sendable {
    /// The gateway answered, or could not be queried; the duration covers only the exchange.
    case completed(QueryOutcome, duration: Duration)
    /// The client shut down first; the query does not count.
    case interrupted
}
