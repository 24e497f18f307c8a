import Glibc
import RefundCore
import Synchronization

/// A request as a line of the log.
struct RequestRecord {
    var receivedAt: Timestamp
    var path: String
    /// The refund's number in the request, authentic or not.
    var number: RefundNumber?
    /// Whether the request passed every check.
    var isAccepted = false
    var httpStatus: Int?
    /// The `code` of the answer.
    var code: String?
    /// The `trans_status` of the answer.
    var status: Int?
    var fault: Fault?
    /// The number of accepted queries for the refund, including this one.
    var queries: Int?

    init(receivedAt: Timestamp, path: String) {
        self.receivedAt = receivedAt
        self.path = path
    }

    /// One line of JSON, with the line feed.
    var line: String {
        var json = JSONWriter()
        json.object { json in
            json.number("at", receivedAt.milliseconds)
            json.string("path", path)
            json.number(of: number)
            json.string("verdict", isAccepted ? "answered" : "refused")
            json.number("http_status", httpStatus)
            json.string("code", code)
            json.number("trans_status", status)
            json.string("fault", fault?.rawValue)
            json.number("queries", queries)
        }
        return json.text + "\n"
    }
}

/// A file with one line of JSON per request.
final class RequestLog: Sendable {
    // The lock keeps a line in one piece even if the system writes it in two.
    private let file: Mutex<Int32>

    /// Creates a log that appends to a file.
    init(path: String) throws(LocalFile.Failure) {
        file = Mutex(try LocalFile.openToAppend(path))
    }

    deinit {
        file.withLock { file in _ = close(file) }
    }

    /// Appends a request, or loses it if the disk is full: the log must not change the gateway's answers.
    func append(_ record: RequestRecord) {
        let line = Array(record.line.utf8)
        file.withLock { file in _ = LocalFile.write(line, to: file) }
    }
}
