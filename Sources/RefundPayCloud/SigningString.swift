package import RefundCore

/// The text that PayCloud's RSA signatures sign, in requests and answers alike.
///
/// All top-level members except `sign`, nulls and empty strings, sorted by the bytes of their names, as `name=value`
/// joined with `&`. Strings are unescaped, every other value is its exact text on the wire; nothing is percent-encoded
/// or trimmed.
///
/// Sources: <https://developer.n-age.co.jp/docs/ja/public/Sign>; `SignHandler` of the vendor's Java SDK 3.1.2, which
/// drops `sign` in any letter case; for nested values, an integrator who checked the rule live.
package enum SigningString: Sendable {
    /// Builds the signing string of an object.
    ///
    /// - Parameter object: The members, with their values as on the wire.
    /// - Returns: The UTF-8 bytes to sign or verify.
    package static func bytes(of object: JSONObject) -> [UInt8] {
        var pairs: [(name: String, value: String)] = []
        pairs.reserveCapacity(object.members.count)
        var length = 0
        for member in object.members where member.name.utf8.count != 4 || member.name.lowercased() != "sign" {
            guard let text = member.value.signingText, !text.isEmpty else { continue }
            pairs.append((member.name, text))
            length += member.name.utf8.count + text.utf8.count + 2
        }
        // `String` compares by Unicode equivalence; the protocol compares bytes.
        pairs.sort { $0.name.precedesInBytes($1.name) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(length)
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
