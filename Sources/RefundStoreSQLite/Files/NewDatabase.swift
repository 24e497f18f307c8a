import Glibc
import RefundCore

/// Creates a database's file.
///
/// A file that SQLite creates is writable only by its owner, but applications must write to it too.
enum NewDatabase {
    /// Creates an empty file unless it exists.
    ///
    /// If that fails, SQLite reports the reason when it opens the file.
    ///
    /// The umask decides who may read and write it. In a setgid folder, everyone who may create files there may write
    /// to it. If root creates it, it belongs to the folder's owner, the user that runs the daemon.
    ///
    /// - Parameter path: The database; for a link, its target is created.
    static func create(at path: String) {
        let path = DatabasePath.real(path)
        // The folder may be renamed or replaced meanwhile; its descriptor still refers to the same one.
        let folder = unsafe open(path.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { return }
        defer { close(folder) }
        var status = stat()
        guard unsafe fstat(folder, &status) == 0 else { return }
        let file = unsafe openat(folder, path.fileName, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o664)
        guard file >= 0 else { return }
        defer { close(file) }
        if geteuid() == 0 { fchown(file, status.st_uid, status.st_gid) }
        if status.st_mode & S_ISGID != 0 { fchmod(file, 0o600 | status.st_mode & 0o064) }
    }
}
