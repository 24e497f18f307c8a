import RefundCore
package import RefundStore
import Synchronization

/// Reads due rows, queries gateways with backoff, records transitions, and delivers webhooks.
///
/// One cycle is one transaction: the store reads, `SchedulerState.decide` decides, the store writes. Once that is
/// committed, the effects are sent. Reading and writing happen on the scheduler's own thread, off the cooperative pool.
/// The next cycle writes all results that arrive during a cycle, which batches them under load.
package actor Scheduler {
    /// The phases of a scheduler's life.
    package enum Phase: Sendable {
        /// Refunds and webhooks are claimed as they become due.
        case running
        /// Nothing more is claimed; results of work in flight are still written.
        case draining
        /// Nothing more is read, sent or written.
        case closed
    }

    // The wait before a retry after the database failed.
    private static let retryInterval: Duration = .seconds(1)
    private static let longestRest: Duration = .milliseconds(20)

    private let executor = DispatchQueueExecutor(label: "refundd.scheduler")
    private let inbox = ResultInbox()
    private let store: any QueueStore
    private let clock: any WallClock
    private let report: @Sendable ([SchedulerEvent]) -> Void
    private let reportFault: @Sendable (StoreError?) -> Void
    private let lastFault = Mutex<StoreError?>(nil)

    private var phase = Phase.running
    private var settings: SchedulerSettings
    private var state: SchedulerState
    // Results are kept until a transaction has stored them.
    private var queries: [QueryResult] = []
    private var deliveries: [DeliveryResult] = []
    private var isDue = false
    private var clockStep: Duration = .zero
    private var lastReading: (now: Timestamp, uptime: Duration)?
    private var inFlight: (queries: [Int64: QueryClaim], deliveries: [String: Delivery]) = ([:], [:])
    private var timer: WakeTimer?
    private var wakeSource: (any WakeSource)?
    private var restEnd: ContinuousClock.Instant?
    private var drained: CheckedContinuation<Void, Never>?

    /// The scheduler's own thread.
    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe executor.asUnownedSerialExecutor()
    }

    /// Creates a scheduler that is not running yet.
    ///
    /// - Parameters:
    ///   - store: The queue, which nothing else in this process may write from now on.
    ///   - settings: The settings.
    ///   - clock: The source of time.
    ///   - report: Called after each cycle on the scheduler's thread; it must not block.
    ///   - fault: Called when the database starts to fail or fails differently, and with nil once it works again.
    package init(
        store: any QueueStore,
        settings: SchedulerSettings,
        clock: any WallClock,
        report: @escaping @Sendable ([SchedulerEvent]) -> Void,
        fault: @escaping @Sendable (StoreError?) -> Void
    ) {
        self.store = store
        self.settings = settings
        self.clock = clock
        self.report = report
        reportFault = fault
        state = SchedulerState(settings)
    }

    // MARK: - Life

    /// Takes over the queue and begins to poll.
    ///
    /// - Throws: `StoreError` if the database fails.
    package func start() throws(StoreError) {
        let now = clock.now()
        clockStep = try SchedulerState.clockStep(before: store, at: now)
        state = try SchedulerState(takingOver: store, settings, at: now)
        CrashPoint.reached(.afterTakeover)
        timer = WakeTimer { [weak self] in self?.wake() }
        wakeSource = store.makeWakeSource { [weak self] in self?.look() }
        isDue = true
        run()
    }

    /// Applies new settings.
    ///
    /// - Throws: `StoreError` if the database fails; the old settings then stay in force.
    package func apply(_ settings: SchedulerSettings) throws(StoreError) {
        try state.reload(settings, over: store, at: clock.now())
        self.settings = settings
        wake()
    }

    /// Stops claiming, and returns once everything in flight has ended and is written, or the scheduler is closed.
    package func drain() async {
        guard phase == .running else { return }
        phase = .draining
        state.isDraining = true
        wakeSource?.stop()
        guard !isDrained else { return }
        await withCheckedContinuation { drained = $0 }
    }

    /// Releases the claims of everything still in flight, and stops for good.
    ///
    /// Late results are ignored: the next daemon queries and sends their refunds and webhooks again.
    ///
    /// - Returns: Why the claims could not be released, so that the next daemon has to; nil if they were.
    @discardableResult
    package func close() -> StoreError? {
        guard phase != .closed else { return nil }
        state.isDraining = true
        wakeSource?.stop()
        takeInbox()
        let now = clock.now()
        forgetEnded()
        for claim in inFlight.queries.values {
            queries.append(QueryResult(claim: claim, sentAt: now, attempt: .interrupted))
        }
        for delivery in inFlight.deliveries.values {
            deliveries.append(DeliveryResult(delivery: delivery, sentAt: now, attempt: .interrupted))
        }
        var failure: StoreError?
        if !queries.isEmpty || !deliveries.isEmpty {
            do throws(StoreError) {
                if let fault, fault.isFatal { throw fault }
                try cycle(at: now)
            } catch {
                failure = error
            }
        }
        phase = .closed
        timer = nil
        resumeDrain()
        return failure
    }

    private var isDrained: Bool { state.isIdle && queries.isEmpty && deliveries.isEmpty }

    private func resumeDrain() {
        drained?.resume()
        drained = nil
    }

    // MARK: - Readiness

    /// Why the database fails, or nil while it works.
    package nonisolated var fault: StoreError? { lastFault.withLock { $0 } }

    /// How long the scheduler has been busy without completing a cycle, or nil if there is nothing to do.
    package nonisolated var busyTime: Duration? { inbox.busyTime }

    // MARK: - Wake-up

    /// Runs a cycle soon, whatever the database says.
    package nonisolated func wake() {
        put { $0.isDue = true }
    }

    /// Makes a cycle soon write something, and report `proved` once that is committed.
    package nonisolated func prove() {
        put { $0.wantsProof = true }
    }

    private nonisolated func look() {
        put { _ in }
    }

    private nonisolated func put(_ change: (inout ResultInbox.Content) -> Void) {
        guard inbox.put(change) else { return }
        runSoon()
    }

    private nonisolated func runSoon(after wait: Duration = .zero) {
        executor.async(after: wait) { [self] in assumeIsolated { $0.run() } }
    }

    private func takeInbox() {
        let content = inbox.take()
        // Appending would copy every result.
        if queries.isEmpty { queries = content.queries } else { queries += content.queries }
        if deliveries.isEmpty { deliveries = content.deliveries } else { deliveries += content.deliveries }
        if content.wantsProof { state.prove() }
        if content.isDue || content.wantsProof { isDue = true }
    }

    // MARK: - Cycles

    private func run() {
        guard phase != .closed, fault?.isFatal != true else { return }
        if let restEnd, restEnd > .now { return runSoon(after: ContinuousClock.now.duration(to: restEnd)) }
        takeInbox()
        defer { inbox.finish() }
        let now = readClock()
        let upkeep = store.upkeep(at: now)
        if !upkeep.isEmpty { report(upkeep.map(SchedulerEvent.store)) }
        do throws(StoreError) {
            if try store.hasForeignCommits() {
                state.noteForeignCommits()
                isDue = true
            }
            guard isDue || !queries.isEmpty || !deliveries.isEmpty || clockStep > .zero else { return }
            let begin = ContinuousClock.now
            let nextWake = try cycle(at: now)
            restEnd = .now + Self.rest(after: begin.duration(to: .now))
            // While draining, cycles may only read, and a successful read does not prove that writes work again.
            if phase == .running { note(nil) }
            timer?.arm(at: nextWake ?? now.advanced(by: WakeTimer.longestWait), now: clock.now())
        } catch {
            isDue = true
            note(error)
            timer?.arm(at: now.advanced(by: Self.retryInterval), now: now)
        }
        if phase == .draining, isDrained { resumeDrain() }
    }

    /// Runs one cycle with everything that has arrived.
    ///
    /// - Returns: When to run again if nothing arrives.
    @discardableResult
    private func cycle(at now: Timestamp) throws(StoreError) -> Timestamp? {
        // This cycle's own commit must not wake the scheduler.
        wakeSource?.pause()
        var isCommitted = false
        // After a failure only the timer starts the next attempt; nothing may start it earlier.
        defer { wakeSource?.resume(looks: isCommitted) }
        let decision = try state.cycle(
            over: store,
            queries,
            deliveries,
            settings,
            clockStep: clockStep,
            at: now,
            decidingAt: clock.now
        )
        CrashPoint.reached(.afterCommit)
        isCommitted = true
        guard let decision else { return nil }
        forgetEnded()
        (queries, deliveries, isDue, clockStep) = ([], [], false, .zero)
        state = decision.state
        perform(decision.effects)
        report(decision.events)
        guard let request = decision.pruning else { return decision.nextWake }
        let (events, next) = try state.prune(request, over: store, settings, at: now)
        if !events.isEmpty { report(events) }
        return [decision.nextWake, next].compactMap(\.self).min()
    }

    // A result that comes after its claim ran out ends no later claim.
    private func forgetEnded() {
        for claim in queries.map(\.claim) where inFlight.queries[claim.refund.id]?.lease == claim.lease {
            inFlight.queries[claim.refund.id] = nil
        }
        for delivery in deliveries.map(\.delivery) where inFlight.deliveries[delivery.id]?.lease == delivery.lease {
            inFlight.deliveries[delivery.id] = nil
        }
    }

    /// Sends the effects of a decision.
    ///
    /// The clock is read again: the transaction may have waited for another process, and permits, signatures and
    /// backoff count from the moment a query is sent.
    private func perform(_ effects: [Effect]) {
        guard !effects.isEmpty else { return }
        let now = clock.now()
        var sent: [String: Int] = [:]
        for case .query(let claim) in effects { sent[claim.refund.gateway, default: 0] += 1 }
        for (gateway, count) in sent { state.gateways[gateway]?.sent(count, at: now) }
        if !sent.isEmpty { CrashPoint.reached(.afterClaim) }
        for effect in effects {
            switch effect {
            case .query(let claim): send(claim, at: now)
            case .deliver(let delivery): send(delivery, at: now)
            }
        }
    }

    private func send(_ claim: QueryClaim, at now: Timestamp) {
        inFlight.queries[claim.refund.id] = claim
        settings.gateways[claim.refund.gateway]?.client.query(claim.query, at: now, isProbe: claim.isProbe) {
            [weak self] attempt in
            CrashPoint.reached(.afterAnswer)
            let result = QueryResult(claim: claim, sentAt: now, attempt: attempt)
            self?.put { $0.queries.append(result) }
        }
        CrashPoint.reached(.afterQuery)
    }

    private func send(_ delivery: Delivery, at now: Timestamp) {
        inFlight.deliveries[delivery.id] = delivery
        CrashPoint.reached(.beforeDelivery)
        settings.webhooks.client.deliver(delivery, at: now, isProbe: delivery.isProbe) { [weak self] attempt in
            CrashPoint.reached(.afterDelivery)
            let result = DeliveryResult(delivery: delivery, sentAt: now, attempt: attempt)
            self?.put { $0.deliveries.append(result) }
        }
    }

    /// How long a cycle leaves the database to other processes.
    ///
    /// A process that finds it locked retries after sleeps of up to a tenth of a second, so back-to-back cycles would
    /// hold up an insert for many cycles. With the database free for two thirds of the time, most inserts meet no lock
    /// at all. Results that arrive meanwhile are written together.
    static func rest(after work: Duration) -> Duration {
        work > .milliseconds(1) ? min(work * 2, longestRest) : .zero
    }

    // A backward step is the elapsed uptime minus the clock's advance.
    private func readClock() -> Timestamp {
        let (now, uptime) = (clock.now(), clock.uptime())
        if let last = lastReading {
            let step = uptime - last.uptime - now.duration(since: last.now)
            if step > SchedulerState.clockTolerance { clockStep += step }
        }
        lastReading = (now, uptime)
        return now
    }

    private func note(_ error: StoreError?) {
        let changed = lastFault.withLock { fault in
            defer { fault = error }
            return error?.kind != fault?.kind
        }
        if changed { reportFault(error) }
    }
}
