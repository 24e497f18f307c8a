/// How often something may be done: never more than the rate within any second, bursts up to a second's worth.
///
/// A row of inserts is queried at once up to a second's worth, and the gateway never sees more in a second than agreed.
package struct RateLimit: Hashable, Sendable {
    private var window: Duration
    private var permits: Int
    // The times of the latest permits, oldest first: those within the window, and some before it.
    private var granted: [Timestamp] = []

    /// Creates a limit.
    ///
    /// - Parameter perSecond: Permits per second, more than zero; 0.5 is one in two seconds. Of a rate above one the part
    ///   after the point counts for nothing, since no second may see more than the rate; more than 10,000 are not given.
    package init(perSecond: Double) {
        let isSlow = !(perSecond >= 1)
        // Every permit of the last second is remembered; no gateway wants to be asked more often than this.
        permits = isSlow ? 1 : Int(min(perSecond, 10_000))
        window = Duration.seconds(1).scaled(by: isSlow ? 1 / perSecond : 1)
    }

    /// Changes the rate; the permits of the last second count for it too.
    package mutating func change(perSecond: Double) {
        let granted = granted
        self = RateLimit(perSecond: perSecond)
        self.granted = granted
    }

    /// When the next permit is free: `now` or a later time.
    package func nextPermit(at now: Timestamp) -> Timestamp {
        taken(at: now) < permits ? now : granted[granted.count - permits].advanced(by: window)
    }

    /// How many permits are free at `now`.
    package func freePermits(at now: Timestamp) -> Int {
        max(0, permits - taken(at: now))
    }

    private func taken(at now: Timestamp) -> Int {
        let cut = now.advanced(by: .zero - window)
        return granted.reversed().prefix { $0 > cut }.count
    }

    /// Takes a permit, which the caller found free.
    package mutating func take(at now: Timestamp) {
        // Not at every permit, since it moves those that stay.
        if granted.count >= 2 * permits { granted.removeFirst(granted.count - taken(at: now)) }
        granted.append(now)
    }

    /// Moves the latest permits to the time at which they were used.
    package mutating func restamp(_ count: Int, at now: Timestamp) {
        for index in granted.indices.suffix(count) { granted[index] = max(granted[index], now) }
    }

    /// Moves times back with a clock that was set back by `step`.
    package mutating func clockSetBack(by step: Duration) {
        for index in granted.indices { granted[index] = granted[index].advanced(by: .zero - step) }
    }
}
