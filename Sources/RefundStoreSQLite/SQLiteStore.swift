import CSQLite
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
    /// - Throws: `StoreError` if the file cannot be opened or shared safely, or another process prevents WAL.
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
            // Another process may have created the queue meanwhile.
            if !traces.files.isEmpty, try DatabaseTraces.isMissing(path) { throw .missing(path, traces) }
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
        _ = hasDisabledMemoryStatistics
        var configuration = GRDB.Configuration()
        configuration.readonly = access == .readOnly
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

    // Must come before the first use of SQLite.
    private static let hasDisabledMemoryStatistics: Void = csqlite_disable_memory_statistics()

    private static func configure(_ database: Database) throws {
        // GRDB's own switch also writes, which would have an opening wait for any other program's transaction.
        let mode = try String.fetchOne(database, sql: "PRAGMA journal_mode = WAL")
        guard mode == "wal" else {
            throw DatabaseError(resultCode: .SQLITE_CANTOPEN, message: "cannot be switched to WAL")
        }
        // The first reading creates the log and its index, which are then watched.
        try database.execute(sql: "SELECT count(*) FROM sqlite_master")
        // With NORMAL, a power cut may lose the last commits, but acknowledged writes must survive.
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
                let executor = WriteExecutor(store: self, database: db)
                for write in writes { try executor.execute(write.action) }
                beforeCommit?()
                return []
            }
        } catch  where error.isOfOneRow {
            return try runIsolatedCycle(request, decide)
        }
    }

    private func reader(_ db: Database, _ request: CycleRequest) -> CycleReader {
        CycleReader(connection.statements, request)
    }

    /// The rejections found in earlier runs of a cycle: a trigger with RAISE(ROLLBACK) ends the transaction, which then
    /// runs again without the rejected write.
    private struct KnownRejections {
        var rejections: [Rejection] = []
        /// The writes whose fallback is rejected as well.
        var withoutFallback: Set<Int> = []
        var restarts = 0
    }

    /// Runs a cycle in which one rejected row does not hold up the others.
    private func runIsolatedCycle(
        _ request: CycleRequest,
        _ decide: (CycleInput) -> [Write]
    ) throws(StoreError) -> [Rejection] {
        var (writes, known): ([Write]?, KnownRejections) = (nil, KnownRejections())
        while true {
            let restarts = known.restarts
            do throws(StoreError) {
                return try transaction(.immediate) { db in
                    let all = try writes ?? decide(try reader(db, request).read())
                    writes = all
                    let executor = WriteExecutor(store: self, database: db)
                    let rejections = try isolated(all, executor, &known)
                    beforeCommit?()
                    return rejections
                }
            } catch {
                guard known.restarts > restarts else { throw error }
            }
        }
    }

    private func isolated(
        _ writes: [Write],
        _ executor: WriteExecutor,
        _ known: inout KnownRejections
    ) throws -> [Rejection] {
        func requireTransaction(_ reason: String, _ note: (inout KnownRejections) -> Void) throws {
            guard !executor.database.isInsideTransaction else { return }
            note(&known)
            known.restarts += 1
            throw StoreError.rejected(path, reason)
        }
        var rejections: [Rejection] = []
        for (index, write) in writes.enumerated() {
            for (claim, action) in write.action.parts.enumerated() {
                if let rejection = known.rejections.first(where: { ($0.index, $0.claim) == (index, claim) }) {
                    rejections.append(rejection)
                } else {
                    guard let reason = try executor.rejection({ try executor.execute(action) }) else { continue }
                    let rejection = Rejection(index: index, claim: claim, reason: reason)
                    try requireTransaction(reason) { $0.rejections.append(rejection) }
                    rejections.append(rejection)
                }
                guard let fallback = write.fallback, !known.withoutFallback.contains(index) else { continue }
                if let reason = try executor.rejection({ try executor.execute(fallback) }) {
                    try requireTransaction(reason) { $0.withoutFallback.insert(index) }
                }
            }
        }
        return rejections
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
        while true {
            let refused = connection.refused.count
            do throws(StoreError) {
                return try transaction(.immediate) { db in try body(SQLiteTransaction(store: self, database: db)) }
            } catch {
                // A trigger rolled back the whole transaction; the next attempt leaves the rejected write out.
                guard connection.refused.count > refused else { throw error }
            }
        }
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
            if kind != .deferred { try requireFiles(db, isCommitted: true) }
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
    /// Why a trigger rolled back a whole transaction, by the table, or table and row, that was being written.
    var refused: [String: String] = [:]
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
