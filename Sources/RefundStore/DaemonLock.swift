import Foundation
import Glibc

/// The right to serve a database: a lock on a file beside it, which the kernel releases however the daemon ends.
///
/// The file is never deleted, or two daemons could each lock another file of the same name. It is empty unless the
/// daemon that had the lock last could no longer trust the database; then it says why.
public final class DaemonLock: Sendable {
    private let descriptor: CInt

    /// Whether a daemon has ever served a database.
    ///
    /// - Parameter databasePath: The database.
    /// - Returns: Whether the lock's file is there.
    public static func wasTaken(databasePath: String) -> Bool {
        FileManager.default.fileExists(atPath: realPath(databasePath) + ".lock")
    }

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

    /// Leaves word for whoever has the lock next that the whole database must be checked before it is served again.
    ///
    /// A service manager starts the daemon again at once, and the damage need not be where a start looks.
    ///
    /// - Parameter reason: Why, for a person who looks into the file.
    public func distrust(because reason: String) {
        let bytes = Array((reason + "\n").utf8)
        // Where it cannot be written, whoever is next meets the damage by himself.
        ftruncate(descriptor, 0)
        _ = unsafe pwrite(descriptor, bytes, bytes.count, 0)
        fsync(descriptor)
    }

    /// Checks the whole database where that was asked for, and takes the word back once nothing is found.
    ///
    /// - Parameter store: The database.
    /// - Throws: `StoreError.damaged` while it is.
    public func regainTrust(in store: RefundStore) throws(StoreError) {
        guard lseek(descriptor, 0, SEEK_END) > 0 else { return }
        let damages = try store.read { tx in try tx.damages(limit: 1) }
        if let damage = damages.first { throw .damaged(path: store.path, reason: damage) }
        ftruncate(descriptor, 0)
    }

    deinit {
        close(descriptor)
    }
}
