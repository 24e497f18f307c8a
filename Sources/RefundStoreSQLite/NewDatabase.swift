import Glibc

/// The database's file where there is none yet.
///
/// SQLite makes a file that its owner alone may write, and all the applications that enqueue must.
enum NewDatabase {
    /// Makes the file, empty, unless it is there; what keeps it from being made SQLite says at once.
    ///
    /// The umask decides who may read and write it, unless the folder hands its group on: then whoever may make files in
    /// there may write this one. Where root makes it, it belongs to the folder's owner, as whom the daemon runs.
    ///
    /// - Parameter path: The database; what a link leads to is made.
    static func create(at path: String) {
        let path = DaemonLock.realPath(path)
        guard let slash = path.lastIndex(of: "/") else { return }
        // The file is made in the very folder that it is measured by, whatever becomes of the names meanwhile.
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
