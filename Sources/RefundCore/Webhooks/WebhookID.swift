/// The `webhook-id` of an event, the same on every retry.
package enum WebhookID: Sendable {
    private static let alphabet = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")

    /// Makes an id that sorts by its time, to the millisecond, and that 113 random bits make unique.
    ///
    /// Ids in order keep the outbox's index compact: new ones are appended to its last page.
    package static func make(at time: Timestamp, using random: inout any RandomNumberGenerator) -> String {
        // Eight digits to the base 62 last until the year 8888.
        var rest = max(time.milliseconds, 0)
        var digits: [Character] = []
        for _ in 0..<8 {
            digits.append(alphabet[Int(rest % 62)])
            rest /= 62
        }
        let tail = (0..<19).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &random)] }
        return "msg_" + String(digits.reversed() + tail)
    }
}
