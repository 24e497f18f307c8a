import RefundCore
import RefundPayCloud

/// The business part of an answer: the member `data`.
///
/// Names and types follow the vendor's Java SDK 3.1.2, `OrderRefundQueryResponse`; on the wire, numbers of status are
/// JSON integers and amounts are texts without trailing zeros.
struct RefundData {
    var orderNo: String
    var transNo: String
    var origTransNo: String
    var payChannelTransNo: String
    var status: Int
    var amount: String
    var currency: String
    var ending: Scenario.Ending
    var endedAt: Timestamp

    /// Creates what is said of a refund.
    ///
    /// - Parameters:
    ///   - number: The number that was asked for, which is echoed.
    ///   - scenario: The refund's scenario.
    ///   - status: The status to tell.
    ///   - endedAt: When the refund ended.
    ///   - seed: Decides the numbers that the gateway gives.
    init(_ number: RefundNumber, scenario: Scenario, status: TransStatus, endedAt: Timestamp, seed: UInt64) {
        func digits(_ purpose: String) -> String {
            let value = StableHash.value(of: number.text, seed: seed, purpose: purpose) % 1_000_000_000_000_000_000
            return String(1_000_000_000_000_000_000 + value).dropFirst().description
        }
        switch number {
        case .order(let text):
            orderNo = text
            transNo = scenario.transNo ?? "41\(digits("trans_no"))"
        case .trans(let text):
            orderNo = "R\(digits("merchant_order_no"))"
            transNo = text
        }
        origTransNo = "40\(digits("orig_trans_no"))"
        payChannelTransNo = "CH\(digits("pay_channel_trans_no"))"
        self.status = status.rawValue
        amount = Self.withoutTrailingZeros(scenario.amount)
        currency = scenario.currency
        ending = scenario.ending
        self.endedAt = endedAt
    }

    /// The JSON text of the object.
    var json: String {
        var json = JSONText()
        json.object { json in
            json.string("trans_no", transNo)
            json.string("orig_trans_no", origTransNo)
            json.string("merchant_order_no", orderNo)
            json.number("trans_status", status)
            json.string("price_currency", currency)
            json.string("order_amount", amount)
            json.string("trans_amount", amount)
            json.string("trans_fee_c", "0")
            json.string("vat_amount", "0")
            if status == TransStatus.succeeded.rawValue {
                let time = endedAt.iso8601Seconds.replacing("T", with: " ").replacing("Z", with: "")
                json.string("trans_end_time", time)
                json.string("pay_channel_trans_no", payChannelTransNo)
            }
            if status == TransStatus.closed.rawValue, case .failed(let code, let message) = ending {
                json.string("trans_error_code", code)
                json.string("trans_error_msg", message)
            }
        }
        return json.text
    }

    private static func withoutTrailingZeros(_ amount: String) -> String {
        guard amount.contains(".") else { return amount }
        var text = Substring(amount)
        while text.hasSuffix("0") { text.removeLast() }
        if text.hasSuffix(".") { text.removeLast() }
        return String(text)
    }
}
