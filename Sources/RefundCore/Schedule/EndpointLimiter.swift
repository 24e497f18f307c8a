/// Shares the slots for webhooks in flight among endpoints, so that a slow or dead endpoint holds up no other.
///
/// An endpoint that accepted its last webhook gets up to three quarters of all slots, an untried one two, and one whose
/// last attempt failed a single slot. Failing endpoints together get at most half of all slots, and failing and untried
/// ones three quarters, so that a proven endpoint always finds a slot. After a run of failures an endpoint's circuit
/// breaker opens, and its webhooks wait for a probe without using up their retries.
package struct EndpointLimiter: Sendable {
    // The state of idle endpoints is worth little; it must not grow with every address ever seen.
    package static let capacityForIdle = 4_096

    private enum Standing {
        case untried
        case proven
        case failing
    }

    private struct Endpoint {
        var inFlight = 0
        var standing = Standing.untried
        var breaker = CircuitBreaker()
        var lastFailed: String?
        // When the next probe may be sent, as another daemon recorded it last.
        var sharedProbe: Timestamp?
    }

    // The slots of an endpoint to which nothing has been sent yet.
    private static let untriedLimit = 2

    /// How many webhooks may be in flight at once.
    package var capacity: Int
    // How many daemons share the slots.
    private var daemons = 1
    /// How many webhooks are in flight.
    package private(set) var inFlight = 0
    private var failingInFlight = 0
    private var untriedInFlight = 0
    private var endpoints: [String: Endpoint] = [:]

    /// Creates a limiter for `capacity` webhooks in flight.
    package init(capacity: Int) {
        self.capacity = capacity
    }

    /// Divides slots among this number of daemons; each may always have one webhook in flight.
    package mutating func share(_ capacity: Int, among daemons: Int) {
        self.capacity = max(capacity / daemons, 1)
        self.daemons = daemons
    }

    /// How many more webhooks may be sent to an endpoint now.
    package func free(for endpoint: String, at now: Timestamp) -> Int {
        let state = endpoints[endpoint] ?? Endpoint()
        if let probe = state.breaker.nextProbe(at: now) {
            guard probe <= now, state.inFlight == 0 else { return 0 }
        }
        let free = capacity - inFlight
        let most = max(1, capacity * 3 / 4)
        let unproven = most - failingInFlight - untriedInFlight
        let allowed =
            switch state.standing {
            case .untried: min(min(max(Self.untriedLimit / daemons, 1), capacity) - state.inFlight, unproven)
            case .proven: most - state.inFlight
            case .failing: min(1 - state.inFlight, max(1, capacity / 2) - failingInFlight, unproven)
            }
        return max(0, min(free, allowed))
    }

    /// When an endpoint whose breaker is open may be probed, or nil for any other.
    package func nextProbe(of endpoint: String, at now: Timestamp) -> Timestamp? {
        endpoints[endpoint]?.breaker.nextProbe(at: now)
    }

    /// Makes the next probe of an endpoint due at once.
    package mutating func probeNow(_ endpoint: String) {
        update(endpoint) { $0.breaker.probeNow() }
    }

    /// Since when an endpoint's breaker has been open, and why; nil if it is closed.
    package func opening(of endpoint: String) -> (since: Timestamp, reason: String)? {
        guard let breaker = endpoints[endpoint]?.breaker, let since = breaker.openSince else { return nil }
        return (since, breaker.reason ?? "")
    }

    /// When the next endpoint whose breaker is open may be probed, or nil if none will be.
    package func nextProbe(after now: Timestamp) -> Timestamp? {
        endpoints.values.compactMap { $0.breaker.nextProbe(at: now) }.filter { $0 > now }.min()
    }

    /// Whether another webhook may be in flight, whatever its endpoint.
    package var hasFreeSlot: Bool { inFlight < capacity }

    /// Records whether an endpoint accepted its last webhook in an earlier run.
    package mutating func restore(_ endpoint: String, isProven: Bool) {
        update(endpoint) { $0.standing = isProven ? .proven : .failing }
    }

    /// Whether an endpoint's breaker is open, so that the next webhook sent to it is a probe.
    package func isOpen(_ endpoint: String) -> Bool {
        endpoints[endpoint]?.breaker.openSince != nil
    }

    /// Records that webhooks are about to be sent.
    package mutating func started(_ endpoint: String, count: Int = 1, at now: Timestamp) {
        guard count > 0 else { return }
        update(endpoint) { state in
            state.inFlight += count
            state.breaker.probed(at: now)
        }
    }

    /// Records that attempts ended without a result.
    package mutating func interrupted(_ endpoint: String, at now: Timestamp) {
        update(endpoint) { state in
            state.inFlight -= 1
            state.breaker.probeInterrupted(at: now)
        }
    }

    /// Records the outcome of an attempt.
    ///
    /// - Parameters:
    ///   - endpoint: The endpoint.
    ///   - webhook: The webhook's id.
    ///   - outcome: The outcome.
    ///   - now: When it was noticed.
    /// - Returns: Whether that opened or closed the endpoint's breaker.
    package mutating func ended(
        _ endpoint: String,
        _ webhook: String,
        _ outcome: DeliveryOutcome,
        at now: Timestamp
    ) -> CircuitBreaker.Change {
        update(endpoint) { state in
            state.inFlight -= 1
            if outcome.isDelivered {
                state.standing = .proven
                state.lastFailed = nil
                return state.breaker.succeeded()
            }
            // A 410 proves that the endpoint is up, and says nothing about its other URLs.
            if outcome.isGone { return state.breaker.openSince == nil ? .none : state.breaker.succeeded() }
            state.standing = .failing
            // A webhook that fails alone follows its own schedule; only failures of several open the breaker.
            defer { state.lastFailed = webhook }
            guard state.lastFailed != webhook || state.breaker.openSince != nil else { return .none }
            return state.breaker.failed(outcome.error ?? "not delivered", at: now)
        }
    }

    /// Takes over what other daemons have found out about an endpoint since the last cycle.
    ///
    /// - Parameters:
    ///   - endpoint: The endpoint.
    ///   - open: The open breaker on record: since when, why, and when the next probe may be sent; nil if it is closed.
    ///   - now: The time.
    /// - Returns: Whether the endpoint's breaker opened or closed.
    package mutating func adopt(
        _ endpoint: String,
        _ open: (since: Timestamp, reason: String, nextProbe: Timestamp?)?,
        at now: Timestamp
    ) -> CircuitBreaker.Change {
        guard open != nil || isOpen(endpoint) else { return .none }
        return update(endpoint) { state in
            let isKnown = open?.nextProbe == state.sharedProbe
            state.sharedProbe = open?.nextProbe
            if let open {
                let next = isKnown ? nil : open.nextProbe
                let change = state.breaker.shared(since: open.since, open.reason, nextProbe: next, at: now)
                // A probe is a single webhook, whatever this daemon knew of the endpoint.
                if change == .opened { state.standing = .failing }
                return change
            }
            // What is in flight may be this daemon's probe.
            guard state.inFlight == 0 else { return .none }
            (state.breaker, state.standing) = (CircuitBreaker(), .proven)
            return .closed
        }
    }

    /// Forgets idle endpoints once there are too many.
    ///
    /// - Returns: The forgotten endpoints whose breaker was open.
    package mutating func forgetIdle(at now: Timestamp) -> [String] {
        guard endpoints.count > Self.capacityForIdle else { return [] }
        endpoints = endpoints.filter { $0.value.inFlight > 0 || $0.value.breaker.openSince != nil }
        guard endpoints.count > Self.capacityForIdle else { return [] }
        // An endpoint whose probe has long been due has no webhooks waiting.
        let idle = endpoints.filter { $0.value.inFlight == 0 }
            .map { (endpoint: $0.key, due: $0.value.breaker.nextProbe(at: now) ?? now) }
            .sorted { $0.due < $1.due }
            .prefix(endpoints.count - Self.capacityForIdle / 2)
            .map(\.endpoint)
        let open = idle.filter(isOpen)
        for endpoint in idle { endpoints[endpoint] = nil }
        return open
    }

    /// Moves times back with a clock that was set back by `step`.
    package mutating func clockSetBack(by step: Duration) {
        for endpoint in endpoints.keys { endpoints[endpoint]?.breaker.clockSetBack(by: step) }
    }

    private mutating func update<Result>(_ endpoint: String, _ body: (inout Endpoint) -> Result) -> Result {
        var state = endpoints[endpoint] ?? Endpoint()
        count(state, sign: -1)
        let result = body(&state)
        count(state, sign: 1)
        endpoints[endpoint] = state
        return result
    }

    private mutating func count(_ state: Endpoint, sign: Int) {
        inFlight += sign * state.inFlight
        switch state.standing {
        case .untried: untriedInFlight += sign * state.inFlight
        case .proven: break
        case .failing: failingInFlight += sign * state.inFlight
        }
    }
}
