/// The failures of one exact webhook URL: since when it has accepted nothing, and whether it is disabled.
///
/// It covers the URL and not its host, since an application may give each refund a callback of its own: one that is
/// gone must not silence the others.
package struct URLHealth: Hashable, Sendable {
    /// How long every attempt must fail before the URL is disabled.
    ///
    /// A webhook's default retry schedule takes about three days, so an outage over a long weekend costs nothing.
    package static let longestFailure: Duration = .seconds(5 * 24 * 3_600)
    /// The longest time between two failed attempts of one run.
    ///
    /// A failure now and another next week are two faults, not one that lasted a week. The default schedule waits up to
    /// a day between two attempts of one webhook.
    package static let longestSilence: Duration = .seconds(2 * 24 * 3_600)

    /// When and why a URL was disabled.
    package struct Disabling: Hashable, Sendable {
        /// When it was disabled.
        package var at: Timestamp
        /// The reason in words.
        package var reason: String

        /// Creates a disabling.
        package init(at: Timestamp, reason: String) {
            self.at = at
            self.reason = reason
        }

        /// Why a webhook to the URL is not sent, and what to do about it.
        package var refusal: String {
            "not sent: its URL has been disabled since \(at.iso8601) (\(reason)); once it takes webhooks again, "
                + "\"refundd redeliver\" sends this one and enables the URL"
        }
    }

    /// When the first attempt of the current run failed.
    package var failingSince: Timestamp
    /// When the last attempt failed.
    package var lastFailure: Timestamp
    /// When and why the URL was disabled, or nil while webhooks are still sent to it.
    package var disabling: Disabling?

    /// Creates the health of a URL.
    package init(failingSince: Timestamp, lastFailure: Timestamp, disabling: Disabling? = nil) {
        self.failingSince = failingSince
        self.lastFailure = lastFailure
        self.disabling = disabling
    }

    /// Returns a URL's health after an attempt.
    ///
    /// - Parameters:
    ///   - outcome: The attempt's outcome.
    ///   - known: The health before, or nil without failures.
    ///   - now: When the attempt ended.
    /// - Returns: The new health; nil after a success.
    package static func after(_ outcome: DeliveryOutcome, known: URLHealth?, at now: Timestamp) -> URLHealth? {
        guard !outcome.isDelivered else { return nil }
        var health = known ?? URLHealth(failingSince: now, lastFailure: now)
        if now.duration(since: health.lastFailure) > longestSilence { health.failingSince = now }
        health.lastFailure = now
        guard health.disabling == nil else { return health }
        if outcome.isGone {
            health.disabling = Disabling(at: now, reason: outcome.error ?? "the receiver answered that it is gone")
        } else if now.duration(since: health.failingSince) >= longestFailure {
            health.disabling = Disabling(at: now, reason: "no webhook was accepted for \(longestFailure.formatted)")
        }
        return health
    }
}
