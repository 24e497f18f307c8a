import RefundCore
import RefundPayCloud

/// The texts of answers, without their signature.
enum AnswerText {
    /// What a gateway says of a refund.
    static func about(_ script: RefundScript, _ status: RefundScript.Status, psn: String) -> String {
        switch status {
        case .unknown:
            return envelope(code: "E04111", message: "[E04111]Merchant order number is invalid", psn: psn, data: nil)
        case .known(let status, let amount, let currency):
            var data = JSONWriter()
            data.object { data in
                data.string("merchant_order_no", script.order)
                data.string("trans_no", script.transNo)
                data.number("trans_status", status.rawValue)
                data.string("trans_amount", amount)
                data.string("price_currency", currency)
                if status == .succeeded { data.string("trans_end_time", "2026-01-02 03:04:05") }
                if status == .closed { data.string("trans_error_code", "TS-D2012") }
            }
            return envelope(code: "0", message: "SUCCESS", psn: psn, data: data.text)
        }
    }

    /// What a forger would have the daemon believe: that a refund is settled as expected.
    static func claim(_ script: RefundScript) -> String {
        let money = script.expected ?? Money(amount: "12.5", currency: "EUR")
        let status = RefundScript.Status.known(.succeeded, amount: money.amount, currency: money.currency)
        return about(script, status, psn: "P-forged")
    }

    static func envelope(code: String, message: String, psn: String, data: String?) -> String {
        var text = JSONWriter()
        text.object { text in
            text.string("code", code)
            text.string("msg", message)
            text.string("psn", psn)
            // As the gateway sends it: a string that holds an object.
            if let data { text.string("data", data) }
        }
        return text.text
    }
}
