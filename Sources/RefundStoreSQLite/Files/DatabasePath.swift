import Foundation
import Glibc
import RefundCore
import RefundStore

/// The real path of a database, after which SQLite names its `-wal` and `-shm`, and refundd the lock.
package enum DatabasePath: Sendable {
    /// Returns the path without links, even for a file that does not exist yet.
    ///
    /// The kernel resolves `..` after it has followed a link, which Foundation does not.
    package static func real(_ path: String) -> String {
        var path = path
        // The kernel's own limit on links.
        for _ in 0..<40 {
            if let real = resolved(path) { return real }
            guard let real = resolved(path.folder) else { return path }
            let base = real == "/" ? real : real + "/"
            path = base + path.fileName
            guard let target = try? FileManager.default.destinationOfSymbolicLink(atPath: path) else { return path }
            path = target.hasPrefix("/") ? target : base + target
        }
        return path
    }

    /// The folder of a database's real file, with its slash.
    package static func folder(of path: String) -> String {
        let folder = real(path).folder
        return folder == "/" ? folder : folder + "/"
    }

    // Source: realpath(3).
    private static func resolved(_ path: String) -> String? {
        guard let real = unsafe realpath(path, nil) else { return nil }
        defer { unsafe free(real) }
        return unsafe String(cString: real)
    }

    /// Checks that every program that opens the database finds the same `-wal`, which SQLite names after the file.
    ///
    /// - Parameters:
    ///   - path: The database as the configuration names it, for the message.
    ///   - real: Its real path.
    /// - Throws: `StoreError.cannotOpen` for a file with several hard links, and for one that is itself a mount point.
    static func requireShareable(_ path: String, real: String) throws(StoreError) {
        var status = stat()
        guard unsafe stat(real, &status) == 0 else { return }
        if status.st_nlink > 1, status.st_mode & S_IFMT == S_IFREG {
            throw .unshareable(path, "the file has \(status.st_nlink) names (hard links)", "remove all but one")
        }
        if let table = KernelTable.text(of: "/proc/self/mountinfo"), isMountPoint(real, in: table) {
            throw .unshareable(path, "the file itself is a mount point", "mount its folder instead")
        }
    }

    /// Returns whether a path is a mount point.
    ///
    /// - Parameters:
    ///   - path: The path.
    ///   - table: The content of `/proc/self/mountinfo`. Source: proc(5); its fifth field is the mount point, with
    ///     blanks, tabs, line feeds and backslashes as octal escapes.
    /// - Returns: Whether the table lists the path as a mount point.
    static func isMountPoint(_ path: String, in table: String) -> Bool {
        let escaped = path.replacing("\\", with: #"\134"#).replacing(" ", with: #"\040"#)
            .replacing("\t", with: #"\011"#).replacing("\n", with: #"\012"#)
        return table.split(separator: "\n").contains { line in
            let fields = line.split(separator: " ")
            return fields.count > 4 && fields[4] == escaped
        }
    }
}
