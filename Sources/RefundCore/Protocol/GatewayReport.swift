/// A gateway's verdict on a refund, from a verified answer, in refundd's terms.
///
/// Each gateway's module maps the gateway's statuses to these. An unknown status yields no verdict; the outcome is then
/// `QueryOutcome.inconclusive`.
package enum GatewayVerdict: String, Sendable, CaseIterable {
    /// The gateway knows the refund and has not decided on it.
    case processing
    /// The gateway paid the refund out.
    case settled
    /// The gateway closed or cancelled the refund.
    case failed
}

/// The gateway's own description of a refund's transaction, which the queue keeps and events show.
package struct GatewayTransaction: Hashable, Sendable {
    /// The gateway's numeric status of the transaction, which only the gateway's module interprets.
    package var status: Int
    /// The amount of the transaction in major units.
    package var amount: String?
    /// The ISO 4217 letters of the amount's currency.
    package var currency: String?
    /// When the transaction ended.
    package var endAt: Timestamp?
    /// The gateway's number for the refund.
    package var transNo: String?
    /// The gateway's number for the refunded payment.
    package var origTransNo: String?
    /// The payment channel's number for the refund.
    package var payChannelTransNo: String?

    /// Creates a transaction with only a status.
    package init(status: Int) {
        self.status = status
    }
}

/// A gateway's report on a refund, from a verified answer.
package struct GatewayReport: Hashable, Sendable {
    /// The gateway's verdict on the refund.
    package var verdict: GatewayVerdict
    /// The transaction that the verdict is about.
    package var transaction: GatewayTransaction
    /// Why the refund failed; nil for every other verdict.
    package var failure: Failure?
    /// The amount as the gateway wrote it, if it is none that refundd can read; only for messages.
    package var unreadableAmount: String?

    /// Creates a report.
    package init(_ verdict: GatewayVerdict, _ transaction: GatewayTransaction, failure: Failure? = nil) {
        self.verdict = verdict
        self.transaction = transaction
        self.failure = failure
    }

    /// The difference between a settled transaction and the expected amount, in words; nil if they match.
    func difference(from expected: Money) -> String? {
        let (amount, currency) = (transaction.amount, transaction.currency)
        guard let amount, let actual = DecimalAmount(amount), let wanted = DecimalAmount(expected.amount),
            actual == wanted, currency == expected.currency
        else {
            let said = amount ?? unreadableAmount.map { "the unreadable amount \($0)" } ?? "no amount"
            return "the gateway says settled with \(said) \(currency ?? "and no currency"),"
                + " expected \(expected.amount) \(expected.currency)"
        }
        return nil
    }
}
