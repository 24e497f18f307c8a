import RefundCore

/// What the engine knows of one gateway while it runs: what is in flight, what may be sent, and whether it is well.
struct GatewayDesk {
    var settings: EngineSettings.Gateway
    var rate: RateLimit
    var health: GatewayHealth
    /// The refunds whose query is in flight.
    var inFlight: Set<Int64> = []
    /// The refund that was asked with last while the gateway was in trouble.
    ///
    /// The next one takes its turn, so that one refund that is refused for reasons of its own does not keep the alarm up.
    var lastProbed: Int64 = 0

    init(settings: EngineSettings.Gateway, trouble: GatewayHealth.Trouble?) {
        self.settings = settings
        rate = RateLimit(perSecond: settings.limits.maxQueriesPerSecond)
        health = GatewayHealth(trouble: trouble)
    }

    /// When a refund that is due at `due` may be queried; nil when that takes the end of a query in flight.
    func nextQuery(due: Timestamp, at now: Timestamp) -> Timestamp? {
        if let probe = health.nextQuery(at: now) { return inFlight.isEmpty ? max(due, probe) : nil }
        guard inFlight.count < settings.limits.maxInFlight else { return nil }
        return max(due, rate.nextPermit(at: now))
    }

    /// How many queries may be sent now.
    func permits(at now: Timestamp) -> Int {
        if let probe = health.nextQuery(at: now) { return inFlight.isEmpty && probe <= now ? 1 : 0 }
        return max(0, min(settings.limits.maxInFlight - inFlight.count, rate.freePermits(at: now)))
    }

    /// Takes note that a query is sent.
    mutating func sent(_ id: Int64, at now: Timestamp) {
        inFlight.insert(id)
        rate.take(at: now)
        if health.trouble != nil { lastProbed = id }
        health.probed(at: now)
    }
}
