import Testing

@testable import RefundAdmin

struct PostReaderTests {
    private func read(_ text: String, by size: Int = .max) throws -> PostedRequest? {
        var reader = PostReader()
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            if let request = try reader.read(rest.prefix(size)) { return request }
            rest = rest.dropFirst(size)
        }
        return nil
    }

    @Test(arguments: [1, 2, 3, 7, .max]) func requestIsReadInPiecesOfAnySize(size: Int) throws {
        for end in ["\r\n", "\n"] {
            let head = ["POST /x HTTP/1.1", "Host: a", "Webhook-ID:  msg_1", "Content-Length: 5", "", ""]
            let request = try #require(try read(head.joined(separator: end) + "a\n\nbc", by: size))
            #expect(request.refusal == nil)
            #expect(request.headers["webhook-id"] == "msg_1")
            #expect(request.body == Array("a\n\nbc".utf8))
        }
    }

    @Test func incompleteRequestIsAwaited() throws {
        #expect(try read("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nabcd") == nil)
        #expect(try read("POST / HTTP/1.1\r\nContent-Length: 5\r\n") == nil)
    }

    @Test(arguments: [
        ("GET / HTTP/1.1\r\n\r\n", 405), ("POST /\r\n\r\n", 400), ("hello\n\n", 400), ("POST / HTTP/2\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\n\r\n", 411), ("POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 411),
        ("POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n", 411), ("POST / HTTP/1.1\r\nbad\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411),
        ("POST / HTTP/1.1\r\nContent-Length: 1048577\r\n\r\n", 413),
        ("POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", 411),
        ("POST / HTTP/1.1\r\na: " + String(repeating: "x", count: 20_000), 431),
    ])
    func requestThatCannotBeUsedIsRefused(text: String, status: Int) throws {
        #expect(try read(text)?.refusal?.status == status)
    }
}
