import RefundCore
import RefundCrypto
import RefundPayCloud

/// The outer object of an answer, unsigned.
struct Envelope {
    /// What `sign` contains.
    enum Signature {
        case right
        case wrong
        case empty
        case absent
    }

    var code: String
    var message: String
    var psn: String
    /// The JSON text of the business part; nil for a refusal.
    var data: String?
    var dataForm = Scenario.DataForm.text
    var signature = Signature.right

    /// Writes and signs the answer.
    ///
    /// - Throws: `KeyError` if the key cannot sign.
    func body(signedWith key: RSAPrivateKey) throws(KeyError) -> [UInt8] {
        var members = [
            JSONObject.Member(name: "code", value: .string(code)),
            JSONObject.Member(name: "msg", value: .string(message)),
            JSONObject.Member(name: "psn", value: .string(psn)),
        ]
        if let data {
            members.append(JSONObject.Member(name: "data", value: dataForm == .text ? .string(data) : .object(data)))
        }
        if let sign = try sign(members, with: key) {
            members.append(JSONObject.Member(name: "sign", value: .string(sign)))
        }
        var json = JSONWriter()
        json.object { json in
            for member in members {
                switch member.value {
                case .string(let text): json.string(member.name, text)
                case .number(let raw), .object(let raw), .array(let raw): json.raw(member.name, raw)
                case .bool(let value): json.bool(member.name, value)
                case .null: json.string(member.name, nil)
                }
            }
        }
        return json.bytes
    }

    private func sign(_ members: [JSONObject.Member], with key: RSAPrivateKey) throws(KeyError) -> String? {
        let text = SigningString.bytes(of: JSONObject(members))
        switch signature {
        case .right: return Base64.encoded(try key.signature(of: text))
        case .wrong: return Base64.encoded(try key.signature(of: text + [UInt8(ascii: "!")]))
        case .empty: return ""
        case .absent: return nil
        }
    }
}

/// The business part of an answer: the member `data`.
///
/// Names and types follow the vendor's Java SDK 3.1.2, `OrderRefundQueryResponse`. On the wire, statuses are JSON integers
/// and amounts are strings without trailing zeros.
struct RefundAnswer {
    var orderNo: String
    var transNo: String
    var origTransNo: String
    var payChannelTransNo: String
    var status: Int
    var amount: String
    var currency: String
    var ending: Scenario.Ending
    var endedAt: Timestamp

    /// Describes a refund.
    ///
    /// - Parameters:
    ///   - number: The number in the query, which is echoed.
    ///   - scenario: The refund's scenario.
    ///   - status: The refund's status.
    ///   - endedAt: When the refund reached its final status.
    ///   - seed: Determines the numbers that the gateway assigns.
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
        var json = JSONWriter()
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

/// Why the gateway refuses a query, as the answer's `code` and `msg`.
///
/// `SYS002` (credentials), `SYS011` (members missing), `E07303` (interface not open to the application, or unknown
/// `method`), `E04110` and `E04111` (no such number) are codes of the live gateway. Which of them it uses for an unknown
/// `app_id`, a timestamp outside the window or missing business members is not documented; the simulator uses the closest.
struct GatewayRefusal: Error, Hashable {
    let code: String
    let message: String
    /// Whether the query was refused before the application was authenticated.
    let isEarly: Bool

    static func credentials(_ message: String) -> GatewayRefusal {
        GatewayRefusal(code: "SYS002", message: message, isEarly: true)
    }

    static func malformed(_ message: String) -> GatewayRefusal {
        GatewayRefusal(code: "SYS011", message: message, isEarly: true)
    }

    static func incomplete(_ message: String) -> GatewayRefusal {
        GatewayRefusal(code: "SYS011", message: message, isEarly: false)
    }

    static func notAuthorised(method: String) -> GatewayRefusal {
        let message = "method \(method) does not exist or is not open to this application"
        return GatewayRefusal(code: "E07303", message: message, isEarly: false)
    }

    static func unknown(_ number: RefundNumber) -> GatewayRefusal {
        switch number {
        case .order: GatewayRefusal(code: "E04111", message: "the merchant order number is invalid", isEarly: false)
        case .trans: GatewayRefusal(code: "E04110", message: "the transaction number is invalid", isEarly: false)
        }
    }
}
