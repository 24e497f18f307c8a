import RefundCrypto

/// A shared secret that signs webhooks.
///
/// Source: Standard Webhooks 1.0, "Signature scheme": `whsec_` and the Base64 of 24 to 64 random bytes
/// (<https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>).
package struct WebhookSecret: Equatable, Sendable {
    /// The valid lengths of a secret in bytes.
    package static let lengths = 24...64

    private static let prefix = "whsec_"

    /// The HMAC key.
    let key: [UInt8]

    /// Creates a secret from the content of a secret file.
    ///
    /// - Parameter text: `whsec_` and padded Base64 in the standard alphabet; one line break may follow, which may be
    ///   written as a backslash and an "n", as in a secret copied from JSON.
    /// - Throws: `WebhookSecretError`, which never contains the text.
    package init(_ text: String) throws(WebhookSecretError) {
        // In Swift, "\r\n" is one character.
        var line = text.hasSuffix("\n") || text.hasSuffix("\r\n") ? text.dropLast() : text[...]
        if line.hasSuffix("\\n") { line = line.dropLast(2) }
        guard !line.isEmpty else { throw .empty }
        guard line.hasPrefix(Self.prefix) else { throw .missingPrefix }
        guard let key = Base64.decoded(line.dropFirst(Self.prefix.count)) else { throw .notBase64 }
        guard key.count >= Self.lengths.lowerBound else { throw .tooShort(key.count) }
        guard key.count <= Self.lengths.upperBound else { throw .tooLong(key.count) }
        self.key = key
    }
}

extension WebhookSecret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// A text without the secret.
    package var description: String { "WebhookSecret(redacted)" }

    /// A text without the secret.
    package var debugDescription: String { description }

    /// A mirror without the secret, so that `dump` does not reveal it either.
    package var customMirror: Mirror { Mirror(self, children: []) }
}

/// Why a text is not a webhook secret; no description contains the text.
package enum WebhookSecretError: Error, Hashable, Sendable, CustomStringConvertible {
    case empty
    case missingPrefix
    case notBase64
    /// The secret has this many bytes, which are too few.
    case tooShort(Int)
    /// The secret has this many bytes, which are too many.
    case tooLong(Int)

    /// The problem and its fix, in one line.
    package var description: String {
        switch self {
        case .empty: "the webhook secret is empty; expected whsec_ and the Base64 of 24 to 64 random bytes"
        case .missingPrefix: "the webhook secret does not start with whsec_"
        case .notBase64:
            "the webhook secret is not standard Base64 after whsec_; write it on one line, padded and without spaces"
        case .tooShort(let count): "the webhook secret has \(count) bytes; it needs at least 24"
        case .tooLong(let count): "the webhook secret has \(count) bytes; it may have at most 64"
        }
    }
}

/// The symmetric signature `v1` of Standard Webhooks 1.0.
///
/// Source: <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>, "Signature
/// scheme" and "Webhook headers".
enum WebhookSignature {
    /// Returns the value of the header `webhook-signature`.
    ///
    /// - Parameters:
    ///   - id: The value of `webhook-id`.
    ///   - timestamp: The value of `webhook-timestamp`: the Unix seconds of this attempt.
    ///   - body: The exact bytes of the request's body.
    ///   - secrets: One signature is made per secret. Receivers accept any that matches, so a secret can be replaced
    ///     without a gap.
    /// - Returns: The signatures in the order of the secrets, separated by spaces.
    static func header(id: String, timestamp: String, body: [UInt8], secrets: [WebhookSecret]) -> String {
        let message = Array("\(id).\(timestamp).".utf8) + body
        return secrets.map { secret in
            "v1," + Base64.encoded(HMACSHA256.code(for: message, key: secret.key))
        }.joined(separator: " ")
    }
}
