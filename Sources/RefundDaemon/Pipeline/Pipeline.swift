import RefundCore
import RefundScheduler
import RefundStoreSQLite
import Synchronization

/// Runs the engine on a thread of its own, sends what it claims, and wakes it when something arrives or is due.
///
/// All reading and writing of the database happens on the pipeline's queue, off the cooperative pool. What arrives
/// while a cycle runs is taken up by the next one together, which is what makes batches under load.
actor Pipeline {
    // How long to wait before the database is tried again that refused a transaction.
    private static let retryAfterFailure: Duration = .seconds(1)
    private static let longestRest: Duration = .milliseconds(20)

    private let executor = DispatchQueueExecutor(label: "refundd.pipeline")
    private let inbox = Inbox()
    private let clock: any WallClock
    private let engine: RefundEngine
    private let report: @Sendable ([EngineNote]) -> Void
    private let tellFault: @Sendable (StoreError?) -> Void
    private let lastFault = Mutex<StoreError?>(nil)
    private var alarm: Alarm?
    private var watcher: CommitWatcher?
    private var dataVersion: Int64?
    private var logGrowth = LogGrowth()
    private var restEnd: ContinuousClock.Instant?
    private var whenDrained: CheckedContinuation<Void, Never>?

    /// The pipeline's own queue.
    nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe executor.asUnownedSerialExecutor()
    }

    /// Creates a pipeline that does not run yet.
    ///
    /// - Parameters:
    ///   - store: The database, which only this pipeline may use from now on.
    ///   - settings: What the engine goes by.
    ///   - clock: Where the time comes from.
    ///   - report: Told what happened after each cycle, on the pipeline's queue; it must not block.
    ///   - fault: Told when the database begins to refuse transactions or does for another reason, and with nil when it
    ///     takes them again. After one that is beyond retrying the pipeline does nothing more.
    init(
        store: RefundStore,
        settings: EngineSettings,
        clock: any WallClock,
        report: @escaping @Sendable ([EngineNote]) -> Void,
        fault: @escaping @Sendable (StoreError?) -> Void
    ) {
        self.clock = clock
        self.report = report
        tellFault = fault
        engine = RefundEngine(store: store, settings: settings, random: SystemRandomNumberGenerator())
    }

    /// Takes over the database and begins to poll.
    ///
    /// - Throws: `StoreError` when the database refuses.
    func start() throws(StoreError) {
        try engine.start(at: clock.now())
        CrashPoint.reached(.afterTakeover)
        alarm = Alarm { [weak self] in self?.wake() }
        watcher = CommitWatcher(databasePath: engine.store.path) { [weak self] in self?.mayHaveCommits() }
        run()
    }

    /// Goes by other settings from now on.
    ///
    /// - Throws: `StoreError` when the database refuses; the old settings stay.
    func reconfigure(_ settings: EngineSettings) throws(StoreError) {
        try engine.reconfigure(settings, at: clock.now())
        wake()
    }

    /// Stops claiming and returns when everything in flight has ended and is written.
    func drain() async {
        engine.isDraining = true
        watcher?.stop()
        guard !engine.isIdle else { return }
        await withCheckedContinuation { whenDrained = $0 }
    }

    /// Why the database refuses transactions, or nil while it takes them.
    nonisolated var fault: StoreError? {
        lastFault.withLock { $0 }
    }

    /// For how long the pipeline has had something to do without getting it done; nil when there is nothing to do.
    nonisolated var busyTime: Duration? {
        inbox.busyTime
    }

    /// Runs a cycle soon, whatever the database says.
    nonisolated func wake() {
        tell { $0.isDue = true }
    }

    private nonisolated func mayHaveCommits() {
        tell { $0.mayHaveCommits = true }
    }

    private nonisolated func tell(_ change: (inout Arrivals) -> Void) {
        guard inbox.put(change) else { return }
        runSoon()
    }

    private nonisolated func runSoon(after wait: Duration = .zero) {
        executor.async(after: wait) { [self] in assumeIsolated { $0.run() } }
    }

    private func run() {
        guard fault?.isBeyondRetrying != true else { return }
        if let restEnd, restEnd > .now { return runSoon(after: ContinuousClock.now.duration(to: restEnd)) }
        let arrivals = inbox.take()
        defer { inbox.done() }
        let now = clock.now()
        watchLog(at: now)
        do throws(StoreError) {
            let version = try engine.store.dataVersion()
            defer { dataVersion = version }
            if arrivals.isOnlyALook, version == dataVersion { return }
            let begin = ContinuousClock.now
            let cycle = try engine.cycle(at: now, arrivals)
            restEnd = .now + Self.rest(after: begin.duration(to: .now))
            note(nil)
            send(cycle, at: now)
            report(cycle.notes)
            alarm?.arm(at: cycle.nextWake ?? now.advanced(by: Alarm.longestWait), now: now)
        } catch {
            note(error)
            alarm?.arm(at: now.advanced(by: Self.retryAfterFailure), now: now)
        }
        if engine.isDraining, engine.isIdle {
            whenDrained?.resume()
            whenDrained = nil
        }
    }

    /// For how long the database is left to others after a cycle.
    ///
    /// A program that finds it locked looks again after naps of up to a tenth of a second: if cycle came upon cycle, its
    /// inserts would wait for many. Left alone for two thirds of the time, most inserts meet no lock at all. What arrives
    /// meanwhile is written together.
    static func rest(after work: Duration) -> Duration {
        work > .milliseconds(1) ? min(work * 2, longestRest) : .zero
    }

    // SQLite itself empties the log into the file after every thousandth page, but leaves it as long as it was wherever a
    // program without our limit is the next to write.
    private func watchLog(at now: Timestamp) {
        let size = engine.store.walSize
        if logGrowth.isNews(size) { report([.logGrew(bytes: size, users: engine.store.users)]) }
        if logGrowth.isToBeCut(size, at: now) { engine.store.cutLog() }
    }

    private func note(_ error: StoreError?) {
        let changes = lastFault.withLock { fault in
            defer { fault = error }
            return error?.kind != fault?.kind
        }
        if changes { tellFault(error) }
    }

    private func send(_ cycle: Cycle, at now: Timestamp) {
        if !cycle.queries.isEmpty { CrashPoint.reached(.afterClaim) }
        for (refund, query, send) in cycle.queries {
            let begin = ContinuousClock.now
            send(query, now) { [weak self] outcome in
                CrashPoint.reached(.afterAnswer)
                let duration = begin.duration(to: .now)
                let answer = QueryAnswer(refund: refund, sentAt: now, outcome: outcome, duration: duration)
                self?.tell { $0.answers.append(answer) }
            }
            CrashPoint.reached(.afterQuery)
        }
        for (delivery, endpoint) in cycle.deliveries {
            CrashPoint.reached(.beforeDelivery)
            engine.settings.webhooks.send(delivery, now) { [weak self] outcome in
                CrashPoint.reached(.afterDelivery)
                let end = DeliveryEnd(delivery: delivery, endpoint: endpoint, sentAt: now, outcome: outcome)
                self?.tell { $0.ends.append(end) }
            }
        }
    }
}
