package import RefundCore
package import RefundStore

extension QueuedRefund {
    /// The columns of `refund_queue q` that `init(row:)` reads.
    package static let columns = """
        q.id, q.gateway, q.merchant_no, q.merchant_order_no, q.trans_no, q.expected_amount, q.expected_currency,
        q.callback_url, q.metadata, q.state, q.attention, q.attention_told, q.trans_status, q.trans_amount,
        q.trans_currency, q.trans_end_at, q.gateway_trans_no, q.orig_trans_no, q.pay_channel_trans_no, q.failure_code,
        q.failure_message, q.attempts, q.last_query_at, q.last_query_verified, q.last_error, q.unknown_order,
        q.created_at, q.updated_at, q.next_query_at, q.lease,
        (SELECT max(sequence) FROM refund_transitions t WHERE t.refund_id = q.id),
        CASE WHEN q.attention IS NULL THEN 0
        ELSE (SELECT count(*) FROM refund_outbox o WHERE o.refund_id = q.id AND o.state = 'dead') END
        """

    /// The same columns, with dead webhooks counted whatever the attention.
    package static let columnsWithDeadWebhooks = columns.replacing("q.attention IS NULL", with: "q.id IS NULL")

    /// Reads a row.
    ///
    /// - Returns: Nil only for a state that the queue's guards reject.
    package init?(row: some SQLRow) {
        guard let id = row.integer() else { return nil }
        var refund = Refund(
            id: id,
            gateway: row.text() ?? "default",
            merchantOrderNo: nil,
            createdAt: Timestamp(milliseconds: 0)
        )
        refund.merchantNo = row.text()
        refund.merchantOrderNo = row.text()
        refund.transNo = row.text()
        let (amount, currency) = (row.text(), row.text())
        if let amount, let currency { refund.expected = Money(amount: amount, currency: currency) }
        refund.callbackURL = row.text()
        refund.metadata = row.text()
        guard let state = row.text().flatMap(RefundState.init(rawValue:)) else { return nil }
        refund.state = state
        refund.attention = row.text().flatMap(Attention.init(rawValue:))
        refund.notified = NotifiedReasons(rawValue: Int(truncatingIfNeeded: row.integer() ?? 0))
        refund.transaction = GatewayTransaction(row: row)
        let (code, message) = (row.text(), row.text())
        refund.failure = code.map { Failure(code: $0, message: message) }
        refund.attempts = row.count()
        refund.lastQueryAt = row.timestamp()
        refund.isLastQueryVerified = row.integer() == 1
        refund.lastError = row.text()
        refund.isUnknownOrder = row.integer() == 1
        refund.createdAt = row.timestamp() ?? refund.createdAt
        refund.updatedAt = row.timestamp() ?? refund.createdAt
        refund.nextQueryAt = row.timestamp()
        let lease = row.lease()
        self.init(refund, lease: lease, lastSequence: row.count(), deadWebhooks: row.count())
    }
}

extension GatewayTransaction {
    /// Reads the columns of a refund's row.
    ///
    /// All columns are read even without a status, since columns are read in order.
    package init?(row: some SQLRow) {
        let status = row.integer()
        var transaction = GatewayTransaction(status: Int(truncatingIfNeeded: status ?? 0))
        transaction.amount = row.text()
        transaction.currency = row.text()
        transaction.endAt = row.timestamp()
        transaction.transNo = row.text()
        transaction.origTransNo = row.text()
        transaction.payChannelTransNo = row.text()
        guard status != nil else { return nil }
        self = transaction
    }
}

extension URLHealth {
    /// The columns of `refund_endpoints` that `init(row:)` reads.
    package static let columns = "failing_since, failed_at, disabled_at, reason"

    /// Reads a row; nil if it holds no times.
    package init?(row: some SQLRow) {
        let (failingSince, failedAt, disabledAt, reason) = (
            row.timestamp(), row.timestamp(), row.timestamp(), row.text()
        )
        guard let failingSince, let failedAt else { return nil }
        let disabling = disabledAt.map { Disabling(at: $0, reason: reason ?? "") }
        self.init(failingSince: failingSince, lastFailure: failedAt, disabling: disabling)
    }
}
