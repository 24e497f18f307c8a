import Glibc
import Logging
import RefundCore
import RefundScheduler
import RefundStore
import Synchronization

/// The database that the daemon serves: locked, checked, migrated, and open twice.
final class ServedDatabase: Sendable {
    /// The scheduler's connection.
    let store: any QueueStore
    /// The connection that reads for the admin address, so that it and the scheduler do not wait for each other.
    let counting: any QueueStore
    private let lock: any ServiceLock
    private let provider: any StoreProvider
    private let daemon: ServingDaemon

    fileprivate init(
        _ store: any QueueStore,
        _ provider: any StoreProvider,
        _ lock: any ServiceLock,
        _ daemon: ServingDaemon
    ) throws(StoreError) {
        self.store = store
        self.lock = lock
        self.provider = provider
        self.daemon = daemon
        counting = try provider.open(.existing)
    }

    /// Records that the daemon serves the queue.
    func noteReady() { lock.noteServing(daemon) }

    /// Records that the daemon has read its configuration, keys and secrets again.
    func noteReload(at now: Timestamp) {
        var daemon = daemon
        daemon.reloaded = now
        lock.noteServing(daemon)
    }

    /// Checks the space of the file system, and whether the files can still be opened.
    ///
    /// The daemon goes on with the files that it has open, while no application can open them.
    func spaceFindings() -> [Finding] {
        provider.spaceFindings() + provider.accessFindings(for: .current).map(\.asSeenFromSandbox)
    }

    /// Makes the next daemon check the whole database before serving it.
    func markSuspect(because error: StoreError) {
        lock.markSuspect(because: error.description)
    }

    /// Closes both connections; blocks.
    func close() {
        counting.close()
        store.close()
    }
}

/// Opens a database for serving; every step can be cancelled.
final class DatabaseOpening: Sendable {
    /// The steps, as the service manager shows them.
    enum Step: String, Sendable {
        /// Opening the file, and creating or migrating the queue.
        case opening = "opening the database"
        /// Waiting for a command that holds the daemon's lock.
        case locking = "waiting for a refundd command to finish"
        /// Checking the database, which the last daemon did not trust.
        case checking = "checking the database"
        /// Waiting until another program ends its transaction.
        case waiting = "waiting for another program's transaction"
    }

    private static let lockInterval: Duration = .milliseconds(50)
    // How long an interrupted statement may take to end.
    private static let grace: Duration = .seconds(1)

    private struct State {
        var step = Step.opening
        var store: (any QueueStore)?
        var isCancelled = false
        var obstacle: StoreError?
    }

    private let provider: any StoreProvider
    private let patience: Duration
    private let logger: Logger
    private let state = Mutex(State())

    /// Creates an opening that has not begun.
    ///
    /// - Parameters:
    ///   - provider: Opens and locks the queue.
    ///   - patience: How long to wait for a command to finish.
    ///   - logger: Logs the steps that take time, and their findings.
    init(_ provider: any StoreProvider, patience: Duration, logger: Logger) {
        self.provider = provider
        self.patience = patience
        self.logger = logger
    }

    /// The current step.
    var step: Step { state.withLock { $0.step } }

    /// The current step in words, with what holds it up.
    var progress: String {
        let (step, obstacle) = state.withLock { ($0.step, $0.obstacle) }
        guard step == .waiting, let obstacle else { return step.rawValue }
        return "cannot start: \(obstacle.description)"
    }

    /// Opens the database.
    ///
    /// - Returns: The database, or nil if the task was cancelled, in which case nothing has changed.
    /// - Throws: `StoreError` if the database cannot be served.
    func run() async throws(StoreError) -> ServedDatabase? {
        guard let lock = try await lock() else { return nil }
        let daemon = ServingDaemon(pid: getpid(), version: Version.current, since: SystemClock().now())
        // While this daemon starts, the last one's description must not pass for its own.
        lock.noteServing(daemon.starting)
        begin(.opening)
        let opened = await onDedicatedThread(grace: Self.grace, interrupt: interrupt) {
            Result { () throws(StoreError) in try self.open(lock, for: daemon) }
        }
        guard !Task.isCancelled else { return nil }
        return try opened?.get()
    }

    private func lock() async throws(StoreError) -> (any ServiceLock)? {
        let deadline = ContinuousClock.now + patience
        var heldByDaemon = 0
        while !Task.isCancelled {
            switch try provider.lock() {
            case .taken(let lock): return lock
            case .heldByCommand:
                guard ContinuousClock.now < deadline else { throw provider.alreadyServed }
                begin(.locking)
            case .heldByDaemon:
                // A command looks like a daemon while it is taking the lock.
                heldByDaemon += 1
                guard heldByDaemon < 2 else { throw provider.alreadyServed }
            }
            try? await Task.sleep(for: Self.lockInterval)
        }
        return nil
    }

    private func open(_ lock: any ServiceLock, for daemon: ServingDaemon) throws(StoreError) -> ServedDatabase {
        let store = try provider.open(.readWrite) { CrashPoint.reached(.beforeCommit) }
        let isCancelled = state.withLock { state in
            state.store = store
            return state.isCancelled
        }
        if isCancelled { store.interrupt() }
        if lock.isSuspect {
            begin(.checking)
            for problem in try lock.regainTrust(in: store) {
                logger.warning("problem in the application's part of the database", metadata: ["problem": "\(problem)"])
            }
        }
        begin(.opening)
        try outlastingTransactions { () throws(StoreError) in try store.migrate(at: SystemClock().now()) }
        lock.noteServed()
        lock.noteServing(daemon.starting)
        CrashPoint.reached(.afterMigration)
        state.withLock { $0.store = nil }
        return try ServedDatabase(store, provider, lock, daemon)
    }

    // A restart would wait for the same transaction, and hide for whom.
    private func outlastingTransactions(_ work: () throws(StoreError) -> Void) throws(StoreError) {
        while true {
            do throws(StoreError) {
                return try work()
            } catch  where error.kind == .busy {
                let (isCancelled, isNew) = state.withLock { state in
                    defer { state.obstacle = error }
                    return (state.isCancelled, state.obstacle != error)
                }
                if isCancelled { throw error }
                begin(.waiting)
                if isNew { logger.warning("cannot start yet: \(error.description)") }
            }
        }
    }

    private func interrupt() {
        let store = state.withLock { state in
            state.isCancelled = true
            return state.store
        }
        store?.interrupt()
    }

    private func begin(_ step: Step) {
        let isNew = state.withLock { state in
            defer { state.step = step }
            return state.step != step
        }
        if isNew, step != .opening, step != .waiting { logger.notice("\(step.rawValue)") }
    }
}

extension ServingDaemon {
    /// The daemon before it serves.
    fileprivate var starting: ServingDaemon {
        var daemon = self
        daemon.isStarting = true
        return daemon
    }
}
