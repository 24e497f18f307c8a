import Glibc
import RefundCore

/// The configuration file as text.
enum ConfigurationFile {
    /// More than any configuration needs, and little enough to read at once.
    static let largestSize = 1 << 20

    /// Reads the file.
    ///
    /// - Throws: When it cannot be read, is too large, or is no UTF-8 text.
    static func text(of file: String) throws(ConfigurationError) -> String {
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try OpenFile(path: file).bytes(limit: largestSize)
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

    private static func unreadable(_ file: String, _ error: SystemError) -> ConfigurationError {
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
                problem: "cannot be read: \(error)",
                remedy:
                    "name a readable file with --config or $REFUNDD_CONFIG; refundd.conf.example is one to begin with"
            )
        }
    }
}
