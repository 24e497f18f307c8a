import Foundation
import RefundCore
import RefundStoreSQLite

/// The database as the daemon holds it: locked, migrated, and open twice.
struct Database: Sendable {
    /// The pipeline's connection.
    let store: RefundStore
    /// The connection that counts for the admin address, so that nobody waits for the other.
    let counting: RefundStore
    private let lock: DaemonLock

    /// Opens a database to serve it.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - patience: How long a command's end is waited for.
    ///   - now: The time.
    /// - Throws: `CommandFailure` when it cannot be served.
    init(path: String, patience: Duration, at now: Timestamp) throws(CommandFailure) {
        do throws(StoreError) {
            lock = try DaemonLock(databasePath: path, for: .daemon(patience: patience))
            // A new queue in the place of one that is gone would forget every refund without a word.
            let wasServed = lock.wasServed
            guard !wasServed || FileManager.default.fileExists(atPath: path) else { throw .missing(path: path) }
            store = try RefundStore(path: path, access: .readWrite)
            if wasServed, try !store.hasQueue() { throw .missing(path: path) }
            try lock.regainTrust(in: store)
            try store.migrate(at: now)
            lock.noteServed()
            CrashPoint.reached(.afterMigration)
            counting = try RefundStore(path: path, access: .existing)
        } catch {
            throw CommandFailure(error)
        }
    }

    /// Lets nobody serve the database again before the whole file is checked.
    func distrust(_ error: StoreError) {
        lock.distrust(because: error.description)
    }

    func close() {
        counting.close()
        store.close()
    }
}
