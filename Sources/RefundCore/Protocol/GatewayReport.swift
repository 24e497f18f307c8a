/// What a gateway's verified answer says became of a refund, in refundd's terms.
///
/// Each gateway's module maps its own statuses to these. A status that it does not know is no verdict at all; the outcome
/// is then `QueryOutcome.inconclusive`.
package enum GatewayVerdict: String, Sendable, CaseIterable {
    /// The gateway knows the refund and has not decided it.
    case processing
    /// The gateway paid the refund out.
    case settled
    /// The gateway closed or cancelled the refund.
    case failed
}

/// The gateway's own description of a refund's transaction, which the queue keeps and events show.
package struct GatewayTransaction: Hashable, Sendable {
    /// The gateway's own number for the state of the transaction, which only the gateway's module interprets.
    package var status: Int
    /// The amount of the transaction in major units.
    package var amount: String?
    /// The ISO 4217 letters of the amount's currency.
    package var currency: String?
    /// When the transaction ended.
    package var endAt: Timestamp?
    /// The gateway's number of the refund.
    package var transNo: String?
    /// The gateway's number of the refunded payment.
    package var origTransNo: String?
    /// The payment channel's number of the refund.
    package var payChannelTransNo: String?

    /// Creates a transaction of which only the status is known.
    package init(status: Int) {
        self.status = status
    }

    /// How a settled transaction differs from what the application expects, or nil when it does not.
    func difference(from expected: Money) -> String? {
        let said = "\(amount ?? "no amount") \(currency ?? "and no currency")"
        guard let amount, let actual = DecimalAmount(amount), let wanted = DecimalAmount(expected.amount),
            actual == wanted, currency == expected.currency
        else { return "the gateway says settled with \(said), expected \(expected.amount) \(expected.currency)" }
        return nil
    }
}

/// What a verified answer says of a refund.
package struct GatewayReport: Hashable, Sendable {
    /// What became of the refund.
    package var verdict: GatewayVerdict
    /// The transaction that the verdict is about.
    package var transaction: GatewayTransaction
    /// Why the refund failed; nil for every other verdict.
    package var failure: Failure?

    /// Creates a report.
    package init(_ verdict: GatewayVerdict, _ transaction: GatewayTransaction, failure: Failure? = nil) {
        self.verdict = verdict
        self.transaction = transaction
        self.failure = failure
    }
}
