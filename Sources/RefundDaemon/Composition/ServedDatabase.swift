import Logging
import RefundCore
import RefundScheduler
import RefundStore
import RefundStoreSQLite
import Synchronization

/// The database as the daemon serves it: locked, checked, migrated, and open twice.
final class ServedDatabase: Sendable {
    /// The scheduler's connection.
    let store: SQLiteStore
    /// The connection that counts for the admin address, so that neither waits for the other.
    let counting: SQLiteStore
    private let lock: DaemonLock

    fileprivate init(_ store: SQLiteStore, _ lock: DaemonLock) throws(StoreError) {
        self.store = store
        self.lock = lock
        counting = try SQLiteStore(path: store.location, access: .existing)
    }

    /// Has the next daemon check the whole database before it serves it.
    func markSuspect(because error: StoreError) {
        lock.markSuspect(because: error.description)
    }

    /// Closes both connections; blocks.
    func close() {
        counting.close()
        store.close()
    }
}

/// The opening of a database to serve it, of which every step can be cancelled.
final class DatabaseOpening: Sendable {
    /// What is being done, as the service manager shows it.
    enum Step: String, Sendable {
        /// The file is opened, and the queue is created or brought up to date.
        case opening = "opening the database"
        /// A command does for a moment what only the daemon may.
        case locking = "waiting for a refundd command to finish"
        /// The last daemon did not trust the database.
        case checking = "checking the database"
    }

    private static let lockInterval: Duration = .milliseconds(50)
    // How long an interrupted statement may take to end.
    private static let grace: Duration = .seconds(1)

    private struct State {
        var step = Step.opening
        var store: SQLiteStore?
        var isCancelled = false
    }

    private let path: String
    private let patience: Duration
    private let logger: Logger
    private let state = Mutex(State())

    /// Creates an opening that has not begun.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - patience: How long to wait for a command to finish.
    ///   - logger: Takes the steps that take time, and what they find.
    init(path: String, patience: Duration, logger: Logger) {
        self.path = path
        self.patience = patience
        self.logger = logger
    }

    /// What is being done now.
    var step: Step { state.withLock { $0.step } }

    /// Opens the database.
    ///
    /// - Returns: The database, or nil if the task was cancelled; then nothing has changed.
    /// - Throws: `StoreError` if the database cannot be served.
    func run() async throws(StoreError) -> ServedDatabase? {
        guard let lock = try await lock() else { return nil }
        begin(.opening)
        let opened: Result<ServedDatabase, StoreError>? = await onOwnThread(grace: Self.grace, interrupt: interrupt) {
            do throws(StoreError) {
                return .success(try self.open(lock))
            } catch {
                return .failure(error)
            }
        }
        guard !Task.isCancelled else { return nil }
        return try opened?.get()
    }

    private func lock() async throws(StoreError) -> DaemonLock? {
        let deadline = ContinuousClock.now + patience
        var heldByDaemon = 0
        while !Task.isCancelled {
            switch try DaemonLock.attempt(path, for: .daemon) {
            case .taken(let lock): return lock
            case .heldByCommand:
                guard ContinuousClock.now < deadline else { throw .alreadyServed(path) }
                begin(.locking)
            case .heldByDaemon:
                // A command that is just taking the lock looks like a daemon for a moment.
                heldByDaemon += 1
                guard heldByDaemon < 2 else { throw .alreadyServed(path) }
            }
            try? await Task.sleep(for: Self.lockInterval)
        }
        return nil
    }

    private func open(_ lock: DaemonLock) throws(StoreError) -> ServedDatabase {
        let store = try SQLiteStore(path: path, access: .readWrite) { CrashPoint.reached(.beforeCommit) }
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
        try store.migrate(at: SystemClock().now())
        lock.noteServed()
        CrashPoint.reached(.afterMigration)
        state.withLock { $0.store = nil }
        return try ServedDatabase(store, lock)
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
        if isNew, step != .opening { logger.notice("\(step.rawValue)") }
    }
}
