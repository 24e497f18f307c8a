import Glibc

/// Creates a database's file.
///
/// SQLite would create a file that only its owner may write, but applications must write it too.
enum NewDatabase {
    /// Creates an empty file unless there is one; SQLite reports why it could not be created when it opens it.
    ///
    /// The umask decides who may read and write it, unless the folder is setgid: then everyone who may create files in the
    /// folder may write this one. If root creates it, it belongs to the folder's owner, as whom the daemon runs.
    ///
    /// - Parameter path: The database; for a link, its target is created.
    static func create(at path: String) {
        let path = DatabasePath.real(path)
        guard let slash = path.lastIndex(of: "/") else { return }
        // The folder may be renamed or replaced meanwhile; its descriptor stays the same.
        let folder = unsafe open(String(path[...slash]), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { return }
        defer { close(folder) }
        let name = String(path[path.index(after: slash)...])
        var status = stat()
        guard unsafe fstat(folder, &status) == 0 else { return }
        let file = unsafe openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o664)
        guard file >= 0 else { return }
        defer { close(file) }
        if geteuid() == 0 { fchown(file, status.st_uid, status.st_gid) }
        if status.st_mode & S_ISGID != 0 { fchmod(file, 0o600 | status.st_mode & 0o064) }
    }
}
