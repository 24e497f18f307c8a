package import RefundCore

/// The string that the gateway's RSA signatures are made over, for requests and answers alike.
///
/// All top-level members but `sign`, nulls and empty strings, sorted by name in byte order, written `name=value` and
/// joined with `&`. Strings stand unescaped, every other value as its exact text on the wire; nothing is
/// percent-encoded or trimmed.
///
/// Source: <https://developer.n-age.co.jp/docs/ja/public/Sign>; `SignHandler` of the vendor's Java SDK 3.1.2, which
/// drops `sign` in any letter case; the wire-text rule for nested values is an integrator's, checked live.
package enum SigningString: Sendable {
    /// Builds the signing string of an object.
    ///
    /// - Parameter object: The members with their values as they stood on the wire.
    /// - Returns: The UTF-8 bytes to sign or to verify.
    package static func bytes(of object: JSONObject) -> [UInt8] {
        var pairs: [(name: String, value: String)] = []
        for (name, value) in object.members where name.utf8.count != 4 || name.lowercased() != "sign" {
            if let text = value.signingText, !text.isEmpty { pairs.append((name, text)) }
        }
        // `String` compares by Unicode equivalence; the protocol wants bytes.
        pairs.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        var bytes: [UInt8] = []
        for (name, value) in pairs {
            if !bytes.isEmpty { bytes.append(UInt8(ascii: "&")) }
            bytes.append(contentsOf: name.utf8)
            bytes.append(UInt8(ascii: "="))
            bytes.append(contentsOf: value.utf8)
        }
        return bytes
    }
}

extension JSONValue {
    fileprivate var signingText: String? {
        switch self {
        case .null: nil
        case .string(let text): text
        case .number(let token): token
        case .bool(let value): value ? "true" : "false"
        case .object(let raw), .array(let raw): raw
        }
    }
}
