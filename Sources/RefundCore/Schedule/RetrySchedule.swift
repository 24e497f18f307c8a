/// The retry schedule of a webhook that the receiver did not accept.
package struct RetrySchedule: Hashable, Sendable {
    /// The fraction by which each wait varies either way, so that webhooks that failed together do not return together.
    package static let jitter = 0.1
    /// The longest wait that a receiver's `Retry-After` is honoured for.
    package static let longestRetryAfter: Duration = .seconds(24 * 3_600)

    /// The wait before each retry.
    package var delays: [Duration] = [
        .seconds(5), .seconds(5 * 60), .seconds(30 * 60), .seconds(2 * 3_600), .seconds(5 * 3_600),
        .seconds(10 * 3_600), .seconds(14 * 3_600), .seconds(20 * 3_600), .seconds(24 * 3_600),
    ]

    /// Creates the default schedule.
    package init() {}

    /// The longest wait this schedule ever asks for.
    ///
    /// A due time further ahead than this comes from a wrong clock.
    package var longestDelay: Duration {
        max((delays.max() ?? .zero).scaled(by: 1 + Self.jitter), Self.longestRetryAfter)
    }

    /// The wait before the next attempt, or nil after the last retry, when the webhook is dead.
    ///
    /// - Parameters:
    ///   - attempts: The attempts made so far, at least 1.
    ///   - retryAfter: The wait that the receiver asked for; it may lengthen ours, up to `longestRetryAfter`.
    ///   - draw: A uniform draw from 0 to 1 that decides the jitter.
    /// - Returns: The wait, or nil.
    package func delay(afterAttempts attempts: Int, retryAfter: Duration?, draw: Double) -> Duration? {
        guard attempts >= 1, attempts <= delays.count else { return nil }
        let delay = delays[attempts - 1].jittered(by: Self.jitter, draw: draw)
        return max(delay, min(retryAfter ?? .zero, Self.longestRetryAfter))
    }
}
