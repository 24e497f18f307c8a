import NIOCore

/// HTTP responses, written whole.
enum HTTPText {
    /// A response with a body.
    static func response(status: String = "200 OK", body: String) -> ByteBuffer {
        ByteBuffer(
            string: """
                HTTP/1.1 \(status)\r
                Content-Type: application/json;charset=UTF-8\r
                Content-Length: \(body.utf8.count)\r
                \r
                \(body)
                """
        )
    }
}
