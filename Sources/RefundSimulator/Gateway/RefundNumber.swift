/// The number by which a query asks for a refund.
package enum RefundNumber: Hashable, Sendable {
    /// `merchant_order_no`, the refund's own order number.
    case order(String)
    /// `trans_no`, the gateway's number of the refund.
    case trans(String)

    /// The longest order number: <https://developer.codepay.us/docs/CloudAPI>.
    static let orderLimit = 32
    /// The longest `trans_no` that is taken; the protocol sets no limit.
    static let transNoLimit = 64

    /// The number itself.
    package var text: String {
        switch self {
        case .order(let text), .trans(let text): text
        }
    }

    /// Tells whether a text has the alphabet and the length of a refund's number.
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
