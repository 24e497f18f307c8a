import Foundation
import RefundCore
import RefundStore

/// The database as the daemon holds it: locked, migrated, and open twice.
struct Database: Sendable {
    /// The pipeline's connection.
    let store: RefundStore
    /// The connection that counts for the admin address, so that nobody waits for the other.
    let counting: RefundStore
    private let lock: DaemonLock

    init(path: String, at now: Timestamp) throws(CommandFailure) {
        do throws(StoreError) {
            let wasServed = DaemonLock.wasTaken(databasePath: path)
            lock = try DaemonLock(databasePath: path)
            // A new file in the place of one that is gone would forget every refund without a word.
            guard !wasServed || FileManager.default.fileExists(atPath: path) else { throw .missing(path: path) }
            store = try RefundStore(path: path, access: .readWrite)
            try lock.regainTrust(in: store)
            try store.migrate(at: now)
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
