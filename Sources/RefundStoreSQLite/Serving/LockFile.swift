import Glibc
import RefundCore
import RefundStore

/// The open lock file beside a database, on which the daemon holds its lock.
///
/// It is empty until the database has a queue. Then its first line has the last positions, or blanks while they are
/// unknown, the second one says whether the database is trusted, and the others describe the daemon.
///
/// Every application that enqueues may write to that folder, and root runs commands there: a link or device under the
/// file's name may be a trap. So only a newly created file is given to the database's owner.
struct LockFile: ~Copyable, Sendable {
    static let flags = O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC

    /// The name of the lock file of a database, given by its real path.
    static func path(beside database: String) -> String { database + ".lock" }

    let descriptor: CInt
    private let path: String

    /// Opens the file, and creates it if it does not exist.
    ///
    /// - Parameter database: The database's real path.
    /// - Throws: `StoreError.cannotOpen`.
    init(beside database: String) throws(StoreError) {
        path = Self.path(beside: database)
        descriptor = Self.open(path, like: database)
        guard descriptor >= 0 else {
            throw .cannotOpen(path, Self.lastError)
        }
        guard Self.isTrusted(descriptor) else { throw .cannotOpen(path, Self.trap) }
    }

    /// Whether an open file is a regular file without a second name, which may be another program's.
    static func isTrusted(_ descriptor: CInt) -> Bool {
        var status = stat()
        // A deleted file has no link left.
        return unsafe fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG && status.st_nlink <= 1
    }

    /// The size of an open file in bytes.
    static func size(_ descriptor: CInt) -> Int {
        var status = stat()
        return unsafe fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0
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

    /// Whether the file is empty: the database has no queue yet.
    var isEmpty: Bool { Self.size(descriptor) == 0 }

    /// The lines after the positions, which say whether the database is trusted, and which daemon serves it.
    var verdict: String { Self.verdict(of: descriptor) }

    /// Those lines of an open lock file.
    static func verdict(of descriptor: CInt) -> String {
        var bytes = [UInt8](repeating: 0, count: 1_024)
        let count = unsafe pread(descriptor, &bytes, bytes.count, off_t(Positions.length))
        return String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
    }

    /// Replaces those lines; ignores errors, because the next daemon copes without them.
    func write(verdict: String) {
        let isEmpty = isEmpty
        let unknown = isEmpty ? Array(repeating: UInt8(ascii: " "), count: Positions.length - 1) + [0x0A] : []
        let bytes = unknown + Array(verdict.utf8)
        let end = off_t(Positions.length + verdict.utf8.count)
        // The file is never empty in between: an empty file means that no daemon has served the database.
        _ = unsafe pwrite(descriptor, bytes, bytes.count, isEmpty ? 0 : off_t(Positions.length))
        ftruncate(descriptor, end)
        fsync(descriptor)
    }

    deinit {
        close(descriptor)
    }
}
