import Foundation
import Glibc

/// The right to serve a database: a lock on a file beside it, which the kernel releases however the daemon ends.
///
/// The file is never deleted, or two daemons could each lock another file of the same name.
public final class DaemonLock: Sendable {
    private let descriptor: CInt

    /// Takes the lock.
    ///
    /// - Parameter databasePath: The database; its real path decides, so that a link to it is the same database.
    /// - Throws: `StoreError.alreadyServed` when another process has it, `StoreError.cannotOpen` when the lock's file
    ///   cannot be created.
    public init(databasePath: String) throws(StoreError) {
        let database = Self.realPath(databasePath)
        let path = database + ".lock"
        descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o660)
        guard descriptor >= 0 else {
            throw .cannotOpen(path: path, reason: unsafe String(cString: strerror(errno)))
        }
        Self.share(descriptor, like: database)
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw .alreadyServed(path: databasePath)
        }
    }

    // A command that root runs may be who makes the file, and the daemon's user and the group that may write the
    // database must be able to open it all the same. SQLite treats its own `-wal` and `-shm` likewise.
    private static func share(_ descriptor: CInt, like database: String) {
        var status = stat()
        guard unsafe stat(database, &status) == 0 else { return }
        // Refused to whoever does not own the file, who then did not make it either.
        _ = fchown(descriptor, status.st_uid, status.st_gid)
        _ = fchmod(descriptor, status.st_mode & 0o666)
    }

    // Foundation leaves a link alone whose file is still to be made; SQLite makes the file that it names.
    private static func realPath(_ path: String) -> String {
        var url = URL(fileURLWithPath: path)
        for _ in 0..<100 {
            guard let target = try? FileManager.default.destinationOfSymbolicLink(atPath: url.path) else { break }
            url = URL(fileURLWithPath: target, relativeTo: url.deletingLastPathComponent())
        }
        return url.resolvingSymlinksInPath().path
    }

    deinit {
        close(descriptor)
    }
}
