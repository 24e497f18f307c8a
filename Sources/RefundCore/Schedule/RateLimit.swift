/// How often something may be done: never more than the rate within any second, bursts up to a second's worth.
///
/// A row of inserts is queried at once up to a second's worth, and the gateway never sees more in a second than agreed.
public struct RateLimit: Hashable, Sendable {
    private let window: Duration
    private let permits: Int
    // The times of the latest permits, oldest first, as a ring that starts at `oldest` once it is full.
    private var granted: [Timestamp] = []
    private var oldest = 0

    /// Creates a limit.
    ///
    /// - Parameter perSecond: Permits per second, more than zero; 0.5 is one in two seconds. Of a rate above one the part
    ///   after the point counts for nothing, since no second may see more than the rate; more than 10,000 are not given.
    public init(perSecond: Double) {
        let isSlow = !(perSecond >= 1)
        // Every permit of the last second is remembered; no gateway wants to be asked more often than this.
        permits = isSlow ? 1 : Int(min(perSecond, 10_000))
        window = Duration.seconds(1).scaled(by: isSlow ? 1 / perSecond : 1)
    }

    /// When the next permit is free: `now` or a later time.
    public func nextPermit(at now: Timestamp) -> Timestamp {
        guard granted.count == permits else { return now }
        let free = granted[oldest].advanced(by: window)
        // A clock that was set back must not hold up the gateway for as long as it went back.
        return granted[oldest] > now ? now : max(free, now)
    }

    /// How many permits are free at `now`.
    public func freePermits(at now: Timestamp) -> Int {
        let cut = now.advanced(by: .zero - window)
        let taken = granted.count { $0 > cut && $0 <= now }
        return permits - taken
    }

    /// Takes a permit, which the caller found free.
    public mutating func take(at now: Timestamp) {
        if granted.count < permits {
            granted.append(now)
        } else {
            granted[oldest] = now
            oldest = (oldest + 1) % permits
        }
    }
}
