/// What goes back over the connection.
enum Reply: Hashable {
    /// An answer with its HTTP status.
    case answer(status: Int, contentType: String, body: [UInt8])
    /// Half of a body whose whole length was announced, then the end of the connection.
    case truncated(body: [UInt8])
    /// An orderly end of the connection without an answer.
    case close
    /// A TCP reset.
    case reset
    /// Nothing, for a long time.
    case hang

    static func json(_ body: [UInt8]) -> Reply {
        .answer(status: 200, contentType: "application/json;charset=UTF-8", body: body)
    }

    static func html(status: Int, title: String) -> Reply {
        let page = "<html><head><title>\(title)</title></head><body><h1>\(title)</h1></body></html>\n"
        return .answer(status: status, contentType: "text/html", body: Array(page.utf8))
    }

    static func text(status: Int, _ message: String) -> Reply {
        .answer(status: status, contentType: "text/plain; charset=utf-8", body: Array("\(message)\n".utf8))
    }
}
