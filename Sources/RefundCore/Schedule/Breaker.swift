/// A circuit breaker: after a run of faults only one probe at a time is sent, at growing intervals, until one succeeds.
///
/// What a fault is, its owner decides. While the breaker is open nothing but the probe is asked or sent, so nothing else
/// uses up its backoff or its retries on a peer that is known to be down.
public struct Breaker: Hashable, Sendable {
    /// Faults in a row that open it.
    public static let threshold = 10
    /// The wait for the first probe; each probe that fails doubles it.
    public static let firstInterval: Duration = .seconds(1)
    /// The longest wait for a probe.
    public static let longestInterval: Duration = .seconds(60)

    /// What follows from the end of an exchange.
    public enum Change: Hashable, Sendable {
        /// Nothing.
        case none
        /// The run of faults is long enough: only probes from now on.
        case opened
        /// An exchange succeeded: everything is sent again.
        case closed
    }

    /// Since when it has been open, or nil while it is closed.
    public private(set) var openSince: Timestamp?
    private var faults = 0
    private var interval = Self.firstInterval
    private var nextProbe: Timestamp?
    private var isProbing = false

    /// Creates a closed breaker.
    public init() {}

    /// Takes note that an exchange succeeded.
    public mutating func succeeded() -> Change {
        let wasOpen = openSince != nil
        self = Breaker()
        return wasOpen ? .closed : .none
    }

    /// Takes note that an exchange ended in a fault.
    public mutating func failed(at now: Timestamp) -> Change {
        guard openSince == nil else {
            // What was under way when it opened says nothing new; only a probe does.
            guard isProbing else { return .none }
            isProbing = false
            interval = min(interval.scaled(by: 2), Self.longestInterval)
            nextProbe = now.advanced(by: interval)
            return .none
        }
        faults += 1
        guard faults >= Self.threshold else { return .none }
        openSince = now
        nextProbe = now.advanced(by: interval)
        return .opened
    }

    /// When the next probe may be sent: nil while the breaker is closed.
    ///
    /// A clock that was set back holds a probe up for no longer than the longest interval.
    public func nextProbe(at now: Timestamp) -> Timestamp? {
        guard let nextProbe else { return nil }
        return nextProbe <= now.advanced(by: Self.longestInterval) ? nextProbe : now
    }

    /// Takes note that a probe is sent.
    public mutating func probed(at now: Timestamp) {
        guard openSince != nil else { return }
        isProbing = true
        nextProbe = now.advanced(by: interval)
    }
}
