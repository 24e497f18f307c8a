import Glibc
import RefundCore
import RefundStore

/// A daemon's lines in the lock file.
extension ServingDaemon {
    var text: String {
        "pid \(pid)\nversion \(version)\nsince \(since.iso8601)\n"
            + (reloaded.map { "reloaded \($0.iso8601)\n" } ?? "") + (isStarting ? "starting yes\n" : "")
    }

    /// Reads the lines of a lock file; nil if they describe no daemon.
    init?(parsing text: String) {
        let words = text.split(separator: "\n").map { $0.split(separator: " ", maxSplits: 1) }
        func value(_ name: Substring) -> String? {
            words.first { $0.count == 2 && $0[0] == name }.map { String($0[1]) }
        }
        guard let pid = value("pid").flatMap({ Int32($0) }), let version = value("version"),
            let since = value("since").flatMap(Timestamp.init(iso8601:))
        else { return nil }
        let reloaded = value("reloaded").flatMap(Timestamp.init(iso8601:))
        let isStarting = value("starting") != nil
        self.init(pid: pid, version: version, since: since, reloaded: reloaded, isStarting: isStarting)
    }
}

extension DaemonPresence {
    /// Looks at the lock of a database, without creating or keeping it.
    ///
    /// - Parameter path: The database.
    init(database path: String) {
        let file = DatabasePath.real(path) + ".lock"
        let descriptor = unsafe open(file, Self.flags)
        guard descriptor >= 0 else {
            self = errno == ENOENT ? .absent : .unknown("\(file): \(SystemError())")
            return
        }
        defer { close(descriptor) }
        // A command's lock is shared and keeps nobody out, but it looks like a daemon's while it is being taken.
        for _ in 0..<2 {
            if flock(descriptor, LOCK_SH | LOCK_NB) == 0 {
                self = .absent
                return
            }
            guard errno == EWOULDBLOCK else {
                self = .unknown("\(file): \(SystemError())")
                return
            }
            usleep(Self.pause)
        }
        let text = LockFile.verdict(of: descriptor)
        self = .running(text.hasPrefix(DaemonLock.served) ? ServingDaemon(parsing: text) : nil)
    }

    // In microseconds.
    private static let pause: useconds_t = 20_000

    /// Looks for the reason why the last daemon no longer trusted a database.
    ///
    /// - Parameter path: The database.
    /// - Returns: The reason; nil if it did.
    static func distrust(ofDatabase path: String) -> String? {
        let descriptor = unsafe open(DatabasePath.real(path) + ".lock", flags)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        let text = LockFile.verdict(of: descriptor)
        guard !text.isEmpty, !text.hasPrefix(DaemonLock.served) else { return nil }
        return text.split(separator: "\n").joined(separator: " ")
    }

    private static let flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC
}
