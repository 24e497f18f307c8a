import RefundCore

/// The parameters of one simulation, which all follow from its seed: how large, how long, how faulty.
struct Scenario {
    let seed: UInt64
    /// How long faults last; afterwards everything is healthy until all is done.
    let span: Duration
    let refunds: Int
    /// How likely a period of a gateway or receiver is faulty.
    let faultProbability: Double
    /// How likely a response of a flaky gateway is faulty.
    let flakiness: Double
    let crashes: Int
    let drains: Int
    let reloads: Int
    let clockSettings: Int
    /// How often another process holds the lock for writing.
    let locks: Int
    /// How often the application restores an older copy of the database.
    let restores: Int
    let receivers: Int
    /// Whether the last receiver never accepts anything.
    let hasDeadReceiver: Bool
    let eventTypes: Set<EventType>
    let retrySchedule: RetrySchedule
    /// How long the queue keeps what is finished.
    let retention: RetentionPolicy
    /// The daemon's first configuration.
    let configuration: SimulatedConfiguration

    init(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        self.seed = seed
        span = random.duration(.days(1), .days(45))
        let size = random.pick([6, 15, 40])
        refunds = random.integer(size / 2...size)
        faultProbability = random.pick([0, 0.3, 0.6, 0.8])
        flakiness = random.pick([0.1, 0.4, 0.8])
        crashes = random.integer(0...6)
        drains = random.integer(0...2)
        reloads = random.integer(0...4)
        clockSettings = random.pick([0, 0, 2, 5])
        locks = random.pick([0, 10, 60])
        restores = random.pick([0, 1, 3])
        receivers = random.integer(1...4)
        hasDeadReceiver = random.chance(0.3)
        var types = Set(EventType.allCases)
        if random.chance(0.7) { types.remove(.processing) }
        eventTypes = types
        var schedule = RetrySchedule()
        if random.chance(0.3) { schedule.delays = [.seconds(5), .minutes(5), .minutes(30), .hours(2)] }
        retrySchedule = schedule
        configuration = SimulatedConfiguration(gateways: ["default", "second"], &random)
        var retention = RetentionPolicy.forever
        if random.chance(0.5) { retention.webhooks = .days(7) }
        if retention.webhooks != nil, random.chance(0.7) { retention.ledger = .days(random.number(8...12)) }
        self.retention = retention
    }

    /// When the last fault ends.
    var end: Timestamp { VirtualClock.start.advanced(by: span) }
}

/// The daemon's configuration; a reload applies another one.
struct SimulatedConfiguration {
    /// The gateways that may be configured; until the end, only rows name `elsewhere`.
    static let gateways = ["default", "second", "elsewhere"]

    var polling = PollingPolicy()
    var delayedAfter: Duration?
    var limits: [String: QueryLimits] = [:]
    var maxInFlight: Int
    var hasSecret: Bool

    init(gateways: [String], hasSecret: Bool = true, _ random: inout SplitMix64) {
        polling.initialInterval = random.duration(.seconds(1), .seconds(30))
        polling.multiplier = random.number(1.3...3)
        polling.maxInterval = random.duration(.minutes(5), .minutes(30))
        polling.slowAfter = random.duration(.hours(4), .hours(24))
        polling.slowInterval = random.duration(.minutes(40), .hours(2))
        polling.attentionAfter = random.duration(.hours(6), .hours(72))
        polling.jitter = random.pick([0, 0.1, 0.3])
        for gateway in gateways {
            var limits = QueryLimits()
            limits.maxInFlight = random.pick([1, 2, 4, 16])
            limits.maxQueriesPerSecond = random.pick([0.5, 1, 5, 20])
            self.limits[gateway] = limits
        }
        maxInFlight = random.pick([1, 2, 4, 16])
        self.hasSecret = hasSecret
        delayedAfter = random.pick([nil, .hours(2), .hours(24)])
    }
}
