import Glibc
import Synchronization

/// A file with one line of JSON per request.
final class RequestLog: Sendable {
    // The lock keeps a line whole when the system writes it in two parts.
    private let file: Mutex<Int32>

    /// Creates a log that appends to a file.
    init(path: String) throws(LocalFile.Failure) {
        file = Mutex(try LocalFile.openToAppend(path))
    }

    deinit {
        file.withLock { file in _ = close(file) }
    }

    /// Appends a request; a full disk loses the line, because the log must not change what the gateway answers.
    func append(_ record: RequestRecord) {
        let line = Array(record.line.utf8)
        file.withLock { file in _ = LocalFile.write(line, to: file) }
    }
}
