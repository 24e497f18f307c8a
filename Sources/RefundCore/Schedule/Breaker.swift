/// A circuit breaker: after a run of faults only one probe at a time is sent, at growing intervals, until one succeeds.
///
/// What a fault is, its owner decides. While the breaker is open nothing but the probe is asked or sent, so nothing else
/// uses up its backoff or its retries on a peer that is known to be down. A peer that asks for a pause opens it at once.
package struct Breaker: Hashable, Sendable {
    /// Faults in a row that open it.
    package static let threshold = 10
    /// The wait for the first probe; each probe that fails doubles it.
    package static let firstInterval: Duration = .seconds(1)
    /// The longest wait for a probe that a fault leads to.
    package static let longestInterval: Duration = .seconds(60)
    /// The longest wait that a peer is granted which asks for one.
    package static let longestPause: Duration = .seconds(3_600)

    /// What follows from the end of an exchange.
    package enum Change: Hashable, Sendable {
        /// Nothing.
        case none
        /// The run of faults is long enough, or the peer asks for a pause: only probes from now on.
        case opened
        /// An exchange succeeded: everything is sent again.
        case closed
    }

    /// Since when it has been open, or nil while it is closed.
    package private(set) var openSince: Timestamp?
    private var faults = 0
    private var interval = Self.firstInterval
    private var nextProbe: Timestamp?
    // How far ahead the next probe was put at most.
    private var longestWait = Self.longestInterval
    private var isProbing = false
    // Whether the peer asked for a pause that no probe has followed yet.
    private var isPaused = false

    /// Creates a closed breaker.
    package init() {}

    /// Takes note that an exchange succeeded.
    package mutating func succeeded() -> Change {
        // What was under way when the peer asked for a pause does not end it; only a probe does.
        guard !isPaused else { return .none }
        let wasOpen = openSince != nil
        self = Breaker()
        return wasOpen ? .closed : .none
    }

    /// Takes note that an exchange ended in a fault.
    package mutating func failed(at now: Timestamp) -> Change {
        guard openSince == nil else {
            // What was under way when it opened says nothing new; only a probe does.
            guard endProbe() else { return .none }
            wait(interval, at: now)
            return .none
        }
        faults += 1
        guard faults >= Self.threshold else { return .none }
        return open(for: interval, at: now)
    }

    /// Takes note that the peer asks to be left alone for a while.
    ///
    /// - Parameters:
    ///   - pause: For how long; nil where it does not say, which is then the wait for a probe.
    ///   - now: When it asked.
    /// - Returns: What follows.
    package mutating func paused(for pause: Duration?, at now: Timestamp) -> Change {
        _ = endProbe()
        isPaused = true
        return open(for: min(max(pause ?? .zero, interval), Self.longestPause), at: now)
    }

    /// When the next probe may be sent: nil while the breaker is closed.
    ///
    /// A clock that was set back by more than a wait holds a probe up for no longer than that.
    package func nextProbe(at now: Timestamp) -> Timestamp? {
        guard let nextProbe else { return nil }
        return nextProbe <= now.advanced(by: longestWait) ? nextProbe : now
    }

    /// Takes note that a probe is sent.
    package mutating func probed(at now: Timestamp) {
        guard openSince != nil else { return }
        isProbing = true
        isPaused = false
        nextProbe = now.advanced(by: interval)
    }

    /// Takes note that the clock was set back, so that a probe does not wait for as long as it went back.
    package mutating func clockSetBack(by step: Duration) {
        nextProbe = nextProbe?.advanced(by: .zero - step)
    }

    // Whether a probe was under way, which makes the next one wait twice as long.
    private mutating func endProbe() -> Bool {
        guard isProbing else { return false }
        isProbing = false
        interval = min(interval.scaled(by: 2), Self.longestInterval)
        return true
    }

    private mutating func open(for pause: Duration, at now: Timestamp) -> Change {
        let wasOpen = openSince != nil
        openSince = openSince ?? now
        // Of several pauses that are asked for at the same time, the longest stands.
        if !wasOpen || now.advanced(by: pause) > nextProbe ?? now { wait(pause, at: now) }
        return wasOpen ? .none : .opened
    }

    private mutating func wait(_ pause: Duration, at now: Timestamp) {
        nextProbe = now.advanced(by: pause)
        longestWait = max(pause, Self.longestInterval)
    }
}
