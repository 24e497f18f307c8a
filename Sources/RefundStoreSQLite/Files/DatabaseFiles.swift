import Foundation
import Glibc
import RefundCore
import RefundStore

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
        let names = [path, real, real + "-wal", real + "-shm", LockFile.path(beside: real)]
        opened = names.compactMap { name in FileIdentity(path: name).map { (name, $0) } }
    }

    /// What happened to a file after it was opened.
    enum Change {
        /// It was deleted or replaced.
        case lost(String)
        /// It cannot be looked up any more, which says nothing about the file itself.
        case hidden(String, SystemError)
    }

    /// What happened to the files: the first loss, or else the first file that is hidden; nil if nothing did.
    var change: Change? {
        var hidden: Change?
        for (path, identity) in opened {
            let found = FileIdentity(path: path)
            guard found != identity else { continue }
            let error = SystemError()
            guard found == nil, error.code != ENOENT else { return .lost(path) }
            hidden = hidden ?? .hidden(path, error)
        }
        return hidden
    }

    // O_TMPFILE, which Swift does not import. Source: open(2).
    private static let unnamedFile = 0o20_000_000 | O_DIRECTORY

    /// Returns whether a database can no longer be written, although SQLite has it open.
    ///
    /// A file system that turns read-only fails each write to an open file, which SQLite reports like any other I/O error.
    /// The files are not opened: closing one would drop SQLite's own locks. The file system may hide its state from
    /// access(2), so an unnamed file is made, too.
    ///
    /// - Parameter path: The database.
    /// - Returns: Whether its files or its file system are read-only.
    static func isReadOnly(path: String) -> Bool {
        let real = DatabasePath.real(path)
        for file in [real, real + "-wal", real + "-shm"] where unsafe access(file, W_OK) != 0 {
            if [EROFS, EPERM, EACCES].contains(errno) { return true }
        }
        let unnamed = unsafe open(DatabasePath.folder(of: path), Self.unnamedFile | O_WRONLY | O_CLOEXEC, 0o600)
        guard unnamed >= 0 else { return errno == EROFS }
        close(unnamed)
        return false
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

/// The identity of a file, whatever its name.
struct FileIdentity: Hashable {
    private let device: UInt64
    private let inode: UInt64

    private init(_ status: stat) {
        (device, inode) = (UInt64(status.st_dev), UInt64(status.st_ino))
    }

    /// Creates the identity of the file that has a name now; nil if there is none.
    init?(path: String) {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return nil }
        self.init(status)
    }

    /// Creates the identity of an open file.
    init?(descriptor: CInt) {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { return nil }
        self.init(status)
    }
}

/// Finds the programs that have a file open, so that messages can name them.
enum FileHolders {
    /// The other programs that have the file open, as far as this user may see.
    ///
    /// Source: proc(5), `/proc/PID/fd` and `/proc/PID/comm`.
    static func names(of path: String) -> [String] {
        let files = FileManager.default
        let target = DatabasePath.real(path)
        let own = String(ProcessInfo.processInfo.processIdentifier)
        let processes = (try? files.contentsOfDirectory(atPath: "/proc")) ?? []
        return processes.compactMap { process in
            guard process != own, process.allSatisfy(\.isNumber) else { return nil }
            let descriptors = (try? files.contentsOfDirectory(atPath: "/proc/\(process)/fd")) ?? []
            let holds = descriptors.contains { descriptor in
                (try? files.destinationOfSymbolicLink(atPath: "/proc/\(process)/fd/\(descriptor)")) == target
            }
            guard holds else { return nil }
            return Int32(process).map { describe($0).description }
        }
    }

    // The byte of the -shm file that a writer locks. Source: sqlite.org/walformat.html, section 2.3.
    private static let writeLock = "120"

    /// The process that is writing to the file.
    ///
    /// Nothing is opened: closing a descriptor of the -shm file would drop this process's own locks. Source: proc(5),
    /// `/proc/locks`: number, kind, mode, access, process, device and inode, first and last byte.
    static func writer(of path: String) -> QueueWriterProcess? {
        var status = stat()
        let shared = DatabasePath.real(path) + "-shm"
        guard unsafe stat(shared, &status) == 0 else { return nil }
        guard let locks = KernelTable.text(of: "/proc/locks") else {
            // A service may not see that file, but may ask for one lock.
            return WriteLock.holder(of: shared).map(describe)
        }
        return writer(locks, inode: UInt64(status.st_ino))
    }

    static func writer(_ locks: String, inode: UInt64) -> QueueWriterProcess? {
        for line in locks.split(separator: "\n") {
            // A process that waits for a lock has an arrow in its line.
            let fields = line.split(separator: " ")
            guard fields.count == 8, fields[1] == "POSIX", fields[3] == "WRITE", fields[6] == writeLock,
                fields[5].hasSuffix(":\(inode)"), let pid = Int32(fields[4]), pid > 0
            else { continue }
            return describe(pid)
        }
        return nil
    }

    private static func describe(_ process: Int32) -> QueueWriterProcess {
        QueueWriterProcess(name: name(of: process), pid: process, user: ServiceUser(ofProcess: process)?.name)
    }

    private static func name(of process: Int32) -> String {
        let name = try? String(contentsOfFile: "/proc/\(process)/comm", encoding: .utf8)
        return name?.trimmingCharacters(in: .newlines) ?? "another program"
    }
}
