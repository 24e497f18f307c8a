import Glibc

/// The configuration file as text.
enum ConfigurationFile {
    /// More than any configuration needs, and little enough to read at once.
    static let largestSize = 1 << 20

    /// Reads the file.
    ///
    /// - Throws: When it cannot be read, is too large, or is no UTF-8 text.
    static func text(of file: String) throws(ConfigurationError) -> String {
        let bytes: [UInt8]
        do throws(Errno) {
            bytes = try self.bytes(of: file, limit: largestSize + 1)
        } catch {
            throw unreadable(file, error)
        }
        guard bytes.count <= largestSize else {
            throw ConfigurationError(
                file: file,
                problem: "is larger than 1 MiB",
                remedy: "name the configuration file with --config or $REFUNDD_CONFIG"
            )
        }
        let lines = bytes.split(separator: 10, omittingEmptySubsequences: false)
        if let line = lines.firstIndex(where: { $0.contains(0) }) {
            throw ConfigurationError(
                file: file,
                position: ConfigurationError.Position(line: line + 1),
                problem: "has a NUL byte",
                remedy: "save it as plain text in UTF-8"
            )
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            let line = lines.firstIndex { String(validating: $0, as: UTF8.self) == nil }
            throw ConfigurationError(
                file: file,
                position: line.map { ConfigurationError.Position(line: $0 + 1) },
                problem: "is not UTF-8 text",
                remedy: "save it as plain text in UTF-8"
            )
        }
        return text
    }

    private static func unreadable(_ file: String, _ error: Errno) -> ConfigurationError {
        switch error.code {
        case ENOENT, ENOTDIR:
            ConfigurationError(
                file: file,
                problem: "does not exist",
                remedy: "copy refundd.conf.example there, or name another file with --config or $REFUNDD_CONFIG"
            )
        case EACCES, EPERM:
            ConfigurationError(
                file: file,
                problem: "may not be read by this user",
                remedy: "let the user read it, or name another file with --config or $REFUNDD_CONFIG"
            )
        case EISDIR:
            ConfigurationError(
                file: file,
                problem: "is a folder",
                remedy: "name the file in it with --config or $REFUNDD_CONFIG"
            )
        default:
            ConfigurationError(
                file: file,
                problem: "cannot be read: \(error.words)",
                remedy:
                    "name a readable file with --config or $REFUNDD_CONFIG; refundd.conf.example is one to begin with"
            )
        }
    }

    private static func bytes(of path: String, limit: Int) throws(Errno) -> [UInt8] {
        // The system would take the part before the NUL for the name.
        guard !path.utf8.contains(0) else { throw Errno(code: ENOENT) }
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)
        guard descriptor >= 0 else { throw Errno(code: errno) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        // Read piece by piece, since a pipe does not know its size.
        while bytes.count < limit {
            let count = unsafe chunk.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw Errno(code: errno) }
            guard count > 0 else { break }
            bytes += chunk[..<count]
        }
        return bytes
    }

    private struct Errno: Error {
        let code: Int32

        var words: String { unsafe String(cString: strerror(code)) }
    }
}
