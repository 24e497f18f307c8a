import RefundCore
import RefundCrypto
import RefundGateway
import RefundTestSupport

/// Answers as the stand-in for the gateway signs them, and the keys around it.
enum SignedAnswer {
    static let gatewayKey = key { () throws(KeyError) in try RSAPrivateKey(text: Array(TestKeys.gatewayPrivatePEM.utf8))
    }
    static let wrongKey = key { () throws(KeyError) in try RSAPrivateKey(text: Array(TestKeys.wrongPrivatePEM.utf8)) }
    static let appKey = key { () throws(KeyError) in try RSAPrivateKey(text: Array(TestKeys.appPrivatePEM.utf8)) }
    static let gatewayPublicKey = key { () throws(KeyError) in try gatewayKey.publicKey }
    static let wrongPublicKey = key { () throws(KeyError) in try wrongKey.publicKey }
    static let appPublicKey = key { () throws(KeyError) in try appKey.publicKey }

    private static func key<Key>(_ make: () throws(KeyError) -> Key) -> Key {
        do { return try make() } catch { fatalError("a test key cannot be used: \(error)") }
    }

    /// An answer with these members, given as the text of an object, and the `sign` that belongs to them.
    static func text(_ object: String, signedWith key: RSAPrivateKey = gatewayKey) throws -> String {
        let envelope = try JSONObject(parsing: object)
        let signature = Base64.encoded(try key.signature(of: SigningString.bytes(of: envelope)))
        return "\(object.dropLast()),\"sign\":\"\(signature)\"}"
    }

    /// An answer of success with this `data`, as JSON text.
    static func text(data: String) throws -> String {
        try text(#"{"msg":"SUCCESS","code":"0","data":\#(data),"psn":"P-1"}"#)
    }
}

/// A query for a refund; by its order number unless another is given.
func query(order: String? = "R-1", transNo: String? = nil) throws -> RefundQuery {
    var refund = Refund(id: 1, merchantOrderNo: order, createdAt: Timestamp(milliseconds: 0))
    refund.transNo = transNo
    guard let query = RefundQuery(refund, merchantNo: "312100007235") else { throw NoNumber() }
    return query
}

private struct NoNumber: Error {}

/// What comes of an answer when the stand-in's key is the only one.
func outcome(of answer: String, for query: RefundQuery) -> QueryOutcome {
    GatewayAnswer.outcome(of: Array(answer.utf8), for: query, verifiedBy: [SignedAnswer.gatewayPublicKey])
}

extension QueryOutcome {
    /// The report, if this is one.
    var report: GatewayReport? {
        if case .report(let report, _) = self { report } else { nil }
    }

    /// What proves a report or an unknown order.
    var evidence: Evidence? {
        switch self {
        case .report(_, let evidence), .notFound(_, let evidence): evidence
        default: nil
        }
    }
}
