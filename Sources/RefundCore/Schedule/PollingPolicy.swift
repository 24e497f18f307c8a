/// When to query a refund again, and when to flag it as overdue.
package struct PollingPolicy: Hashable, Sendable {
    /// The wait after the first query.
    package var initialInterval: Duration = .seconds(5)
    /// The factor by which each further wait grows.
    package var multiplier: Double = 2
    /// The longest wait while the refund is young.
    package var maxInterval: Duration = .seconds(30 * 60)
    /// The age from which `slowInterval` takes over.
    package var slowAfter: Duration = .seconds(24 * 3_600)
    /// The wait between queries of an old refund, and of one whose amount does not match.
    package var slowInterval: Duration = .seconds(3_600)
    /// The fraction by which each wait varies either way, from 0 to 1.
    package var jitter: Double = 0.1
    /// The age from which a refund without a verdict needs attention.
    package var attentionAfter: Duration = .seconds(72 * 3_600)

    /// Creates the default policy.
    package init() {}

    /// The wait before the next query.
    ///
    /// With the defaults, and before jitter: 5 s, 10 s, 20 s, 40 s, 80 s, 160 s, 320 s, 640 s, 1280 s, then 30 min each,
    /// and one hour each from an age of 24 hours on.
    ///
    /// - Parameters:
    ///   - attempts: The queries sent so far, at least 1.
    ///   - age: The refund's age.
    ///   - isSlow: Whether the slow interval applies whatever the refund's age.
    ///   - draw: A uniform draw from 0 to 1 that decides the jitter.
    /// - Returns: The wait.
    package func delay(afterAttempts attempts: Int, age: Duration, isSlow: Bool = false, draw: Double) -> Duration {
        if isSlow || age >= slowAfter { return slowInterval.jittered(by: jitter, draw: draw) }
        // Cap before converting to a whole number, which many attempts would overflow.
        let factor = Double.pow(multiplier, exponent: max(attempts, 1) - 1)
        let product = Double(initialInterval.wholeMilliseconds) * factor
        let isCapped = product >= Double(maxInterval.wholeMilliseconds)
        let interval = isCapped ? maxInterval : initialInterval.scaled(by: factor)
        return interval.jittered(by: jitter, draw: draw)
    }

    /// The longest wait this policy ever asks for.
    ///
    /// refundd never sets a due time further ahead than this.
    package var longestDelay: Duration {
        max(maxInterval, slowInterval, initialInterval).scaled(by: 1 + jitter)
    }
}

extension Duration {
    /// This duration times a uniform factor between `1 - jitter` and `1 + jitter`.
    ///
    /// - Parameters:
    ///   - jitter: The fraction by which the duration varies either way.
    ///   - draw: A uniform draw from 0 to 1.
    /// - Returns: The duration in whole milliseconds.
    package func jittered(by jitter: Double, draw: Double) -> Duration {
        scaled(by: 1 + jitter * (2 * draw - 1))
    }
}

extension Double {
    fileprivate static func pow(_ base: Double, exponent: Int) -> Double {
        var result = 1.0
        // With this many factors, every interval has long reached its cap.
        for _ in 0..<min(exponent, 1_100) { result *= base }
        return result
    }
}
