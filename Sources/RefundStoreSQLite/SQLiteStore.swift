import Foundation
import GRDB
import RefundCore
package import RefundStore
import Synchronization

/// The queue, the ledger and the outbox in one SQLite file in WAL mode.
///
/// A store is one connection, and its calls run one after the other on the calling thread.
package final class SQLiteStore: QueueStore {
    /// How long a statement waits for another process's transaction before it fails as busy.
    package static let busyTimeout: Duration = .seconds(5)

    /// The file's path as given.
    package let path: String
    let database: DatabaseQueue
    let access: StoreAccess
    let files: DatabaseFiles
    let connection: Connection
    let wal: WALMonitor
    let memory: PositionMemory
    /// The events that `upkeep` reports next.
    let events = Mutex<[StoreEvent]>([])

    /// The prepared statements of the hot path; used only inside a transaction.
    var statements: HotStatements { connection.statements }
    private let beforeCommit: (@Sendable () -> Void)?

    /// The queue's location.
    package var location: String { path }

    /// Opens the database.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - access: The access to open it for; `readWrite` switches the file to WAL.
    ///   - beforeCommit: Called when a cycle has written everything and is about to commit, for tests of crashes.
    /// - Throws: `StoreError` if the file cannot be opened or shared safely, or another process keeps it from WAL.
    package init(
        path: String,
        access: StoreAccess,
        beforeCommit: (@Sendable () -> Void)? = nil
    ) throws(StoreError) {
        self.path = path
        self.access = access
        self.beforeCommit = beforeCommit
        if try DatabaseTraces.isMissing(path) {
            // Replacing a lost queue with a new one would silently forget every refund.
            let traces = DatabaseTraces(ofMissing: path)
            guard traces.files.isEmpty else { throw .missing(path, traces) }
            guard access == .readWrite || FileIdentity(path: path) != nil else { throw .notInitialised(path) }
        }
        if access == .readWrite { NewDatabase.create(at: path) }
        let real = DatabasePath.real(path)
        try DatabasePath.requireShareable(path, real: real)
        do {
            database = try Self.open(real, access)
            files = DatabaseFiles(path: path)
            memory = PositionMemory(beside: real)
            wal = WALMonitor(path: path)
            connection = database.inDatabase { Connection($0) }
        } catch let error as DatabaseError where error.resultCode == .SQLITE_NOTADB {
            throw .cannotOpen(path, error.message ?? "no database")
        } catch {
            throw StoreError(error, path: path)
        }
    }

    // When several processes switch a file to WAL at the same moment, SQLite lets one succeed and refuses the others at
    // once, without the busy timeout, because each holds a lock that the others want.
    private static func open(_ path: String, _ access: StoreAccess) throws -> DatabaseQueue {
        var configuration = GRDB.Configuration()
        configuration.readonly = access == .readOnly
        configuration.journalMode = access == .readOnly ? .default : .wal
        configuration.busyMode = .timeout(busyTimeout.inSeconds)
        configuration.foreignKeysEnabled = false
        configuration.label = "refundd.store"
        let deadline = ContinuousClock.now.advanced(by: busyTimeout)
        while true {
            do {
                let database = try DatabaseQueue(path: path, configuration: configuration)
                if access != .readOnly { try database.writeWithoutTransaction(configure) }
                return database
            } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY && ContinuousClock.now < deadline
            {
                Thread.sleep(forTimeInterval: 0.01)
            }
        }
    }

    private static func configure(_ database: Database) throws {
        // GRDB sets NORMAL when it switches to WAL. With NORMAL, a power cut may lose the last commits, but
        // acknowledged writes must survive.
        try database.execute(sql: "PRAGMA synchronous = FULL")
        // Shrinks a log that grew while a reader kept it from being reset.
        try database.execute(sql: "PRAGMA journal_size_limit = \(WALMonitor.limit)")
    }

    // MARK: - Cycles

    package func cycle(
        _ request: CycleRequest,
        decide: (CycleInput) -> [Write]
    ) throws(StoreError) -> [Rejection] {
        do throws(StoreError) {
            return try runCycle(request, decide)
        } catch  where error.isMissingIndex {
            try restoreSchema()
            return try runCycle(request, decide)
        }
    }

    private func runCycle(
        _ request: CycleRequest,
        _ decide: (CycleInput) -> [Write]
    ) throws(StoreError) -> [Rejection] {
        if !request.mustWrite {
            // A write transaction blocks all other writers, so one is opened only if there is something to write.
            let writes = try transaction(.deferred) { db in decide(try reader(db, request).read()) }
            if writes.isEmpty { return [] }
        }
        do throws(StoreError) {
            return try transaction(.immediate) { db in
                let writes = decide(try reader(db, request).read())
                let executor = WriteExecutor(database: db, statements: connection.statements)
                for write in writes { try executor.execute(write.action) }
                beforeCommit?()
                return []
            }
        } catch  where error.isOfOneRow {
            // One rejected row must not hold up the others.
            return try transaction(.immediate) { db in
                let writes = decide(try reader(db, request).read())
                let rejections = try isolated(writes, WriteExecutor(database: db, statements: connection.statements))
                beforeCommit?()
                return rejections
            }
        }
    }

    private func reader(_ db: Database, _ request: CycleRequest) -> CycleReader {
        CycleReader(statements: connection.statements, request: request)
    }

    private func isolated(_ writes: [Write], _ executor: WriteExecutor) throws -> [Rejection] {
        var rejections: [Rejection] = []
        for (index, write) in writes.enumerated() {
            for (claim, action) in write.action.parts.enumerated() {
                guard let reason = try rejection(of: action, executor) else { continue }
                rejections.append(Rejection(index: index, claim: claim, reason: reason))
                if let fallback = write.fallback { _ = try rejection(of: fallback, executor) }
            }
        }
        return rejections
    }

    /// Executes an action in a savepoint.
    ///
    /// - Returns: Why the database rejected it, or nil if it succeeded.
    private func rejection(of action: Write.Action, _ executor: WriteExecutor) throws -> String? {
        do {
            try executor.database.inSavepoint {
                try executor.execute(action)
                return .commit
            }
            return nil
        } catch {
            let error = StoreError(error, path: path, executor.database)
            guard error.isOfOneRow else { throw error }
            return error.reason
        }
    }

    // MARK: - Transactions

    package func read<Result>(
        _ body: (any QueueReader) throws(StoreError) -> Result
    ) throws(StoreError) -> Result {
        try transaction(.deferred) { db in try body(SQLiteTransaction(store: self, database: db)) }
    }

    @discardableResult
    package func write<Result>(
        _ body: (any QueueWriter) throws(StoreError) -> Result
    ) throws(StoreError) -> Result {
        try transaction(.immediate) { db in try body(SQLiteTransaction(store: self, database: db)) }
    }

    /// Runs one transaction.
    ///
    /// - Throws: `StoreError`; one that the body throws passes unchanged.
    func transaction<Result>(
        _ kind: Database.TransactionKind,
        _ body: (Database) throws -> Result
    ) throws(StoreError) -> Result {
        try onConnection { db in
            // Nothing may act on a commit to a file that is gone: no other process will ever see it.
            if kind != .deferred { try requireFiles(db) }
            var (result, positions): (Result?, Positions?)
            try db.inTransaction(kind) {
                result = try body(db)
                // A read transaction has nothing to commit, and SQLite refuses to commit once it has met damage.
                guard kind != .deferred else { return .rollback }
                positions = try requirePositions(db)
                return .commit
            }
            if kind != .deferred { try requireFiles(db) }
            if let positions { memory.remember(positions) }
            guard let result else { throw StoreError.failed(path, "the transaction did not run") }
            return result
        }
    }

    /// Runs a body on the connection, one at a time.
    ///
    /// - Throws: `StoreError`; one that the body throws passes unchanged.
    func onConnection<Result>(_ body: (Database) throws -> Result) throws(StoreError) -> Result {
        let outcome: Swift.Result<Result, StoreError> = database.inDatabase { db in
            if let ending = connection.ending { return .failure(ending) }
            do {
                return .success(try body(db))
            } catch {
                return .failure(StoreError(error, path: path, db))
            }
        }
        return try outcome.get()
    }

    package func lockForCommand() throws(StoreError) -> (any ServiceLock)? {
        guard case .taken(let lock) = try DaemonLock.attempt(path, for: .command) else { return nil }
        return lock
    }

    package func interrupt() {
        database.interrupt()
    }

    package func close() {
        let isLost = database.inDatabase { db in
            // The files may have been deleted since the last transaction.
            try? requireFiles(db)
            return connection.close(path)
        }
        if !isLost { try? database.close() }
    }
}

