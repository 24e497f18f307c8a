import Glibc
package import RefundStore

/// The right to serve a database: a lock on a file beside it, which the kernel releases however the daemon ends.
///
/// The file is never deleted. It is empty until the database has a queue. Then it names the daemon that served
/// it last, or says why that daemon no longer trusted the database, and it keeps the last positions.
package final class DaemonLock: ServiceLock {
    /// Who wants the lock.
    package enum Holder: Sendable {
        /// The daemon, which waits while a command has the lock.
        case daemon
        /// A command that briefly does what only the daemon may.
        case command
    }

    static let served = "served\n"

    private let file: LockFile

    private init(_ file: consuming LockFile) {
        self.file = file
    }

    /// Tries to take the lock, without waiting.
    ///
    /// - Parameters:
    ///   - path: The database; a link counts as its target.
    ///   - holder: Who wants it.
    /// - Returns: The lock, or who holds it.
    /// - Throws: `StoreError` if the lock file cannot be created, or is not a regular file.
    package static func attempt(_ path: String, for holder: Holder) throws(StoreError) -> LockAttempt {
        while true {
            let file = try LockFile(beside: DatabasePath.real(path))
            guard try file.lock(LOCK_EX) else {
                // Commands hold a shared lock, a daemon an exclusive one.
                return try file.lock(LOCK_SH) ? .heldByCommand : .heldByDaemon
            }
            // The file may have been replaced before it was locked, and another process may have locked the new one.
            guard file.isInPlace else { continue }
            if holder == .command, try !file.lock(LOCK_SH) { return .heldByDaemon }
            return .taken(DaemonLock(file))
        }
    }

    /// Whether the database ever had a queue.
    package var wasServed: Bool { !file.isEmpty }

    package func noteServed() {
        if !wasServed { file.write(verdict: Self.served) }
    }

    package func noteServing(_ daemon: ServingDaemon) {
        if wasServed, !isSuspect { file.write(verdict: Self.served + daemon.text) }
    }

    package var isSuspect: Bool { wasServed && !file.verdict.hasPrefix(Self.served) }

    package func markSuspect(because reason: String) {
        file.write(verdict: reason + "\n")
    }

    @discardableResult
    package func regainTrust(in store: any QueueStore) throws(StoreError) -> [String] {
        guard isSuspect else { return [] }
        let integrity = try store.read { tx throws(StoreError) in try tx.integrity(limit: Self.noteLimit) }
        if let damage = integrity.damage.first { throw .damaged(store.location, damage) }
        file.write(verdict: Self.served)
        return integrity.notes
    }

    private static let noteLimit = 10
}
