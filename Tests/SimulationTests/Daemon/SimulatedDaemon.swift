import RefundCore
import RefundStore
import RefundTestSupport

@testable import RefundScheduler

/// One life of the daemon, from start to end: the scheduler's state and decisions over a real store.
///
/// It does what `Scheduler` does, but when the simulation says so: threads and timers would not repeat a run.
final class SimulatedDaemon {
    // Clocks are slewed and read one after the other; less than this is no step.
    private static let clockTolerance: Duration = .milliseconds(500)

    let connections: SimulatedConnections
    let startedAt: Timestamp
    private(set) var configuration: SimulatedConfiguration
    /// Since when it has used this configuration.
    private(set) var configuredAt: Timestamp
    private(set) var settings: SchedulerSettings
    private(set) var state: SchedulerState
    /// The results that wait for the next cycle.
    var results: (queries: [QueryResult], deliveries: [DeliveryResult]) = ([], [])
    /// The queries in flight, by gateway and refund, until their result is stored.
    private(set) var queries: [String: [Int64: QueryClaim]] = [:]
    /// The webhooks in flight, until their result is stored.
    private(set) var deliveries: [String: Delivery] = [:]
    /// When it runs next, if that is planned.
    var nextRun: Timestamp?
    /// When the next refund of a gateway that is not configured is due, as far as that is known.
    var unknownGatewaysDue: Timestamp?
    /// How many cycles ran in a row without any time passing.
    var cyclesAtOnce = (count: 0, at: Timestamp(milliseconds: 0))
    private let store: BusyStore
    private let scenario: Scenario
    private var isClosed = false
    private var lastReading: (wall: Timestamp, uptime: Duration)?
    private var clockStep: Duration = .zero
    // What was sent for rows that the application has since replaced by older ones.
    private var orphans: (queries: [ObjectIdentifier: QueryClaim], deliveries: Set<Delivery>) = ([:], [])

    init(
        _ store: any QueueStore,
        _ configuration: SimulatedConfiguration,
        _ scenario: Scenario,
        _ clock: VirtualClock,
        seed: UInt64
    ) throws {
        self.store = BusyStore(store)
        self.configuration = configuration
        self.scenario = scenario
        startedAt = clock.time
        configuredAt = clock.time
        try store.migrate(at: clock.wall)
        connections = try SimulatedConnections()
        settings = connections.settings(configuration, scenario)
        state = try SchedulerState(takingOver: store, settings, at: clock.wall)
        state.random = SplitMix64(seed: seed)
    }

    /// Runs one cycle with the results so far.
    ///
    /// - Parameters:
    ///   - clock: The clock as the cycle begins.
    ///   - isBusy: Whether another process keeps it from being written.
    ///   - decidingAt: The time of each decision.
    /// - Returns: What was decided and is committed, without what the database rejected.
    /// - Throws: `StoreError` if nothing was written; the results then wait for the next cycle.
    func cycle(_ clock: VirtualClock, isBusy: Bool, decidingAt: () -> Timestamp) throws -> Decision {
        store.isBusy = isBusy
        if try store.hasForeignCommits() { state.noteForeignCommits() }
        readClock(clock)
        let results = results
        let made = try state.cycle(
            over: store,
            results.queries,
            results.deliveries,
            settings,
            clockStep: clockStep,
            at: clock.wall,
            decidingAt: decidingAt
        )
        guard let decision = made else { throw Violation("the store did not ask for a decision") }
        state = decision.state
        for result in results.queries { end(result.claim) }
        for result in results.deliveries where deliveries[result.delivery.id]?.lease == result.delivery.lease {
            deliveries[result.delivery.id] = nil
        }
        (self.results, clockStep) = (([], []), .zero)
        return decision
    }

    /// Records when what was decided is sent: later than the decision if the commit took long.
    func perform(_ decision: Decision, at now: Timestamp) {
        let sent = Dictionary(grouping: decision.queries, by: \.refund.gateway)
        for (gateway, claims) in sent { state.gateways[gateway]?.sent(claims.count, at: now) }
    }

    /// Takes the step of retention that was decided, if any.
    ///
    /// - Returns: The events, and when to run again.
    /// - Throws: `StoreError` if the database can no longer be trusted.
    func prune(_ decision: Decision, at now: Timestamp) throws -> (events: [SchedulerEvent], next: Timestamp?) {
        guard let request = decision.pruning else { return ([], nil) }
        return try state.prune(request, over: store, settings, at: now)
    }

