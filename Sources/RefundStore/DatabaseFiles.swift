import Glibc

/// The files that a connection writes to, as their names stood when it was opened.
///
/// SQLite goes on writing into a file whose name is gone or now stands for another one: every commit would succeed and
/// be lost. The files are only looked at by name, since closing a descriptor of them would drop SQLite's own locks.
/// Source: <https://www.sqlite.org/howtocorrupt.html#_unlinking_or_renaming_a_database_file_while_in_use>.
struct DatabaseFiles: Sendable {
    private struct Identity: Hashable {
        let device: UInt64
        let inode: UInt64

        init?(_ path: String) {
            var status = stat()
            guard unsafe stat(path, &status) == 0 else { return nil }
            (device, inode) = (UInt64(status.st_dev), UInt64(status.st_ino))
        }
    }

    private let opened: [(path: String, identity: Identity)]

    /// Takes note of the files of an open connection.
    ///
    /// - Parameter path: The database. A link to it must go on leading there, since applications follow it anew; the
    ///   other files are named after what it leads to.
    init(path: String) {
        let real = DaemonLock.realPath(path)
        opened = [path, real + "-wal", real + "-shm"].compactMap { name in Identity(name).map { (name, $0) } }
    }

    /// The first file whose name no longer stands for what was opened, or nil while all do.
    var lost: String? {
        opened.first { path, identity in Identity(path) != identity }?.path
    }

    /// The size of a database's write-ahead log.
    ///
    /// - Parameter path: The database.
    /// - Returns: The size in bytes, 0 when there is none.
    static func walSize(path: String) -> Int64 {
        var status = stat()
        return unsafe stat(DaemonLock.realPath(path) + "-wal", &status) == 0 ? Int64(status.st_size) : 0
    }
}
