import Foundation
import Glibc

/// The right to serve a database: a lock on a file beside it, which the kernel releases however the daemon ends.
///
/// The file is never deleted. It is empty until a daemon has served the database; then it says so, or why the daemon
/// that had the lock last could no longer trust the database.
package final class DaemonLock: Sendable {
    /// Who wants the lock.
    package enum Holder: Sendable {
        /// The daemon, which waits so long for a command's end.
        case daemon(patience: Duration)
        /// A command that does for a moment what only the daemon may.
        case command
    }

    private static let served = "served\n"
    private static let lookInterval = 0.05

    private let file: LockFile

    /// Takes the lock.
    ///
    /// - Parameters:
    ///   - databasePath: The database; its real path decides, so that a link to it is the same database.
    ///   - holder: Who wants it.
    /// - Throws: `StoreError.alreadyServed` when another process has it, `StoreError.cannotOpen` when the lock's file
    ///   cannot be created, or is none.
    package init(databasePath: String, for holder: Holder = .daemon(patience: .zero)) throws(StoreError) {
        let database = Self.realPath(databasePath)
        let patience: Duration = if case .daemon(let patience) = holder { patience } else { .zero }
        let deadline = ContinuousClock.now + patience
        while true {
            let file = try LockFile(beside: database)
            if try file.lock(LOCK_EX) {
                // Another file may have taken its place before it was locked, and somebody may have locked that.
                guard file.isInPlace else { continue }
                if case .command = holder, try !file.lock(LOCK_SH) { throw .alreadyServed(path: databasePath) }
                self.file = file
                return
            }
            // Commands let others share the lock, a daemon does not.
            guard ContinuousClock.now < deadline, try file.lock(LOCK_SH) else {
                throw .alreadyServed(path: databasePath)
            }
            Thread.sleep(forTimeInterval: Self.lookInterval)
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

    /// Whether a daemon has ever served the database.
    package var wasServed: Bool { !file.text.isEmpty }

    /// Writes down that the database is served, unless something is written already.
    package func noteServed() {
        if !wasServed { file.write(Self.served) }
    }

    /// Leaves word for whoever has the lock next that the whole database must be checked before it is served again.
    ///
    /// A service manager starts the daemon again at once, and the damage need not be where a start looks.
    ///
    /// - Parameter reason: Why, for a person who looks into the file.
    package func distrust(because reason: String) {
        file.write(reason + "\n")
    }

    /// Checks the whole database where that was asked for, and takes the word back once nothing is found.
    ///
    /// - Parameter store: The database.
    /// - Throws: `StoreError.damaged` while it is.
    package func regainTrust(in store: RefundStore) throws(StoreError) {
        guard wasServed, file.text != Self.served else { return }
        let damages = try store.read { tx in try tx.damages(limit: 1) }
        if let damage = damages.first { throw .damaged(path: store.path, reason: damage) }
        file.write(Self.served)
    }
}
