import RefundCore
import RefundScheduler
import RefundStore
import Synchronization

/// A gateway and a receiver whose exchanges the test ends by hand.
final class ManualClient: GatewayQuerying, WebhookDelivering {
    /// A query that waits for its end.
    struct Query: Sendable {
        let query: RefundQuery
        let at: Timestamp
        let end: @Sendable (QueryAttempt) -> Void

        func answer(_ outcome: QueryOutcome) { end(.completed(outcome, duration: .milliseconds(1))) }
    }

    private let queryStream = AsyncStream<Query>.makeStream()
    private let deliveryStream = AsyncStream<Delivery>.makeStream()
    private let acceptsDeliveries = Mutex(true)

    /// Queries in the order in which they are sent.
    var queries: AsyncStream<Query> { queryStream.stream }
    /// Webhooks in the order in which they are sent; each is accepted at once, unless receivers are silent.
    var deliveries: AsyncStream<Delivery> { deliveryStream.stream }

    func query(
        _ query: RefundQuery,
        at now: Timestamp,
        isProbe _: Bool,
        completion: @escaping @Sendable (QueryAttempt) -> Void
    ) {
        queryStream.continuation.yield(Query(query: query, at: now, end: completion))
    }

    func deliver(
        _ delivery: Delivery,
        at _: Timestamp,
        isProbe _: Bool,
        completion: @escaping @Sendable (DeliveryAttempt) -> Void
    ) {
        deliveryStream.continuation.yield(delivery)
        if acceptsDeliveries.withLock({ $0 }) { completion(.completed(.test(status: 204))) }
    }

    /// Lets receivers answer nothing from now on.
    func silenceReceivers() {
        acceptsDeliveries.withLock { $0 = false }
    }

    /// The next query, which has to come.
    func nextQuery() async -> Query? {
        for await query in queries { return query }
        return nil
    }

    /// The next webhook, which has to come.
    func nextDelivery() async -> Delivery? {
        for await delivery in deliveries { return delivery }
        return nil
    }
}

/// A clock that only the test moves.
final class ManualClock: WallClock {
    private let time: Mutex<(now: Timestamp, uptime: Duration)>

    init(_ start: Timestamp) {
        time = Mutex((start, .seconds(1_000)))
    }

    func now() -> Timestamp { time.withLock { $0.now } }
    func uptime() -> Duration { time.withLock { $0.uptime } }

    /// Lets time pass.
    func advance(by duration: Duration) {
        time.withLock { time in
            time.now = time.now.advanced(by: duration)
            time.uptime += duration
        }
    }

    /// Sets the clock back, which takes no time.
    func setBack(by step: Duration) {
        time.withLock { $0.now = $0.now.advanced(by: .zero - step) }
    }
}

/// A store whose calls fail or take time as the test wants.
final class FaultyStore: QueueStore {
    /// Which call fails.
    enum Call: Sendable {
        case foreignCommits, cycle, write
    }

    private struct State {
        var failures: [(call: Call, error: StoreError)] = []
        var afterCommit: @Sendable () -> Void = {}
        var isWatching = true
    }

    private let base: any QueueStore
    private let state = Mutex(State())
    private let cycleStream = AsyncStream<Void>.makeStream()

    init(_ base: any QueueStore) {
        self.base = base
    }

    /// Lets the next call of a kind fail.
    func fail(_ call: Call, _ error: StoreError) {
        state.withLock { $0.failures.append((call, error)) }
    }

    /// Does something after the next cycle has committed, before the scheduler knows.
    func afterNextCommit(_ body: @escaping @Sendable () -> Void) {
        state.withLock { $0.afterCommit = body }
    }

    /// Lets commits of other processes go unnoticed from the start on.
    func watchNothing() {
        state.withLock { $0.isWatching = false }
    }

    /// Returns once another cycle has ended.
    func nextCycle() async {
        for await _ in cycleStream.stream { return }
    }

    private func failIfAsked(_ call: Call) throws(StoreError) {
        let error = state.withLock { state in
            state.failures.firstIndex { $0.call == call }.map { state.failures.remove(at: $0).error }
        }
        if let error { throw error }
    }

    func cycle(_ request: CycleRequest, decide: (CycleInput) -> [Write]) throws(StoreError) -> [Rejection] {
        defer { cycleStream.continuation.yield() }
        try failIfAsked(.cycle)
        let rejections = try base.cycle(request, decide: decide)
        let hook = state.withLock { state in
            defer { state.afterCommit = {} }
            return state.afterCommit
        }
        hook()
        return rejections
    }

    func hasForeignCommits() throws(StoreError) -> Bool {
        try failIfAsked(.foreignCommits)
        return try base.hasForeignCommits()
    }

    var location: String { base.location }
    func read<Result>(_ body: (any QueueReader) throws(StoreError) -> Result) throws(StoreError) -> Result {
        try base.read(body)
    }
    func write<Result>(_ body: (any QueueWriter) throws(StoreError) -> Result) throws(StoreError) -> Result {
        try failIfAsked(.write)
        return try base.write(body)
    }
    func migrate(at now: Timestamp) throws(StoreError) { try base.migrate(at: now) }
    func checkSchema() throws(StoreError) { try base.checkSchema() }
    func checkPositions() throws(StoreError) { try base.checkPositions() }
    func upkeep(at now: Timestamp) -> [StoreEvent] { base.upkeep(at: now) }
    func makeWakeSource(_ wake: @escaping @Sendable () -> Void) -> any WakeSource {
        state.withLock { $0.isWatching } ? base.makeWakeSource(wake) : SilentWakeSource()
    }
    func lockForCommand() throws(StoreError) -> (any ServiceLock)? { try base.lockForCommand() }

    func interrupt() { base.interrupt() }

    func close() { base.close() }
}

/// Never wakes anybody.
private struct SilentWakeSource: WakeSource {
    func pause() {}
    func resume(looks _: Bool) {}
    func stop() {}
}

extension StoreError {
    static func test(_ kind: Kind) -> StoreError {
        StoreError(kind, location: "queue.db", reason: "\(kind)", description: "queue.db: \(kind)")
    }
}