    private func end(_ claim: QueryClaim) {
        let gateway = claim.refund.gateway
        orphans.queries[ObjectIdentifier(claim)] = nil
        guard queries[gateway]?[claim.refund.id]?.lease == claim.lease else { return }
        queries[gateway]?[claim.refund.id] = nil
    }

    func sent(_ claim: QueryClaim) { queries[claim.refund.gateway, default: [:]][claim.refund.id] = claim }

    func sent(_ delivery: Delivery) { deliveries[delivery.id] = delivery }

    /// Forgets sends whose claims the daemon has released.
    func forget(queries ids: Set<Int64>, deliveries webhooks: Set<String>) {
        for gateway in queries.keys { queries[gateway] = queries[gateway]?.filter { !ids.contains($0.key) } }
        deliveries = deliveries.filter { !webhooks.contains($0.key) }
    }

    /// The application replaced the rows of everything in flight by older ones.
    func databaseRestored() {
        for claim in queries.values.flatMap(\.values) { orphans.queries[ObjectIdentifier(claim)] = claim }
        orphans.deliveries.formUnion(deliveries.values)
        (queries, deliveries) = ([:], [:])
        unknownGatewaysDue = nil
    }

    var hasOrphans: Bool { !orphans.queries.isEmpty }

    func isOrphan(_ claim: QueryClaim) -> Bool { orphans.queries[ObjectIdentifier(claim)] != nil }

    func isOrphan(_ delivery: Delivery) -> Bool { orphans.deliveries.contains(delivery) }

    func apply(_ configuration: SimulatedConfiguration, _ clock: VirtualClock) throws {
        let settings = connections.settings(configuration, scenario)
        try state.reload(settings, over: store, at: clock.wall)
        self.settings = settings
        self.configuration = configuration
        configuredAt = clock.time
        unknownGatewaysDue = nil
    }

    func drain() { state.isDraining = true }

    /// Whether everything in flight has ended and is stored.
    var isDrained: Bool {
        state.isDraining && state.isIdle && results.queries.isEmpty && results.deliveries.isEmpty
    }

    /// Ends everything in flight without a result, as a daemon does whose time to drain is over.
    ///
    /// - Returns: The refunds and the webhooks whose result will never come.
    func interrupt(_ clock: VirtualClock) -> (refunds: [Int64], webhooks: [String]) {
        let before = (results.queries.count, results.deliveries.count)
        let ended = (Set(results.queries.map { ObjectIdentifier($0.claim) }), Set(results.deliveries.map(\.delivery)))
        let claims = queries.values.flatMap(\.values).sorted { $0.refund.id < $1.refund.id }
        for claim in claims where !ended.0.contains(ObjectIdentifier(claim)) {
            results.queries.append(QueryResult(claim: claim, sentAt: clock.wall, attempt: .interrupted))
        }
        for (_, delivery) in deliveries.sorted(by: { $0.key < $1.key }) where !ended.1.contains(delivery) {
            results.deliveries.append(DeliveryResult(delivery: delivery, sentAt: clock.wall, attempt: .interrupted))
        }
        return (
            results.queries.dropFirst(before.0).map(\.claim.refund.id),
            results.deliveries.dropFirst(before.1).map(\.delivery.id)
        )
    }

    func close() {
        guard !isClosed else { return }
        isClosed = true
        store.close()
    }

    // A step back is how much less the clock has advanced than the time that went by.
    private func readClock(_ clock: VirtualClock) {
        if let last = lastReading {
            let step = clock.uptime - last.uptime - clock.wall.duration(since: last.wall)
            if step > Self.clockTolerance { clockStep += step }
        }
        lastReading = (clock.wall, clock.uptime)
    }

    deinit { close() }
}

extension Decision {
    /// The queries to send.
    var queries: [QueryClaim] {
        effects.compactMap { if case .query(let claim) = $0 { claim } else { nil } }
    }

    /// The webhooks to send.
    var deliveries: [Delivery] {
        effects.compactMap { if case .deliver(let delivery) = $0 { delivery } else { nil } }
    }
}
