import Glibc

/// The identities of a connection's files and of the daemon's lock file when it was opened.
///
/// SQLite keeps writing to a file that was deleted or replaced: every commit would succeed and be lost. If the lock
/// file was replaced, another daemon may hold the new one. The files are checked by name only, since closing a
/// descriptor of one would drop SQLite's own locks.
/// Source: <https://www.sqlite.org/howtocorrupt.html#_unlinking_or_renaming_a_database_file_while_in_use>.
struct DatabaseFiles: Sendable {
    private let opened: [(path: String, identity: FileIdentity)]

    /// Records the files of an open connection.
    ///
    /// - Parameter path: The database. A link to it must keep its target, since applications follow it on every open;
    ///   the other files are named after the target.
    init(path: String) {
        let real = DatabasePath.real(path)
        let names = [path, real + "-wal", real + "-shm", real + ".lock"]
        opened = names.compactMap { name in FileIdentity(path: name).map { (name, $0) } }
    }

    /// The first file that was deleted or replaced, or nil.
    var lost: String? {
        opened.first { path, identity in FileIdentity(path: path) != identity }?.path
    }

    /// The size of a database's write-ahead log.
    ///
    /// - Parameter path: The database.
    /// - Returns: The size in bytes, 0 without a log.
    static func walSize(path: String) -> Int64 {
        var status = stat()
        return unsafe stat(DatabasePath.real(path) + "-wal", &status) == 0 ? Int64(status.st_size) : 0
    }
}