/// The state of the connection, used only on its queue.
final class Connection: @unchecked Sendable {
    // Only used inside `inDatabase`, which runs one call after the other.
    private var prepared: HotStatements?
    private let database: Database
    /// The last values of `PRAGMA data_version` and `PRAGMA schema_version`.
    var (dataVersion, schemaVersion): (Int64?, Int64?)
    /// Why the connection can no longer be used.
    var ending: StoreError?

    init(_ database: Database) {
        self.database = database
    }

    var statements: HotStatements {
        if let prepared { return prepared }
        let statements = HotStatements(database)
        prepared = statements
        return statements
    }

    /// Finalizes the prepared statements, which would keep the database from closing.
    ///
    /// - Returns: Whether the database must stay open because its files are lost.
    func close(_ path: String) -> Bool {
        prepared = nil
        let isLost = ending?.kind == .lost
        ending = ending ?? .failed(path, "it was closed")
        return isLost
    }
}

extension Write.Action {
    /// The action, or for a batch of claims each claim on its own.
    fileprivate var parts: [Write.Action] {
        switch self {
        case .claimRefunds(let claims, let end): claims.map { .claimRefunds([$0], until: end) }
        case .claimWebhooks(let claims, let end): claims.map { .claimWebhooks([$0], until: end) }
        default: [self]
        }
    }
}
