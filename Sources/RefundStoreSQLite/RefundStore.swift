import Foundation
import GRDB
package import RefundCore

/// The queue, the ledger and the outbox in one SQLite file.
///
/// All calls block the calling thread on SQLite: call them from a thread or queue of your own, never from the
/// cooperative pool. A store is one connection; its calls run one after the other.
package final class RefundStore: Sendable {
    /// What a store is opened for.
    package enum Access: Sendable {
        /// Reading and writing; the file is created when it is missing, and switched to WAL.
        case readWrite
        /// Reading and writing a file that must be there.
        case existing
        /// Reading a file that must be there.
        case readOnly
    }

    /// How long a statement waits for another program's transaction before it fails as busy.
    package static let busyTimeout: Duration = .seconds(5)

    /// The size in bytes to which a write-ahead log is cut that grew beyond it, once it has been emptied.
    package static let walLimit: Int64 = 64 * 1_024 * 1_024

    /// The file's path as it was given.
    package let path: String
    let database: DatabaseQueue
    private let files: DatabaseFiles

    /// Opens the database.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - access: What it is opened for.
    /// - Throws: `StoreError` when the file cannot be opened or another program keeps it from WAL.
    package init(path: String, access: Access) throws(StoreError) {
        self.path = path
        if access != .readWrite, !FileManager.default.fileExists(atPath: path) {
            throw .notInitialised(path: path)
        }
        if access == .readWrite { NewDatabase.create(at: path) }
        do {
            database = try Self.open(path, configuration: Self.configuration(access))
            files = DatabaseFiles(path: path)
            guard access != .readOnly else { return }
            try database.writeWithoutTransaction { db in
                // GRDB asks for NORMAL when it switches to WAL, after `prepareDatabase`; with NORMAL a power cut may
                // take the last commits back, and what SQLite acknowledged must stay.
                try db.execute(sql: "PRAGMA synchronous = FULL")
                // A log that grew while a reader kept it from being emptied shrinks again.
                try db.execute(sql: "PRAGMA journal_size_limit = \(Self.walLimit)")
            }
        } catch let error as DatabaseError where error.resultCode == .SQLITE_NOTADB {
            throw .cannotOpen(path: path, reason: error.message ?? "no database")
        } catch {
            throw StoreError(error, path: path)
        }
    }

    // Of several that switch a file to WAL at the same moment SQLite refuses all but one at once, without waiting for the
    // busy timeout, since they hold what the others want.
    private static func open(_ path: String, configuration: GRDB.Configuration) throws -> DatabaseQueue {
        let deadline = ContinuousClock.now.advanced(by: busyTimeout)
        while true {
            do {
                return try DatabaseQueue(path: path, configuration: configuration)
            } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY && ContinuousClock.now < deadline
            {
                Thread.sleep(forTimeInterval: 0.01)
            }
        }
    }

    private static func configuration(_ access: Access) -> GRDB.Configuration {
        var configuration = GRDB.Configuration()
        configuration.readonly = access == .readOnly
        configuration.journalMode = access == .readOnly ? .default : .wal
        configuration.busyMode = .timeout(busyTimeout.inSeconds)
        configuration.foreignKeysEnabled = false
        configuration.label = "refundd.store"
        return configuration
    }

    /// Runs one immediate transaction.
    ///
    /// - Parameter body: Reads and writes; what it throws rolls everything back.
    /// - Returns: What the body returns.
    /// - Throws: `StoreError`, also for what the body throws.
    @discardableResult
    package func transaction<Result>(_ body: (StoreTransaction) throws -> Result) throws(StoreError) -> Result {
        let result = try inTransaction(.immediate, body)
        // A commit to a file that is gone must not be acted on: nobody will ever see it.
        try checkFiles()
        return result
    }

    /// Reads in one transaction, so that all that is read belongs together.
    ///
    /// - Parameter body: Reads.
    /// - Returns: What the body returns.
    /// - Throws: `StoreError`, also for what the body throws.
    package func read<Result>(_ body: (StoreTransaction) throws -> Result) throws(StoreError) -> Result {
        // GRDB's own `read` switches `query_only` on and off again, and each of that makes SQLite compile every statement
        // of the connection anew.
        try inTransaction(.deferred) { tx in
            let changes = tx.db.totalChangesCount
            let result = try body(tx)
            guard tx.db.totalChangesCount == changes else {
                throw StoreError.failed(path: path, reason: "a read changed rows")
            }
            return result
        }
    }

    private func inTransaction<Result>(
        _ kind: Database.TransactionKind,
        _ body: (StoreTransaction) throws -> Result
    ) throws(StoreError) -> Result {
        do {
            var result: Result?
            try database.writeWithoutTransaction { db in
                try db.inTransaction(kind) {
                    result = try body(StoreTransaction(db: db))
                    // What only read has nothing to commit, which SQLite refuses once it has met damage.
                    return kind == .deferred ? .rollback : .commit
                }
            }
            guard let result else { throw StoreError.failed(path: path, reason: "the transaction did not run") }
            return result
        } catch {
            throw StoreError(error, path: path)
        }
    }

    /// A number that changes when another connection commits, and does not when this one does.
    ///
    /// Source: <https://www.sqlite.org/pragma.html#pragma_data_version>.
    ///
    /// - Throws: `StoreError` when the file cannot be read, or is no longer the one that was opened.
    package func dataVersion() throws(StoreError) -> Int64 {
        try checkFiles()
        do {
            return try database.writeWithoutTransaction { db in
                try Int64.fetchOne(db.cachedStatement(sql: "PRAGMA data_version")) ?? 0
            }
        } catch {
            throw StoreError(error, path: path)
        }
    }

    /// Creates the queue in a file that has none, and brings an older one up to date; one transaction for all of it.
    ///
    /// - Parameter now: The time written beside each migration.
    /// - Throws: `StoreError.newerSchema` when the file is ahead of this program, `StoreError.unsupportedEncoding` when it
    ///   stores text as UTF-16.
    package func migrate(at now: Timestamp) throws(StoreError) {
        do {
            try database.writeWithoutTransaction { db in
                try db.inTransaction(.immediate) {
                    try Self.migrate(db, path: path, at: now)
                    return .commit
                }
            }
        } catch let error as DatabaseError where error.resultCode == .SQLITE_ERROR {
            throw .namesTaken(path: path, reason: error.message ?? "no message")
        } catch {
            throw StoreError(error, path: path)
        }
    }

    private static func migrate(_ db: Database, path: String, at now: Timestamp) throws {
        let encoding = try String.fetchOne(db, sql: "PRAGMA encoding") ?? ""
        guard encoding == "UTF-8" else { throw StoreError.unsupportedEncoding(path: path, encoding: encoding) }
        try db.execute(sql: Migration.table)
        let applied = try Int.fetchOne(db, sql: "SELECT ifnull(max(id), 0) FROM refund_migrations") ?? 0
        if applied > Migration.all.count { throw StoreError.newerSchema(path: path, migration: applied) }
        for migration in Migration.all where migration.id > applied {
            for sql in migration.sql { try db.execute(sql: sql) }
            try db.execute(
                sql: "INSERT INTO refund_migrations (id, name, applied_at) VALUES (?, ?, ?)",
                arguments: [migration.id, migration.name, now.milliseconds]
            )
        }
    }

    /// Checks that the queue is there and of the version this program knows, without changing anything.
    ///
    /// - Throws: `StoreError.notInitialised`, `StoreError.olderSchema` or `StoreError.newerSchema`.
    package func checkSchema() throws(StoreError) {
        do {
            let applied = try lastMigration()
            if applied > Migration.all.count { throw StoreError.newerSchema(path: path, migration: applied) }
            if applied == 0 { throw StoreError.notInitialised(path: path) }
            if applied < Migration.all.count { throw StoreError.olderSchema(path: path, migration: applied) }
        } catch {
            throw StoreError(error, path: path)
        }
    }

    /// Whether the file has a queue, of whichever version.
    ///
    /// - Throws: `StoreError` when the file cannot be read.
    package func hasQueue() throws(StoreError) -> Bool {
        do {
            return try lastMigration() > 0
        } catch {
            throw StoreError(error, path: path)
        }
    }

    private func lastMigration() throws -> Int {
        try database.read { db in
            guard try db.tableExists("refund_migrations") else { return 0 }
            return try Int.fetchOne(db, sql: "SELECT ifnull(max(id), 0) FROM refund_migrations") ?? 0
        }
    }

    private func checkFiles() throws(StoreError) {
        if let lost = files.lost { throw .lost(path: lost) }
    }

    /// The size of the write-ahead log in bytes, 0 when there is none.
    package var walSize: Int64 { DatabaseFiles.walSize(path: path) }

    /// Empties the write-ahead log into the file and cuts it, unless another program is in the way right now.
    ///
    /// Source: <https://www.sqlite.org/pragma.html#pragma_wal_checkpoint>.
    package func cutLog() {
        try? database.writeWithoutTransaction { db in
            // What is to be copied is copied while others write; the cut itself is short, and waits for nobody.
            _ = try db.checkpoint(.passive)
            try db.execute(sql: "PRAGMA busy_timeout = 0")
            defer { try? db.execute(sql: "PRAGMA busy_timeout = \(Self.busyTimeout.wholeMilliseconds)") }
            _ = try db.checkpoint(.truncate)
        }
    }

    /// The other programs that have the database open, as far as this user may see.
    package var users: [String] { FileHolders.names(of: path) }

    /// Closes the connection.
    package func close() {
        try? database.close()
    }
}

extension StoreError {
    /// Puts any error of the store's calls into the words of this type.
    init(_ error: any Error, path: String) {
        switch error {
        case let error as StoreError:
            self = error
        case let error as DatabaseError:
            switch error.resultCode {
            case .SQLITE_BUSY, .SQLITE_LOCKED:
                self = .busy(path: path, holders: FileHolders.names(of: path))
            case .SQLITE_CANTOPEN:
                self = .cannotOpen(path: path, reason: error.message ?? "\(error.resultCode)")
            case .SQLITE_FULL:
                self = .full(path: path)
            case .SQLITE_READONLY:
                self = error.extendedResultCode == .SQLITE_READONLY_DBMOVED ? .lost(path: path) : .readOnly(path: path)
            case .SQLITE_CORRUPT, .SQLITE_NOTADB:
                self = .damaged(path: path, reason: error.message ?? "\(error.resultCode)")
            case .SQLITE_CONSTRAINT:
                self = .refused(reason: error.message ?? "a constraint")
            default:
                let message = error.message ?? "no message"
                self = .failed(path: path, reason: "\(message) (\(error.extendedResultCode.rawValue))")
            }
        default:
            self = .failed(path: path, reason: "\(error)")
        }
    }
}
