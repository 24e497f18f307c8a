/// The `webhook-id` of an event, the same on every retry.
package enum WebhookID: Sendable {
    private static let alphabet = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)
    private static let timeDigits = 8
    private static let randomDigits = 19

    /// Makes a unique id: the time in milliseconds, then 113 random bits.
    ///
    /// Ids of one moment sort together, so that a new webhook lands on an index page that is already in memory.
    ///
    /// - Parameters:
    ///   - now: The time of the event.
    ///   - random: The source of randomness.
    ///   - prefix: The beginning of the id.
    /// - Returns: The id.
    package static func make(
        at now: Timestamp,
        using random: inout some RandomNumberGenerator,
        prefix: String = "msg_"
    ) -> String {
        var id = Array(prefix.utf8)
        var digits = [UInt8](repeating: alphabet[0], count: timeDigits)
        var rest = max(now.milliseconds, 0)
        for index in digits.indices.reversed() {
            digits[index] = alphabet[Int(rest % 62)]
            rest /= 62
        }
        id += digits
        for _ in 0..<randomDigits { id.append(alphabet[Int.random(in: 0..<alphabet.count, using: &random)]) }
        return String(decoding: id, as: UTF8.self)
    }
}
