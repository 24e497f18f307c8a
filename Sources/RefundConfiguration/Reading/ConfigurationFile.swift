import Glibc
package import RefundCore
import TOML

/// Reads the configuration file.
enum ConfigurationFile {
    /// Far larger than any configuration, and small enough to read at once.
    private static let maxSize = 1 << 20

    /// Returns the content of a file.
    ///
    /// - Throws: `ConfigurationError` if the file cannot be read, or is not TOML.
    static func document(of file: String) throws(ConfigurationError) -> [String: TOMLValue] {
        let text = try text(of: file)
        do throws(TOMLError) {
            return try TOMLReader.read(text)
        } catch {
            throw ConfigurationError(problems: [ConfigurationProblem(error, in: file)])
        }
    }

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

/// A file open for reading.
///
/// Its owner, mode and content belong to one file, even if another file takes its name meanwhile.
package struct OpenFile: ~Copyable {
    private let descriptor: CInt
    /// The owner's user id.
    package let owner: UInt32
    /// The file type and permission bits, see inode(7).
    package let mode: UInt32

    /// Opens a file.
    package init(path: String) throws(SystemError) {
        // The system would cut the name off at the NUL.
        guard !path.utf8.contains(0) else { throw SystemError(code: ENOENT) }
        // Without O_NONBLOCK, opening a pipe would wait for a writer.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
        guard descriptor >= 0 else { throw SystemError(code: errno) }
        var status = stat()
        // Reading, in contrast, must wait for a pipe's writer.
        guard unsafe fstat(descriptor, &status) == 0, fcntl(descriptor, F_SETFL, 0) == 0 else {
            let error = SystemError(code: errno)
            close(descriptor)
            throw error
        }
        self.descriptor = descriptor
        (owner, mode) = (status.st_uid, status.st_mode)
    }

    deinit { close(descriptor) }

    /// Reads the file to its end, or until it exceeds a limit.
    package func bytes(limit: Int) throws(SystemError) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        // In chunks, since a pipe has no size.
        while bytes.count <= limit {
            let count = unsafe chunk.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw SystemError(code: errno) }
            guard count > 0 else { break }
            bytes += chunk[..<count]
        }
        return bytes
    }
}
