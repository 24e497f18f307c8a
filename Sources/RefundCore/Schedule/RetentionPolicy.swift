/// How long the queue keeps what is finished.
package struct RetentionPolicy: Hashable, Sendable {
    /// The shortest time that bodies and attempts are kept.
    package static let leastWebhooks: Duration = .seconds(7 * 86_400)
    /// The shortest time that refunds are kept.
    package static let leastLedger: Duration = .seconds(30 * 86_400)

    /// How long to keep the bodies and attempts of webhooks of final refunds; nil for ever.
    package var webhooks: Duration? = .seconds(90 * 86_400)
    /// How long to keep final refunds with their ledger, events and webhooks; nil for ever.
    package var ledger: Duration?

    /// Creates the default policy.
    package init() {}

    /// Keeps everything for ever.
    package static var forever: RetentionPolicy {
        var policy = RetentionPolicy()
        policy.webhooks = nil
        return policy
    }
}
