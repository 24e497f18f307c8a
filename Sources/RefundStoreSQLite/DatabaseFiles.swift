import Glibc

/// The files that a connection writes to and the daemon's lock, as their names stood when it was opened.
///
/// SQLite goes on writing into a file whose name is gone or now stands for another one: every commit would succeed and
/// be lost. Where the lock's file is another one, another daemon may have locked that. The files are only looked at by name, since closing a descriptor of them would drop SQLite's own locks.
/// Source: <https://www.sqlite.org/howtocorrupt.html#_unlinking_or_renaming_a_database_file_while_in_use>.
struct DatabaseFiles: Sendable {
    private let opened: [(path: String, identity: FileIdentity)]

    /// Takes note of the files of an open connection.
    ///
    /// - Parameter path: The database. A link to it must go on leading there, since applications follow it anew; the
    ///   other files are named after what it leads to.
    init(path: String) {
        let real = DaemonLock.realPath(path)
        let names = [path, real + "-wal", real + "-shm", real + ".lock"]
        opened = names.compactMap { name in FileIdentity(path: name).map { (name, $0) } }
    }

    /// The first file whose name no longer stands for what was opened, or nil while all do.
    var lost: String? {
        opened.first { path, identity in FileIdentity(path: path) != identity }?.path
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
