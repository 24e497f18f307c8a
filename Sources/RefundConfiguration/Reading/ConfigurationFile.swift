import Glibc
import RefundCore

/// Reads the configuration file.
enum ConfigurationFile {
    /// Far larger than any configuration, and small enough to read at once.
    private static let maxSize = 1 << 20

    /// Returns the text of a file.
    ///
    /// - Throws: `ConfigurationError` if the file cannot be read, is larger than 1 MiB, or is not UTF-8 text.
    static func text(of file: String) throws(ConfigurationError) -> String {
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try OpenFile(path: file).bytes(limit: maxSize)
        } catch {
            throw unreadable(.file(file), "\(problem(error)), or name another file with --config or $REFUNDD_CONFIG")
        }
        guard bytes.count <= maxSize else {
            throw unreadable(.file(file), "larger than 1 MiB; name another file with --config or $REFUNDD_CONFIG")
        }
        let lines = bytes.split(separator: 10, omittingEmptySubsequences: false)
        func isBad(_ line: ArraySlice<UInt8>) -> Bool {
            line.contains(0) || String(validating: line, as: UTF8.self) == nil
        }
        guard let text = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else {
            let line = (lines.firstIndex(where: isBad) ?? 0) + 1
            throw unreadable(.line(file: file, line: line, column: nil), "not UTF-8 text")
        }
        return text
    }

    private static func unreadable(_ place: ConfigurationProblem.Place, _ message: String) -> ConfigurationError {
        ConfigurationError(problems: [ConfigurationProblem(InvalidValue(message, .unreadable), place: place)])
    }

    private static func problem(_ error: SystemError) -> String {
        switch error.code {
        case ENOENT, ENOTDIR: "not found; copy refundd.conf.example there"
        case EACCES, EPERM: "not readable by user \(geteuid()); allow it with chown or chmod"
        case EISDIR: "this is a folder; name the file in it"
        default: "cannot be read: \(error); fix that"
        }
    }
}
