import Glibc
package import RefundCore
package import RefundStore

/// A queue in a SQLite file.
package struct SQLiteProvider: StoreProvider {
    /// The file's path as given.
    package let location: String

    /// Creates a provider.
    ///
    /// - Parameter path: The file, which need not exist.
    package init(path: String) {
        location = path
    }

    package func open(
        _ access: StoreAccess,
        beforeCommit: (@Sendable () -> Void)?
    ) throws(StoreError) -> any QueueStore {
        try SQLiteStore(path: location, access: access, beforeCommit: beforeCommit)
    }

    package func initialize(at now: Timestamp, acceptingRestoredFor actor: String?) throws(StoreError) -> Int64? {
        let store = try SQLiteStore(path: location, access: .readWrite)
        defer { store.close() }
        var next: Int64?
        if let actor { next = try store.acceptRestored(by: actor, at: now) }
        try store.migrate(at: now)
        // From now on refunds may be in it, so it must not be created again once it is lost.
        if case .taken(let lock) = try DaemonLock.attempt(location, for: .command) { lock.noteServed() }
        return next
    }

    package var daemon: DaemonPresence { DaemonPresence(database: location) }

    package var distrust: String? { DaemonPresence.distrust(ofDatabase: location) }

    package func lock() throws(StoreError) -> LockAttempt {
        try DaemonLock.attempt(location, for: .daemon)
    }

    package var alreadyServed: StoreError { .alreadyServed(location) }

    package var owner: ServiceUser? {
        var status = stat()
        for place in [location, DatabasePath.folder(of: location)] where unsafe stat(place, &status) == 0 {
            return ServiceUser(id: status.st_uid)
        }
        return nil
    }

    package func findings(for user: ServiceUser) -> [Finding] { DatabaseCheck(path: location, user: user).findings() }

    package func accessFindings(for user: ServiceUser) -> [Finding] {
        DatabaseCheck(path: location, user: user).accessFindings()
    }

    package func spaceFindings() -> [Finding] { DatabaseCheck(path: location, user: .current).spaceFindings() }

    package var writer: QueueWriterProcess? { FileHolders.writer(of: location) }

    package func wakeFinding() -> Finding { WakeCheck.finding(folder: DatabasePath.folder(of: location)) }
}
