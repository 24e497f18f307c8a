import RefundCore
import RefundCrypto
import RefundPayCloud
import RefundSimulator
import RefundTestSupport
import Testing

/// A query as refundd sends it, to be changed and signed.
struct TestQuery {
    static let now = Timestamp(milliseconds: 1_764_000_000_000)

    static let appKey = try? RSAPrivateKey(text: Array(TestKeys.appPrivatePEM.utf8))
    /// A key that is nobody's.
    static let wrongKey = try? RSAPrivateKey(text: Array(TestKeys.wrongPrivatePEM.utf8))

    var members: [JSONObject.Member]

    /// Creates a query that is in order at ``now``.
    init(_ number: RefundNumber = .order("R-1"), at time: Timestamp = now, method: String = "order.refund.query") {
        let (name, text) =
            switch number {
            case .order(let text): ("merchant_order_no", text)
            case .trans(let text): ("trans_no", text)
            }
        members = [
            .init(name: "app_id", value: .string("wz715fc0d10ee9d156")),
            .init(name: "method", value: .string(method)),
            .init(name: "format", value: .string("JSON")),
            .init(name: "charset", value: .string("UTF-8")),
            .init(name: "sign_type", value: .string("RSA2")),
            .init(name: "version", value: .string("1.0")),
            .init(name: "timestamp", value: .number("\(time.milliseconds)")),
            .init(name: "merchant_no", value: .string("312100007235")),
            .init(name: name, value: .string(text)),
        ]
    }

    /// The query with a member changed, added or, for nil, left out.
    func with(_ name: String, _ value: JSONValue?) -> TestQuery {
        var query = self
        query.members.removeAll { $0.name == name }
        if let value { query.members.append(.init(name: name, value: value)) }
        return query
    }

    /// The body, signed by the app.
    func signed(by key: RSAPrivateKey? = appKey) throws -> [UInt8] {
        let signature = try #require(key).signature(of: SigningString.bytes(of: JSONObject(members)))
        return with("sign", .string(Base64.encoded(signature))).unsigned()
    }

    /// The body as the members stand.
    func unsigned() -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            for member in members {
                switch member.value {
                case .string(let text): json.string(member.name, text)
                case .number(let raw), .object(let raw), .array(let raw): json.raw(member.name, raw)
                case .bool(let value): json.bool(member.name, value)
                case .null: json.raw(member.name, "null")
                }
            }
        }
        return json.bytes
    }
}
