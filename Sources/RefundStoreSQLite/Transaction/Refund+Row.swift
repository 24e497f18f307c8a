import GRDB
import RefundCore

extension Refund {
    /// The columns that `init(row:)` reads, in its order.
    static let columns = """
        id, gateway, merchant_no, merchant_order_no, trans_no, expected_amount, expected_currency, callback_url,
        metadata, state, attention, attention_told, trans_status, trans_amount, trans_currency, trans_end_at,
        gateway_trans_no, orig_trans_no, pay_channel_trans_no, failure_code, failure_message, attempts, last_query_at,
        last_error, unknown_order, created_at, updated_at, next_query_at, last_query_verified
        """

    /// Reads a row of the queue.
    ///
    /// - Returns: Nil only for a state that the queue's triggers do not let in.
    init?(row: Row) {
        guard let id = row.integer(0), let state = row.text(9).flatMap(RefundState.init(rawValue:)) else { return nil }
        self.init(
            id: id,
            gateway: row.text(1) ?? "default",
            merchantOrderNo: row.text(3),
            createdAt: row.timestamp(25) ?? Timestamp(milliseconds: 0)
        )
        merchantNo = row.text(2)
        transNo = row.text(4)
        if let amount = row.text(5), let currency = row.text(6) {
            expected = Money(amount: amount, currency: currency)
        }
        callbackURL = row.text(7)
        metadata = row.text(8)
        self.state = state
        attention = row.text(10).flatMap(Attention.init(rawValue:))
        told = NotifiedReasons(rawValue: Int(truncatingIfNeeded: row.integer(11) ?? 0))
        report = GatewayReport(row: row)
        failure = row.text(19).map { Failure(code: $0, message: row.text(20)) }
        attempts = row.count(21)
        lastQueryAt = row.timestamp(22)
        lastError = row.text(23)
        isLastQueryVerified = row.integer(28) == 1
        isUnknownOrder = row.integer(24) == 1
        updatedAt = row.timestamp(26) ?? createdAt
        nextQueryAt = row.timestamp(27)
    }
}

extension GatewayReport {
    fileprivate init?(row: Row) {
        guard let status = row.integer(12).flatMap({ TransStatus(rawValue: Int(truncatingIfNeeded: $0)) }) else {
            return nil
        }
        self.init(status: status)
        amount = row.text(13)
        currency = row.text(14)
        endAt = row.timestamp(15)
        transNo = row.text(16)
        origTransNo = row.text(17)
        payChannelTransNo = row.text(18)
    }
}
