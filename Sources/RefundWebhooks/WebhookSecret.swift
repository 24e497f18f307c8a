import RefundCrypto

/// A shared secret that webhooks are signed with.
///
/// Source: Standard Webhooks 1.0, "Signature scheme": `whsec_` and the base64 of 24 to 64 random bytes
/// (<https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>).
package struct WebhookSecret: Sendable {
    /// How many bytes a secret may have.
    package static let lengths = 24...64

    private static let prefix = "whsec_"

    /// The HMAC key.
    let key: [UInt8]

    /// Creates a secret from the content of a secret file.
    ///
    /// - Parameter text: `whsec_` and base64 in the standard alphabet with its padding; one line break may follow.
    /// - Throws: What is wrong with the text, never the text itself.
    package init(_ text: String) throws(WebhookSecretError) {
        // In Swift, "\r\n" is one character.
        let line = text.hasSuffix("\n") || text.hasSuffix("\r\n") ? text.dropLast() : text[...]
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

    /// A mirror without the secret, so that `dump` shows nothing either.
    package var customMirror: Mirror { Mirror(self, children: []) }
}

/// The reasons why a text is no webhook secret; none of them shows the text.
package enum WebhookSecretError: Error, Hashable, Sendable, CustomStringConvertible {
    /// There is no text.
    case empty
    /// The text does not begin with `whsec_`.
    case missingPrefix
    /// What follows `whsec_` is not base64.
    case notBase64
    /// There are too few bytes: so many.
    case tooShort(Int)
    /// There are too many bytes: so many.
    case tooLong(Int)

    /// What is wrong and what to change.
    package var description: String {
        switch self {
        case .empty: "the webhook secret is empty; it must be whsec_ and the base64 of 24 to 64 random bytes"
        case .missingPrefix: "the webhook secret does not begin with whsec_"
        case .notBase64:
            "the webhook secret is not standard base64 behind whsec_; "
                + "give it on one line, with its padding and no blanks"
        case .tooShort(let count): "the webhook secret has \(count) bytes; it must have at least 24"
        case .tooLong(let count): "the webhook secret has \(count) bytes; it must have at most 64"
        }
    }
}
