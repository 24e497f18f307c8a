/// What is known against one exact URL that webhooks go to: since when it takes none, and whether it is disabled.
///
/// It is about the URL and not about its host, since an application may give each refund a callback of its own: one that
/// is gone must not silence the others.
package struct URLHealth: Hashable, Sendable {
    /// How long every attempt must have failed for the URL to be disabled.
    ///
    /// The default retry schedule of a webhook takes some three days, so that an outage over a long weekend costs nothing.
    package static let longestFailure: Duration = .seconds(5 * 24 * 3_600)
    /// The longest time between two failed attempts of one run.
    ///
    /// A failure now and another one next week are two faults and no run of a week. Between two attempts of one webhook
    /// the default schedule waits for a day.
    package static let longestSilence: Duration = .seconds(2 * 24 * 3_600)

    /// When and why a URL was disabled.
    package struct Disabling: Hashable, Sendable {
        /// When.
        package var at: Timestamp
        /// Why, in words.
        package var reason: String

        /// Creates a disabling.
        package init(at: Timestamp, reason: String) {
            self.at = at
            self.reason = reason
        }

        /// Why a webhook to the URL is not sent, and what to do about it.
        package var refusal: String {
            "not sent: its URL is disabled since \(at.iso8601) (\(reason)); once it takes webhooks again, "
                + "\"refundd redeliver\" sends this one and enables the URL"
        }
    }

    /// When the first attempt failed since the last success.
    package var failingSince: Timestamp
    /// When an attempt failed last.
    package var lastFailure: Timestamp
    /// When and why the URL was disabled, or nil while webhooks are still sent to it.
    package var disabling: Disabling?

    /// Creates a health.
    package init(failingSince: Timestamp, lastFailure: Timestamp, disabling: Disabling? = nil) {
        self.failingSince = failingSince
        self.lastFailure = lastFailure
        self.disabling = disabling
    }

    /// What is known against a URL once an attempt has ended.
    ///
    /// - Parameters:
    ///   - outcome: What came of the attempt.
    ///   - known: What was known before.
    ///   - now: When it ended.
    /// - Returns: What is known now; nil once a webhook was taken.
    package static func after(_ outcome: DeliveryOutcome, known: URLHealth?, at now: Timestamp) -> URLHealth? {
        guard !outcome.isDelivered else { return nil }
        var health = known ?? URLHealth(failingSince: now, lastFailure: now)
        if now.duration(since: health.lastFailure) > longestSilence { health.failingSince = now }
        health.lastFailure = now
        guard health.disabling == nil else { return health }
        if outcome.isGone {
            health.disabling = Disabling(at: now, reason: outcome.error ?? "the receiver answered that it is gone")
        } else if now.duration(since: health.failingSince) >= longestFailure {
            health.disabling = Disabling(at: now, reason: "no webhook was taken for \(longestFailure.formatted)")
        }
        return health
    }
}
