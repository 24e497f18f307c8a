/// A limit on permits per second: never more than the rate within any second, in bursts of up to a second's worth.
///
/// A batch of inserts is queried at once, up to a second's worth, and no second ever exceeds the agreed rate.
package struct RateLimit: Hashable, Sendable {
    private var window: Duration
    private var permits: Int
    // The times of the latest permits, oldest first: those within the window, and some before it.
    private var granted: [Timestamp] = []

    /// Creates a limit.
    ///
    /// - Parameter perSecond: Permits per second, more than zero; 0.5 is one in two seconds. A rate above one is
    ///   rounded down, since no second may see more than the rate, and capped at 10,000.
    package init(perSecond: Double) {
        let isSlow = !(perSecond >= 1)
        // The limit remembers every permit of the last second; no gateway wants more queries than this.
        permits = isSlow ? 1 : Int(min(perSecond, 10_000))
        window = Duration.seconds(1).scaled(by: isSlow ? 1 / perSecond : 1)
    }

    /// Changes the rate; permits taken in the last second still count.
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

    /// Takes a permit; the caller has checked that one is free.
    package mutating func take(at now: Timestamp) {
        // Pruning moves the permits that stay, so it does not happen at every call.
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
