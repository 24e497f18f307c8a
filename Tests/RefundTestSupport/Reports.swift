package import RefundCore

extension GatewayReport {
    /// A report with the `trans_status` that PayCloud gives for a verdict.
    package init(_ verdict: GatewayVerdict, _ amount: String? = nil, _ currency: String? = nil) {
        let status =
            switch verdict {
            case .processing: 0
            case .settled: 2
            case .failed: 1
            }
        var transaction = GatewayTransaction(status: status)
        transaction.amount = amount
        transaction.currency = currency
        self.init(verdict, transaction, failure: verdict == .failed ? Failure(code: "closed", message: nil) : nil)
    }
}
