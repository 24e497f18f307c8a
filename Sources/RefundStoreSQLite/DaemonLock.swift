import Foundation
import Glibc
package import RefundStore

/// The right to serve a database: a lock on a file beside it, which the kernel releases however the daemon ends.
///
/// The file is never deleted. It is empty until a daemon has served the database; then it says so, or why the last daemon
/// could no longer trust the database.
package final class DaemonLock: Sendable {
    /// Who wants the lock.
    package enum Holder: Sendable {
        /// The daemon, which waits while a command has the lock.
        case daemon
        /// A command that does for a moment what only the daemon may.
        case command
    }

    /// What an attempt to take the lock led to.
    package enum Attempt: Sendable {
        /// The lock.
        case taken(DaemonLock)
        /// A command has it, and will soon be done.
        case heldByCommand
        /// A daemon has it.
        case heldByDaemon
    }

    private static let served = "served\n"

    private let file: LockFile

    private init(_ file: consuming LockFile) {
        self.file = file
    }

    /// Tries to take the lock, without waiting.
    ///
    /// - Parameters:
    ///   - path: The database; its real path decides, so that a link to it is the same database.
    ///   - holder: Who wants it.
    /// - Throws: `StoreError` if the lock's file cannot be created, or is none.
    package static func attempt(_ path: String, for holder: Holder) throws(StoreError) -> Attempt {
        while true {
            let file = try LockFile(beside: realPath(path))
            guard try file.lock(LOCK_EX) else {
                // Commands let others share the lock, a daemon does not.
                return try file.lock(LOCK_SH) ? .heldByCommand : .heldByDaemon
            }
            // Another file may have taken its place before it was locked, and somebody may have locked that.
            guard file.isInPlace else { continue }
            if holder == .command, try !file.lock(LOCK_SH) { return .heldByDaemon }
            return .taken(DaemonLock(file))
        }
    }

    /// The path that SQLite names its other files after.
    ///
    /// Foundation leaves a link alone whose file is still to be made; SQLite makes the file that it names.
    static func realPath(_ path: String) -> String {
        var url = URL(fileURLWithPath: path)
        for _ in 0..<100 {
            guard let target = try? FileManager.default.destinationOfSymbolicLink(atPath: url.path) else { break }
            url = URL(fileURLWithPath: target, relativeTo: url.deletingLastPathComponent())
        }
        return url.resolvingSymlinksInPath().path
    }

    /// Whether a daemon has ever served a database; the lock file is only looked at.
    static func wasServed(_ path: String) -> Bool {
        var status = stat()
        return unsafe lstat(realPath(path) + ".lock", &status) == 0 && status.st_size > 0
    }

    /// Whether a daemon has ever served the database.
    package var wasServed: Bool { !file.text.isEmpty }

    /// Writes down that the database is served, unless something is written already.
    package func noteServed() {
        if !wasServed { file.write(Self.served) }
    }

    /// Whether the last daemon could no longer trust the database, so that it must be checked before it is served.
    package var isSuspect: Bool { wasServed && file.text != Self.served }

    /// Has the next daemon check the whole database before it serves it.
    ///
    /// A service manager starts the daemon again at once, and the damage need not be where a start looks.
    ///
    /// - Parameter reason: Why, for an operator who looks into the file.
    package func markSuspect(because reason: String) {
        file.write(reason + "\n")
    }

    /// Checks a suspect database, and trusts it again if it is whole.
    ///
    /// - Throws: `StoreError` of kind `damaged` if it is not.
    package func regainTrust(in store: SQLiteStore) throws(StoreError) {
        guard isSuspect else { return }
        let damage = try store.read { tx throws(StoreError) in try tx.damage(limit: 1) }
        if let damage = damage.first { throw .damaged(store.path, damage) }
        file.write(Self.served)
    }
}
