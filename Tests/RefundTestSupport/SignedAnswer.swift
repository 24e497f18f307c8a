import RefundCore
package import RefundCrypto
import RefundPayCloud

/// Answers as the stand-in for the gateway signs them, and the keys around it.
package enum SignedAnswer: Sendable {
    /// The stand-in's key, which signs answers.
    package static let gatewayKey = key { () throws(KeyError) in
        try RSAPrivateKey(text: Array(TestKeys.gatewayPrivatePEM.utf8))
    }
    /// A key that belongs to nobody.
    package static let wrongKey = key { () throws(KeyError) in
        try RSAPrivateKey(text: Array(TestKeys.wrongPrivatePEM.utf8))
    }
    /// The application's key, which signs queries.
    package static let appKey = key { () throws(KeyError) in try RSAPrivateKey(text: Array(TestKeys.appPrivatePEM.utf8))
    }
    /// What verifies the stand-in's answers.
    package static let gatewayPublicKey = key { () throws(KeyError) in try gatewayKey.publicKey }
    /// What verifies nothing that the stand-in signs.
    package static let wrongPublicKey = key { () throws(KeyError) in try wrongKey.publicKey }
    /// What verifies queries.
    package static let appPublicKey = key { () throws(KeyError) in try appKey.publicKey }

    private static func key<Key>(_ make: () throws(KeyError) -> Key) -> Key {
        do { return try make() } catch { fatalError("a test key cannot be used: \(error)") }
    }

    /// An answer with these members, given as the text of an object, and the `sign` that belongs to them.
    package static func text(_ object: String, signedWith key: RSAPrivateKey = gatewayKey) throws -> String {
        let envelope = try JSONObject(parsing: object)
        let signature = Base64.encoded(try key.signature(of: SigningString.bytes(of: envelope)))
        return "\(object.dropLast()),\"sign\":\"\(signature)\"}"
    }

    /// An answer of success with this `data`, as JSON text.
    package static func text(data: String) throws -> String {
        try text(#"{"msg":"SUCCESS","code":"0","data":\#(data),"psn":"P-1"}"#)
    }

    /// The signing strings that a body may have: two if it has an unpaired surrogate, which encoders replace differently.
    package static func signingStrings(of body: [UInt8]) -> [[UInt8]] {
        ["?", "\u{FFFD}"].compactMap { replacement in
            (try? JSONObject(parsing: body, .tolerant(surrogate: replacement))).map(SigningString.bytes(of:))
        }
    }
}
