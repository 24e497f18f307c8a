/// A circuit breaker for a gateway or an endpoint: after a run of failures only probes are sent, one at a time, until
/// one succeeds.
///
/// The owner decides what counts as a failure. While the breaker is open nothing else is sent, so refunds and webhooks
/// spend neither backoff nor retries on a peer that is known to be down. A peer that asks for a pause opens it at once,
/// and so does an incident, which is probed at a fixed interval.
package struct CircuitBreaker: Hashable, Sendable {
    /// Failures in a row that open the breaker.
    package static let threshold = 10
    /// The wait before the first probe; each failed probe doubles it.
    package static let firstInterval: Duration = .seconds(1)
    /// The longest wait between probes after failures.
    package static let longestInterval: Duration = .seconds(60)
    /// The longest pause granted to a peer, and the longest wait that another daemon's record causes; longer ones are
    /// shortened to it.
    package static let longestPause: Duration = .seconds(3_600)

    /// How an event changed the breaker.
    package enum Change: Hashable, Sendable {
        /// The breaker neither opened nor closed.
        case none
        /// Only probes are sent from now on.
        case opened
        /// Everything is sent again.
        case closed
    }

    private struct Open: Hashable {
        let since: Timestamp
        var reason: String
        var nextProbe: Timestamp
        // The longest wait that `nextProbe` can be ahead; a time further ahead means that the clock was set back.
        var longestWait: Duration
        var isProbing = false
        // Only a probe ends a pause; answers to earlier requests do not.
        var isPaused = false
    }

    private var open: Open?
    private var failures = 0
    private var interval = Self.firstInterval
    // The interval of an incident's probes, which does not grow.
    private var fixedInterval: Duration?

    /// Creates a closed breaker.
    package init() {}

    /// When the breaker opened, or nil while it is closed.
    package var openSince: Timestamp? { open?.since }

    /// Why the breaker opened, or nil while it is closed.
    package var reason: String? { open?.reason }

    /// Records a success.
    package mutating func succeeded() -> Change {
        guard open?.isPaused != true else { return .none }
        let wasOpen = open != nil
        self = CircuitBreaker()
        return wasOpen ? .closed : .none
    }

    /// Records a failure.
    ///
    /// - Parameters:
    ///   - reason: What failed, for operators.
    ///   - now: When it was noticed.
    /// - Returns: Whether the breaker opened.
    package mutating func failed(_ reason: String, at now: Timestamp) -> Change {
        guard open == nil else {
            // Failures of requests sent before the breaker opened add nothing.
            if endProbe() { wait(fixedInterval ?? interval, at: now) }
            return .none
        }
        failures += 1
        guard failures >= Self.threshold else { return .none }
        return open(for: interval, reason, at: now)
    }

    /// Records that the peer asked for a pause.
    ///
    /// - Parameters:
    ///   - pause: How long, or nil if the peer did not say.
    ///   - reason: What the peer said, for operators.
    ///   - now: When it asked.
    /// - Returns: Whether the breaker opened.
    package mutating func paused(for pause: Duration?, _ reason: String, at now: Timestamp) -> Change {
        _ = endProbe()
        let change = open(for: min(max(pause ?? .zero, interval), Self.longestPause), reason, at: now)
        open?.isPaused = true
        return change
    }

    /// Opens the breaker at once, probing at a fixed interval until an exchange succeeds.
    package mutating func tripped(every interval: Duration, _ reason: String, at now: Timestamp) -> Change {
        fixedInterval = interval
        let change = open(for: interval, reason, at: now)
        open?.isProbing = false
        wait(interval, at: now)
        return change
    }

    /// When the next probe may be sent, or nil while the breaker is closed.
    package func nextProbe(at now: Timestamp) -> Timestamp? {
        guard let open else { return nil }
        return open.nextProbe <= now.advanced(by: open.longestWait) ? open.nextProbe : now
    }

    /// Records that a probe was sent.
    package mutating func probed(at now: Timestamp) {
        guard open != nil else { return }
        open?.isProbing = true
        open?.isPaused = false
        open?.nextProbe = now.advanced(by: fixedInterval ?? interval)
    }

    /// Records that a probe ended without a result, so that the next one may follow at once.
    package mutating func probeInterrupted(at now: Timestamp) {
        guard open?.isProbing == true else { return }
        open?.isProbing = false
        open?.nextProbe = now
    }

    /// Makes the next probe due at once, because the peer's settings may have changed, or an operator has repaired it.
    package mutating func probeNow() {
        guard open != nil else { return }
        open?.nextProbe = Timestamp(milliseconds: 0)
        // A probe that is in flight may have been sent before the repair; the one after it must not wait for long.
        interval = Self.firstInterval
    }

    /// Moves the next probe back with a clock that was set back by `step`.
    package mutating func clockSetBack(by step: Duration) {
        guard let next = open?.nextProbe else { return }
        open?.nextProbe = next.advanced(by: .zero - step)
    }

    /// Takes over that another daemon has opened the breaker, or probed since.
    ///
    /// - Parameters:
    ///   - since: When it opened.
    ///   - reason: Why, for operators.
    ///   - nextProbe: When the next probe may be sent, if known.
    ///   - now: The time.
    /// - Returns: Whether the breaker opened.
    package mutating func shared(
        since: Timestamp,
        _ reason: String,
        nextProbe: Timestamp?,
        at now: Timestamp
    ) -> Change {
        let left = nextProbe.map { min(max(now.duration(since: $0) * -1, .zero), Self.longestPause) }
        // The others have probed in vain, too.
        defer { interval = min(max(interval, left ?? .zero), Self.longestInterval) }
        guard let open else {
            self.open = Open(since: since, reason: reason, nextProbe: now, longestWait: .zero)
            // The peer may have asked the other daemon for a pause, which answers to our earlier requests do not end.
            self.open?.isPaused = true
            self.wait(left ?? interval, at: now)
            return .opened
        }
        guard !open.isProbing, let left, now.advanced(by: left) > open.nextProbe else { return .none }
        self.wait(left, at: now)
        return .none
    }

    private mutating func endProbe() -> Bool {
        guard open?.isProbing == true else { return false }
        open?.isProbing = false
        interval = min(interval.scaled(by: 2), Self.longestInterval)
        return true
    }

    private mutating func open(for wait: Duration, _ reason: String, at now: Timestamp) -> Change {
        guard let open else {
            self.open = Open(since: now, reason: reason, nextProbe: now, longestWait: .zero)
            self.wait(wait, at: now)
            return .opened
        }
        // Of several pauses asked for at once, the longest counts.
        if now.advanced(by: wait) > open.nextProbe { self.wait(wait, at: now) }
        return .none
    }

    private mutating func wait(_ duration: Duration, at now: Timestamp) {
        open?.nextProbe = now.advanced(by: duration)
        open?.longestWait = max(duration, Self.longestInterval)
    }
}
