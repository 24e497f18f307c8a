import Glibc
import RefundCore
import RefundStore

/// The open lock file beside a database, on which the daemon holds its lock.
///
/// Every application that enqueues may write to that folder, and root runs commands there: a link or device under the
/// file's name may be a trap. So only a newly created file is given to the database's owner.
struct LockFile: ~Copyable, Sendable {
    private static let flags = O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC

    let descriptor: CInt
    private let path: String

    /// Opens the file, and creates it if it does not exist.
    ///
    /// - Parameter database: The database's real path.
    /// - Throws: `StoreError.cannotOpen`.
    init(beside database: String) throws(StoreError) {
        path = database + ".lock"
        descriptor = Self.open(path, like: database)
        guard descriptor >= 0 else {
            throw .cannotOpen(path, Self.lastError)
        }
        var status = stat()
        // A deleted file has no link left; a file with a second link may be another program's.
        guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_nlink <= 1 else {
            throw .cannotOpen(path, Self.trap)
        }
    }

    private static let trap = "it is a link or not a regular file; remove it"

    private static var lastError: String {
        [ELOOP, EISDIR, ENXIO].contains(errno) ? trap : SystemError().description
    }

    private static func open(_ path: String, like database: String) -> CInt {
        while true {
            let found = unsafe Glibc.open(path, flags)
            guard found < 0, errno == ENOENT else { return found }
            let made = unsafe Glibc.open(path, flags | O_CREAT | O_EXCL, 0o660)
            if made >= 0 { share(made, like: database) }
            // Another process may have created it meanwhile.
            guard made < 0, errno == EEXIST else { return made }
        }
    }

    // A command run by root may create the file, but the daemon's user, and the group that may write the database, must
    // be able to open it. SQLite treats its own `-wal` and `-shm` the same way.
    private static func share(_ descriptor: CInt, like database: String) {
        var status = stat()
        guard unsafe stat(database, &status) == 0 else { return }
        // Only root may change the owner.
        _ = fchown(descriptor, status.st_uid, status.st_gid)
        _ = fchmod(descriptor, status.st_mode & 0o666)
    }

    /// Takes a lock, replacing the current one.
    ///
    /// - Parameter kind: `LOCK_EX` or `LOCK_SH`.
    /// - Returns: False if another process holds a conflicting lock; this process then holds none.
    /// - Throws: `StoreError.cannotOpen` if the file system does not support locks.
    func lock(_ kind: CInt) throws(StoreError) -> Bool {
        if flock(descriptor, kind | LOCK_NB) == 0 { return true }
        guard errno == EWOULDBLOCK else { throw .cannotOpen(path, Self.lastError) }
        return false
    }

    /// Whether the file was neither deleted nor replaced.
    var isInPlace: Bool { FileIdentity(path: path) == FileIdentity(descriptor: descriptor) }

    /// The file's content.
    var text: String { Self.text(of: descriptor) }

    /// The content of an open lock file.
    static func text(of descriptor: CInt) -> String {
        var bytes = [UInt8](repeating: 0, count: 1_024)
        let count = unsafe pread(descriptor, &bytes, bytes.count, 0)
        return String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
    }

    /// Replaces the content; ignores errors, because the next daemon copes without it.
    func write(_ text: String) {
        let bytes = Array(text.utf8)
        // The file is never empty in between, which would mean that no daemon has served the database.
        _ = unsafe pwrite(descriptor, bytes, bytes.count, 0)
        ftruncate(descriptor, off_t(bytes.count))
        fsync(descriptor)
    }

    deinit {
        close(descriptor)
    }
}
