import Foundation
import GRDB
package import RefundCore
package import RefundStore

/// The queue, the ledger and the outbox in one SQLite file in WAL mode.
///
/// A store is one connection, and its calls run one after the other on the calling thread.
package final class SQLiteStore: QueueStore {
    /// What a store is opened for.
    package enum Access: Sendable {
        /// Reading and writing; a missing file is created, and the file is switched to WAL.
        case readWrite
        /// Reading and writing a file that must exist.
        case existing
        /// Reading a file that must exist.
        case readOnly
    }

    /// How long a statement waits for another process's transaction before it fails as busy.
    package static let busyTimeout: Duration = .seconds(5)

    /// The file's path as it was given.
    package let path: String
    let database: DatabaseQueue
    private let files: DatabaseFiles
    private let connection: Connection

    /// The prepared statements of the hot path; used only inside a transaction.
    var statements: HotStatements { connection.statements }
    private let beforeCommit: (@Sendable () -> Void)?
    private let wal: WALMonitor

    /// Where the queue is.
    package var location: String { path }

    /// Opens the database.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - access: What it is opened for.
    ///   - beforeCommit: Called when a cycle has written everything and is about to commit, for tests of crashes.
    /// - Throws: `StoreError` if the file cannot be opened, or another process keeps it from WAL.
    package init(
        path: String,
        access: Access,
        beforeCommit: (@Sendable () -> Void)? = nil
    ) throws(StoreError) {
        self.path = path
        self.beforeCommit = beforeCommit
        if !FileManager.default.fileExists(atPath: path) {
            // A new queue in place of one that is gone would silently forget every refund.
            if DaemonLock.wasServed(path) { throw .missing(path) }
            guard access == .readWrite else { throw .notInitialised(path) }
        }
        if access == .readWrite { NewDatabase.create(at: path) }
        do {
            database = try Self.open(path, access)
            files = DatabaseFiles(path: path)
            wal = WALMonitor(path: path)
            connection = database.inDatabase { Connection($0) }
        } catch let error as DatabaseError where error.resultCode == .SQLITE_NOTADB {
            throw .cannotOpen(path, error.message ?? "no database")
        } catch {
            throw StoreError(error, path: path)
        }
    }

    // Of several processes that switch a file to WAL at the same moment SQLite refuses all but one at once, without
    // waiting for the busy timeout, because they hold what the others want.
    private static func open(_ path: String, _ access: Access) throws -> DatabaseQueue {
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
        // GRDB sets NORMAL when it switches to WAL; with NORMAL a power cut may take back the last commits, and what
        // was acknowledged must stay.
        try database.execute(sql: "PRAGMA synchronous = FULL")
        // A log that grew while a reader kept it from being emptied shrinks again.
        try database.execute(sql: "PRAGMA journal_size_limit = \(WALMonitor.limit)")
    }

    // MARK: - Cycles

    package func cycle(
        _ request: CycleRequest,
        decide: (CycleInput) -> [Write]
    ) throws(StoreError) -> [Rejection] {
        if !request.mustWrite {
            // While a transaction of ours is open nobody else can write, so none is opened for nothing.
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
        } catch  where error.kind == .rejected || error.kind == .application {
            // One row that the database rejects must not hold up the others.
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
    /// - Returns: Why the database rejected it, or nil if it was executed.
    private func rejection(of action: Write.Action, _ executor: WriteExecutor) throws -> String? {
        do {
            try executor.database.inSavepoint {
                try executor.execute(action)
                return .commit
            }
            return nil
        } catch {
            let error = StoreError(error, path: path)
            guard error.kind == .rejected || error.kind == .application else { throw error }
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
        let outcome: Swift.Result<Result, StoreError> = database.inDatabase { db in
            var result: Result?
            do {
                try db.inTransaction(kind) {
                    result = try body(db)
                    // A transaction that only read has nothing to commit, which SQLite refuses once it has met damage.
                    return kind == .deferred ? .rollback : .commit
                }
            } catch {
                return .failure(StoreError(error, path: path))
            }
            guard let result else { return .failure(.failed(path, "the transaction did not run")) }
            return .success(result)
        }
        let result = try outcome.get()
        // A commit to a file that is gone must not be acted on: nobody will ever see it.
        if kind != .deferred { try checkFiles() }
        return result
    }

    // MARK: - Other processes

    package func hasForeignCommits() throws(StoreError) -> Bool {
        try checkFiles()
        let outcome: Swift.Result<Int64, StoreError> = database.inDatabase { db in
            do {
                return .success(try Int64.fetchOne(db.cachedStatement(sql: "PRAGMA data_version")) ?? 0)
            } catch {
                return .failure(StoreError(error, path: path))
            }
        }
        return connection.replaceDataVersion(try outcome.get())
    }

    private func checkFiles() throws(StoreError) {
        if let lost = files.lost { throw .lost(lost) }
    }

    package func upkeep(at now: Timestamp) -> [StoreEvent] {
        wal.check(at: now, truncate: truncateWAL)
    }

    // Source: <https://www.sqlite.org/pragma.html#pragma_wal_checkpoint>.
    private func truncateWAL() {
        try? database.writeWithoutTransaction { db in
            // Copying happens while others write; the truncation is short, and waits for nobody.
            _ = try db.checkpoint(.passive)
            try db.execute(sql: "PRAGMA busy_timeout = 0")
            defer { try? db.execute(sql: "PRAGMA busy_timeout = \(Self.busyTimeout.wholeMilliseconds)") }
            _ = try db.checkpoint(.truncate)
        }
    }

    package func makeWakeSource(_ wake: @escaping @Sendable () -> Void) -> any WakeSource {
        CommitWatcher(databasePath: path, wake: wake)
    }

    /// Makes whatever the connection is doing fail at once, from another thread.
    package func interrupt() {
        database.interrupt()
    }

    package func close() {
        database.inDatabase { _ in connection.close() }
        try? database.close()
    }
}

/// What belongs to the connection and is used on its queue only.
private final class Connection: @unchecked Sendable {
    // Only used inside `inDatabase`, which runs one call after the other.
    private var prepared: HotStatements?
    private let database: Database
    private var dataVersion: Int64?

    init(_ database: Database) {
        self.database = database
    }

    var statements: HotStatements {
        if let prepared { return prepared }
        let statements = HotStatements(database)
        prepared = statements
        return statements
    }

    /// Remembers a data version.
    ///
    /// - Returns: Whether it differs from the last one.
    func replaceDataVersion(_ version: Int64) -> Bool {
        defer { dataVersion = version }
        return version != dataVersion
    }

    /// Finalizes the prepared statements, without which the database cannot be closed.
    func close() {
        prepared = nil
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
