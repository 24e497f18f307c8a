/// An answer that has come in, whatever its status code is.
package struct HTTPResponse: Sendable {
    /// The status code.
    package let status: Int
    /// The bytes of the body as they came, or the first of them when `isTruncated`.
    package let body: [UInt8]
    /// The time from the start of the exchange to its end, without the wait for a free connection.
    package let duration: Duration
    /// Whether the body was longer than what was to be kept of it.
    package let isTruncated: Bool
    private let head: ResponseHead

    /// Creates a response.
    ///
    /// - Parameters:
    ///   - status: The status code.
    ///   - head: The kept header lines.
    ///   - body: The bytes of the body.
    ///   - duration: The time the exchange took.
    ///   - isTruncated: Whether the body was longer.
    package init(status: Int, head: ResponseHead, body: [UInt8], duration: Duration, isTruncated: Bool) {
        self.status = status
        self.head = head
        self.body = body
        self.duration = duration
        self.isTruncated = isTruncated
    }

    /// Returns the value of the first header field of a name.
    ///
    /// Only the first 64 fields and 16 KiB of an answer's header are kept.
    ///
    /// - Parameter name: The field's name; upper and lower case are the same.
    /// - Returns: The value without the white space around it, or `nil` when the answer has no such field.
    package func header(_ name: String) -> String? {
        head.value(of: name)
    }
}
