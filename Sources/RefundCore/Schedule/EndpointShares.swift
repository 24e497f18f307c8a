/// Shares the places for webhooks in flight among endpoints, so that a slow or dead one holds up nobody else.
///
/// An endpoint that has not taken anything yet gets two places, one that took the last webhook up to three quarters of
/// all, one whose last attempt failed a single one; those that fail share half of all places between them. After a run
/// of failed attempts its breaker opens: then one webhook at a time is sent as a probe, and the others wait without
/// using up their retries. A receiver's `Retry-After` pauses its whole endpoint.
package struct EndpointShares: Sendable {
    /// The longest pause of an endpoint for a receiver's `Retry-After`; a webhook's own retry may wait for longer.
    ///
    /// Enough for the limits that receivers set per minute, and short enough that one URL of a host that many share
    /// silences the others only for a moment.
    package static let longestPause: Duration = .seconds(5 * 60)
    // What is known of idle endpoints is worth little; it must not grow with every address ever seen.
    static let mostRemembered = 4_096

    private struct Endpoint {
        var inFlight = 0
        // Nil until the first attempt has ended.
        var isHealthy: Bool?
        var breaker = Breaker()
        var lastFailed: String?
        var pausedUntil: Timestamp?

        var failingInFlight: Int { isHealthy == false ? inFlight : 0 }

        /// The end of a pause; a clock that was set back does not prolong it.
        func pauseEnd(at now: Timestamp) -> Timestamp? {
            pausedUntil.flatMap { $0 <= now.advanced(by: EndpointShares.longestPause) ? $0 : nil }
        }
    }

    /// How many webhooks may be in flight at the same time.
    package var capacity: Int
    /// How many webhooks are in flight.
    package private(set) var inFlight = 0
    private var failingInFlight = 0
    private var endpoints: [String: Endpoint] = [:]

    /// Creates shares of a number of places.
    package init(capacity: Int) {
        self.capacity = capacity
    }

    /// How many further webhooks may be sent to an endpoint now.
    package func free(for endpoint: String, at now: Timestamp) -> Int {
        if let next = nextAttempt(at: endpoint, now: now), next > now { return 0 }
        let state = endpoints[endpoint] ?? Endpoint()
        var free = capacity - inFlight
        switch state.isHealthy {
        case nil:
            free = min(free, min(2, capacity) - state.inFlight)
        case true?:
            free = min(free, max(1, capacity * 3 / 4) - state.inFlight)
        case false?:
            free = min(free, 1 - state.inFlight, max(1, capacity / 2) - failingInFlight)
        }
        return max(0, free)
    }

    /// When an endpoint may be sent to that is paused or whose breaker is open; nil for any other.
    package func nextAttempt(at endpoint: String, now: Timestamp) -> Timestamp? {
        guard let state = endpoints[endpoint] else { return nil }
        return [state.breaker.nextProbe(at: now), state.pauseEnd(at: now)].compactMap(\.self).max()
    }

    /// Whether an endpoint's breaker is open, so that the next webhook sent to it is a probe.
    package func isOpen(_ endpoint: String) -> Bool {
        endpoints[endpoint]?.breaker.openSince != nil
    }

    /// Takes note that webhooks are being sent.
    package mutating func started(_ endpoint: String, count: Int = 1, at now: Timestamp) {
        guard count > 0 else { return }
        change(endpoint) { state in
            state.inFlight += count
            state.breaker.probed(at: now)
        }
    }

    /// Takes note that an attempt has ended.
    ///
    /// - Parameters:
    ///   - endpoint: The endpoint.
    ///   - id: The webhook.
    ///   - outcome: What came of the attempt.
    ///   - now: When it ended.
    /// - Returns: Whether that opened or closed the endpoint's breaker.
    package mutating func ended(
        _ endpoint: String,
        _ id: String,
        _ outcome: DeliveryOutcome,
        at now: Timestamp
    ) -> Breaker.Change {
        change(endpoint) { state in
            state.inFlight -= 1
            if outcome.isDelivered {
                state.isHealthy = true
                state.lastFailed = nil
                return state.breaker.succeeded()
            }
            // That one URL is gone says nothing of the others, but that the endpoint is there.
            if outcome.isGone { return state.breaker.openSince == nil ? .none : state.breaker.succeeded() }
            state.isHealthy = false
            if outcome.status == 429 || outcome.status == 503, let wait = outcome.retryAfter {
                let end = now.advanced(by: min(wait, Self.longestPause))
                state.pausedUntil = max(state.pauseEnd(at: now) ?? end, end)
            }
            // A webhook that fails alone keeps to its own schedule: only failures of several open the breaker.
            defer { state.lastFailed = id }
            return state.lastFailed == id && state.breaker.openSince == nil ? .none : state.breaker.failed(at: now)
        }
    }

    /// Forgets idle endpoints once there are too many.
    ///
    /// - Parameter now: The time.
    /// - Returns: The forgotten endpoints whose breaker was open.
    package mutating func forgetIdle(at now: Timestamp) -> [String] {
        guard endpoints.count > Self.mostRemembered else { return [] }
        endpoints = endpoints.filter { _, state in
            state.inFlight > 0 || state.breaker.openSince != nil || state.pauseEnd(at: now) ?? now > now
        }
        guard endpoints.count > Self.mostRemembered else { return [] }
        // Nothing waits for an endpoint whose probe has been due for long, so that it can be spared best.
        let idle = endpoints.filter { $0.value.inFlight == 0 }.keys.map { endpoint in
            (endpoint, due: nextAttempt(at: endpoint, now: now) ?? now)
        }
        let forgotten = idle.sorted { $0.due < $1.due }.prefix(endpoints.count - Self.mostRemembered / 2).map(\.0)
        let open = forgotten.filter(isOpen)
        for endpoint in forgotten { endpoints[endpoint] = nil }
        return open
    }

    private mutating func change<Result>(_ endpoint: String, _ body: (inout Endpoint) -> Result) -> Result {
        var state = endpoints[endpoint] ?? Endpoint()
        inFlight -= state.inFlight
        failingInFlight -= state.failingInFlight
        defer {
            inFlight += state.inFlight
            failingInFlight += state.failingInFlight
            endpoints[endpoint] = state
        }
        return body(&state)
    }
}
