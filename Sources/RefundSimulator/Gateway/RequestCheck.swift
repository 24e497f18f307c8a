import RefundCore
import RefundCrypto
import RefundPayCloud

/// The checks that a query must pass before the gateway looks for its refund.
///
/// Sources: <https://developer.codepay.us/docs/CloudAPI> (members, fifteen minutes),
/// <https://developer.n-age.co.jp/docs/ja/public/Sign> (signature).
struct RequestCheck {
    /// The largest body that is read, in bytes.
    static let maximumBodySize = 65_536
    private static let window = Duration.seconds(15 * 60)
    private static let protocolMembers = [
        "app_id", "method", "format", "charset", "sign_type", "version", "timestamp",
    ]

    let appID: String
    let appKeys: [RSAPublicKey]

    /// Reads the members of a body: one flat object of strings and whole numbers.
    ///
    /// - Throws: The refusal to answer with.
    static func members(of body: [UInt8]) throws(GatewayRefusal) -> JSONObject {
        let object: JSONObject
        do {
            object = try JSONObject(parsing: body)
        } catch {
            throw .malformed("the body is not one JSON object: \(error)")
        }
        for member in object.members where member.value.requestText == nil {
            throw .malformed("member \(member.name) is neither a string nor a whole number")
        }
        return object
    }

    /// Checks a query and returns the number of its refund.
    ///
    /// - Parameters:
    ///   - request: The members of the body.
    ///   - now: The gateway's clock.
    /// - Returns: The refund's number.
    /// - Throws: The refusal to answer with.
    func number(askedBy request: JSONObject, now: Timestamp) throws(GatewayRefusal) -> RefundNumber {
        try authenticate(request, now: now)
        let method = request.text("method") ?? ""
        guard method == "order.refund.query" else { throw .notAuthorised(method: method) }
        guard request.text("merchant_no") != nil else { throw .incomplete("member merchant_no is missing") }
        guard let number = request.refundNumber else {
            throw .incomplete("member merchant_order_no or trans_no is missing")
        }
        let limit =
            switch number {
            case .order: RefundNumber.orderLimit
            case .trans: RefundNumber.transNoLimit
            }
        guard RefundNumber.isValid(number.text, upTo: limit) else { throw .unknown(number) }
        return number
    }

    private func authenticate(_ request: JSONObject, now: Timestamp) throws(GatewayRefusal) {
        let missing = Self.protocolMembers.filter { request.text($0) == nil }
        guard missing.isEmpty else { throw .malformed("missing: \(missing.joined(separator: ", "))") }
        guard request.text("sign_type") == "RSA2" else { throw .malformed("sign_type must be RSA2") }
        guard request.text("app_id") == appID else { throw .credentials("the app_id is unknown") }
        guard let timestamp = request.text("timestamp"), timestamp.utf8.count == 13,
            timestamp.allSatisfy({ $0.isASCII && $0.isNumber }), let milliseconds = Int64(timestamp)
        else { throw .credentials("the timestamp is not a Unix time of 13 digits in milliseconds") }
        let skew = now.duration(since: Timestamp(milliseconds: milliseconds))
        guard (.zero - Self.window...Self.window).contains(skew) else {
            throw .credentials("the timestamp is further than 15 minutes from the gateway's clock")
        }
        guard let sign = request.text("sign"), let signature = Base64.decoded(sign),
            appKeys.contains(where: { $0.isValid(signature: signature, for: SigningString.bytes(of: request)) })
        else { throw .credentials("the signature is wrong") }
    }
}

extension JSONObject {
    /// The refund's number in a query: the order number if there are both.
    ///
    /// Which one the live gateway prefers is not documented.
    var refundNumber: RefundNumber? {
        if let text = text("merchant_order_no") { return .order(text) }
        return text("trans_no").map { .trans($0) }
    }

    /// The text of a member; nil if it is missing or empty, which the protocol does not distinguish.
    fileprivate func text(_ name: String) -> String? {
        guard let text = self[name]?.requestText, !text.isEmpty else { return nil }
        return text
    }
}

extension JSONValue {
    /// The text of a value, or nil for a type that requests must not contain.
    fileprivate var requestText: String? {
        switch self {
        case .string(let text): return text
        case .number(let token):
            return token.contains { $0 == "." || $0 == "e" || $0 == "E" } ? nil : token
        case .bool, .null, .object, .array: return nil
        }
    }
}

/// The number that identifies a refund in a query.
package enum RefundNumber: Hashable, Sendable {
    /// `merchant_order_no`, the refund's own order number.
    case order(String)
    /// `trans_no`, the gateway's number of the refund.
    case trans(String)

    /// The longest order number: <https://developer.codepay.us/docs/CloudAPI>.
    static let orderLimit = 32
    /// The longest accepted `trans_no`; the protocol sets no limit.
    static let transNoLimit = 64

    /// The number itself.
    package var text: String {
        switch self {
        case .order(let text), .trans(let text): text
        }
    }

    /// Whether a text has the alphabet and length of a refund's number.
    static func isValid(_ text: String, upTo limit: Int) -> Bool {
        guard (1...limit).contains(text.utf8.count) else { return false }
        return text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
            case UInt8(ascii: "a")...UInt8(ascii: "z"): true
            case UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "|"), UInt8(ascii: "*"), UInt8(ascii: "@"): true
            default: false
            }
        }
    }
}
