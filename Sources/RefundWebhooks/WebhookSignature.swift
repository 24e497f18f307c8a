import RefundCrypto

/// The symmetric signature `v1` of Standard Webhooks 1.0.
///
/// Source: <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>, "Signature
/// scheme" and "Webhook headers".
enum WebhookSignature {
    /// Makes the value of the header `webhook-signature`.
    ///
    /// - Parameters:
    ///   - id: The value of `webhook-id`.
    ///   - seconds: The value of `webhook-timestamp`: the Unix seconds of this attempt.
    ///   - body: The exact bytes that are sent.
    ///   - secrets: The secrets, each of which makes one signature; receivers take any that fits, which is how a
    ///     secret is replaced without a gap.
    /// - Returns: The signatures in the order of the secrets, with a blank between.
    static func header(id: String, seconds: Int64, body: [UInt8], secrets: [WebhookSecret]) -> String {
        let message = Array("\(id).\(seconds).".utf8) + body
        return secrets.map { secret in
            "v1," + Base64.encoded(HMACSHA256.code(for: message, key: secret.key))
        }.joined(separator: " ")
    }
}
