/// The `webhook-id` of an event, the same on every retry.
package enum WebhookID: Sendable {
    private static let alphabet = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")

    /// Makes an id that was never used before, by 160 bits of chance.
    package static func make(using random: inout any RandomNumberGenerator) -> String {
        "msg_" + String((0..<27).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &random)] })
    }
}
