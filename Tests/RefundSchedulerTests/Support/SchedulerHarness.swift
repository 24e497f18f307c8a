import Foundation
import RefundCore
import RefundStore
import RefundStoreConformance
import Testing

@testable import RefundScheduler

/// The scheduler's cycle over a real store, with a clock that only the test moves and nothing that is really sent: the
/// test itself says how queries and attempts end.
final class SchedulerHarness {
    // Rows are enqueued at the time of the machine's clock.
    private(set) var now = Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000))
    let fixture: any StoreFixture
    private(set) var settings: SchedulerSettings
    private(set) var state: SchedulerState
    /// What the last cycle decided, less what the database rejected.
    private(set) var decision: Decision
    /// The queries in flight, in the order in which they were sent.
    private(set) var queries: [QueryClaim] = []
    private var clockStep: Duration = .zero
    private var results: (queries: [QueryResult], deliveries: [DeliveryResult]) = ([], [])

    init(_ fixture: some StoreFixture, _ change: (inout SchedulerSettings) -> Void = { _ in }) throws {
        self.fixture = fixture
        settings = .test
        change(&settings)
        state = try SchedulerState(takingOver: fixture.store, settings, at: now)
        decision = Decision(state: state)
    }

    convenience init(_ change: (inout SchedulerSettings) -> Void = { _ in }) throws {
        try self.init(try TestStore.fixture(), change)
    }

    // MARK: - Time

    func advance(by duration: Duration) {
        now = now.advanced(by: duration)
    }

    /// Sets the clock back; the next cycle notices it.
    func setClockBack(by step: Duration) {
        now = now.advanced(by: .zero - step)
        clockStep += step
    }

    // MARK: - Cycles

    /// Runs one cycle with the results so far.
    @discardableResult
    func run() throws -> Decision {
        if try fixture.store.hasForeignCommits() { state.noteForeignCommits() }
        let made = try state.cycle(
            over: fixture.store,
            results.queries,
            results.deliveries,
            settings,
            clockStep: clockStep,
            at: now,
            decidingAt: { now }
        )
        decision = try #require(made)
        (results, clockStep) = (([], []), .zero)
        state = decision.state
        queries += decision.queries
        return decision
    }

    /// Takes the step of retention that the last cycle planned.
    ///
    /// - Returns: The events, and when to run again.
    func prune() throws -> (events: [SchedulerEvent], next: Timestamp?) {
        let request = try #require(decision.pruning, "nothing is planned")
        return try state.prune(request, over: fixture.store, settings, at: now)
    }

    /// Moves the clock to the time at which the scheduler wants to run again, and runs a cycle.
    @discardableResult
    func runAtNextWake() throws -> Decision {
        if let wake = decision.nextWake { now = max(now, wake) }
        return try run()
    }

    /// Ends every query in flight, runs a cycle, and if that queries nothing, waits for the next one.
    func proceed(answering outcome: (Refund) -> QueryOutcome) throws {
        endQueries(outcome)
        if try run().queries.isEmpty { try runAtNextWake() }
    }

    /// Applies other settings, as a reload does.
    func apply(_ change: (inout SchedulerSettings) -> Void) throws {
        change(&settings)
        try state.reload(settings, over: fixture.store, at: now)
    }

    /// Starts again, as after a crash, and runs the first cycle.
    func restart() throws -> Decision {
        clockStep = try SchedulerState.clockStep(before: fixture.store, at: now)
        state = try SchedulerState(takingOver: fixture.store, settings, at: now)
        (queries, results) = ([], ([], []))
        return try run()
    }

    // MARK: - Results

    /// Ends every query in flight with the same outcome, before the next cycle.
    func endQueries(_ outcome: QueryOutcome) {
        endQueries { _ in outcome }
    }

    /// Ends every query in flight, before the next cycle.
    func endQueries(_ outcome: (Refund) -> QueryOutcome) {
        for claim in queries {
            let attempt = QueryAttempt.completed(outcome(claim.refund), duration: .milliseconds(7))
            results.queries.append(QueryResult(claim: claim, sentAt: now, attempt: attempt))
        }
        queries = []
    }

    /// Ends the queries that were sent first, before the next cycle.
    func endFirst(_ count: Int, _ outcome: QueryOutcome) {
        let rest = Array(queries.dropFirst(count))
        queries = Array(queries.prefix(count))
        endQueries(outcome)
        queries = rest
    }

    /// Ends every webhook of the last cycle with the same status, before the next cycle.
    func endDeliveries(status: Int?, retryAfter: Duration? = nil) {
        for delivery in decision.deliveries { end(delivery, status: status, retryAfter: retryAfter) }
    }

    func end(_ delivery: Delivery, status: Int?, retryAfter: Duration? = nil) {
        let attempt = DeliveryAttempt.completed(.test(status: status, retryAfter: retryAfter))
        results.deliveries.append(DeliveryResult(delivery: delivery, sentAt: now, attempt: attempt))
    }

    /// Runs a cycle, and another one with every query answered alike.
    @discardableResult
    func query(_ outcome: QueryOutcome) throws -> Decision {
        try run()
        endQueries(outcome)
        return try run()
    }

    // MARK: - The queue

    @discardableResult
    func enqueue(_ order: String, _ more: [(name: NewRefund.Column, value: String)] = []) throws -> Int64 {
        let refund = NewRefund(columns: [(name: .merchantOrderNo, value: order)] + more)
        return try fixture.store.write { tx throws(StoreError) in try tx.enqueue(refund) } ?? 0
    }

    /// Enqueues refunds `R-1`, `R-2`, and so on.
    @discardableResult
    func enqueue(_ count: Int) throws -> [Int64] {
        try (1...count).map { try enqueue("R-\($0)") }
    }

    func row(_ id: Int64) throws -> QueuedRefund {
        try #require(try fixture.store.read { tx throws(StoreError) in try tx.refund(id: id) })
    }

    func refund(_ id: Int64) throws -> Refund { try row(id).refund }

    func webhooks(_ id: Int64) throws -> [WebhookRow] {
        try fixture.store.read { tx throws(StoreError) in try tx.webhooks(refundID: id) }
    }

    func ledger(_ id: Int64) throws -> [LedgerRow] {
        try fixture.store.read { tx throws(StoreError) in try tx.ledger(refundID: id) }
    }

    func status() throws -> QueueStatus {
        try fixture.store.read { tx throws(StoreError) in try tx.status(at: now) }
    }

    /// How many events of a type there are, webhook or not.
    func eventCount(_ type: EventType) throws -> Int {
        try fixture.number("SELECT count(*) FROM refund_events WHERE type = '\(type.rawValue)'")
    }
}
