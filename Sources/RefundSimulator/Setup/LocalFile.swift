import Glibc
import RefundConfiguration
import RefundCore

/// Reads and writes whole files, with the system's error messages.
enum LocalFile {
    /// Why a file cannot be used.
    struct Failure: Error, Hashable, CustomStringConvertible {
        let path: String
        let problem: String

        var description: String { "\(path): \(problem)" }

        /// The failure that `errno` describes.
        static func last(_ path: String, _ action: String) -> Failure {
            Failure(path: path, problem: "cannot \(action): \(SystemError())")
        }
    }

    private static let maximumSize = 16 << 20

    /// Reads a file of at most 16 MiB.
    static func bytes(at path: String) throws(Failure) -> [UInt8] {
        do throws(SystemError) {
            let bytes = try OpenFile(path: path).bytes(limit: maximumSize)
            if bytes.count <= maximumSize { return bytes }
        } catch {
            throw Failure(path: path, problem: "cannot open the file: \(error)")
        }
        throw Failure(path: path, problem: "the file is too large")
    }

    /// Whether a file exists.
    static func exists(_ path: String) -> Bool {
        unsafe access(path, F_OK) == 0
    }

    /// Creates a directory and its missing parents.
    static func createDirectory(_ path: String) throws(Failure) {
        var directory = path.hasPrefix("/") ? "/" : ""
        for name in path.split(separator: "/") {
            directory += "\(name)/"
            guard unsafe mkdir(directory, 0o755) == 0 || errno == EEXIST else {
                throw .last(path, "create the directory")
            }
        }
    }

    /// Writes a new file with its mode from the start, replacing one with the same name.
    static func create(_ path: String, mode: mode_t, _ text: String) throws(Failure) {
        guard unsafe unlink(path) == 0 || errno == ENOENT else { throw .last(path, "replace the file") }
        let file = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard file >= 0 else { throw .last(path, "create the file") }
        defer { close(file) }
        guard write(Array(text.utf8), to: file) else { throw .last(path, "write the file") }
    }

    /// Opens a file for appending, creating it if necessary.
    static func openToAppend(_ path: String) throws(Failure) -> Int32 {
        let file = unsafe open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw .last(path, "open the file") }
        return file
    }

    /// Writes all bytes to an open file; false if that fails.
    static func write(_ bytes: [UInt8], to file: Int32) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(file, $0.baseAddress, $0.count) }
            guard count > 0 || errno == EINTR else { return false }
            rest = rest.dropFirst(max(count, 0))
        }
        return true
    }
}
