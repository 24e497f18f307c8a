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
            lock = try DaemonLock(databasePath: path)
            store = try RefundStore(path: path, access: .readWrite)
            try store.migrate(at: now)
            CrashPoint.reached(.afterMigration)
            counting = try RefundStore(path: path, access: .existing)
        } catch {
            throw CommandFailure(error)
        }
    }

    func close() {
        counting.close()
        store.close()
    }
}
