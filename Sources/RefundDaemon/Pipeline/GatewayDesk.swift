import RefundCore

/// What the engine knows of one gateway while it runs: what is in flight, what may be sent, and whether it is well.
///
/// While it is in trouble, down or asks for a pause, it is asked with one refund at a time: a probe.
struct GatewayDesk {
    var settings: EngineSettings.Gateway
    var rate: RateLimit
    var health: GatewayHealth
    var breaker = Breaker()
    /// The refunds whose query is in flight.
    private(set) var inFlight: Set<Int64> = []
    /// The refund of the latest probe, and when it was due.
    ///
    /// The next one takes its turn, so that one refund that fails for reasons of its own does not keep the alarm up or
    /// the breaker open.
    private(set) var lastProbed = (due: Timestamp(milliseconds: .min), id: 0 as Int64)
    private var probe: Int64?

    init(settings: EngineSettings.Gateway, trouble: GatewayHealth.Trouble?) {
        self.settings = settings
        rate = RateLimit(perSecond: settings.limits.maxQueriesPerSecond)
        health = GatewayHealth(trouble: trouble)
    }

    /// Whether only probes are sent.
    var isProbed: Bool {
        health.trouble != nil || breaker.openSince != nil
    }

    /// When a refund that is due at `due` may be queried; nil when that takes the end of a query in flight.
    func nextQuery(due: Timestamp, at now: Timestamp) -> Timestamp? {
        let free = max(due, rate.nextPermit(at: now))
        if let probe = nextProbe(at: now) { return inFlight.isEmpty ? max(free, probe) : nil }
        return inFlight.count < settings.limits.maxInFlight ? free : nil
    }

    /// How many queries may be sent now.
    func permits(at now: Timestamp) -> Int {
        var places = settings.limits.maxInFlight - inFlight.count
        if let probe = nextProbe(at: now) { places = inFlight.isEmpty && probe <= now ? 1 : 0 }
        return max(0, min(places, rate.freePermits(at: now)))
    }

    private func nextProbe(at now: Timestamp) -> Timestamp? {
        [health.nextQuery(at: now), breaker.nextProbe(at: now)].compactMap(\.self).max()
    }

    /// Takes note that a query is sent.
    mutating func sent(_ refund: Refund, at now: Timestamp) {
        inFlight.insert(refund.id)
        rate.take(at: now)
        guard isProbed else { return }
        probe = refund.id
        lastProbed = (refund.nextQueryAt ?? now, refund.id)
        health.probed(at: now)
        breaker.probed(at: now)
    }

    /// Takes note that a query has ended.
    ///
    /// - Returns: Whether it was a probe.
    mutating func ended(_ id: Int64) -> Bool {
        inFlight.remove(id)
        guard probe == id else { return false }
        probe = nil
        return true
    }

    /// Takes note of what came of a query for the breaker: whatever the gateway itself answered closes it.
    mutating func answered(_ outcome: QueryOutcome, at now: Timestamp) -> Breaker.Change {
        switch outcome {
        case .report, .notFound, .inconclusive, .credentialsRefused, .unverified: breaker.succeeded()
        case .slowedDown(_, let retryAfter): breaker.paused(for: retryAfter, at: now)
        case .unreachable: breaker.failed(at: now)
        }
    }

    /// Forgets how the gateway fared, because the configuration does not have it any more.
    mutating func retire() {
        health = GatewayHealth()
        breaker = Breaker()
    }

    /// Takes note that the clock was set back: nothing waits for as long as it went back, and no limit begins anew.
    mutating func clockSetBack(by step: Duration) {
        rate.clockSetBack(by: step)
        health.clockSetBack(by: step)
        breaker.clockSetBack(by: step)
    }
}
