import RefundHTTP
import Testing

@Suite(.timeLimit(.minutes(1)))
struct HTTPClientRefusalTests {
    @Test(arguments: [
        "", "127.0.0.1", "/path", "//127.0.0.1/", "ftp://127.0.0.1/", "file:///etc/passwd", "http://", "http:///path",
        "http:/path",

        "http://user:secret@127.0.0.1/", "http://user@127.0.0.1/", "http://127.0.0.1:99999/", "http://127.0.0.1:x/",
        "http://127.0.0.1/a b", "http://127.0.0.1/\u{0}", "http://127.0.0.1\r\nHost: other/", "http://[::1/",
        "mailto:a@b",
        "http://127.0.0.1/\u{7F}", "javascript:alert(1)", "ws://127.0.0.1/",
    ])
    func unusableURLIsInvalid(url: String) async throws {
        let client = try HTTPClient()
        #expect(await client.error(of: HTTPRequest(test: url)) == .invalidURL)
    }

    @Test(arguments: [
        ("X-A", "b\r\nX-Injected: 1"), ("X-A", "b\nX-Injected: 1"), ("X-A", "b\rc"), ("X-A", "b\u{0}c"),
        ("X-A", "\u{7F}"),
        ("X-A\r\nX-Injected", "1"), ("X A", "1"), ("X-A:", "1"), ("X-A;", "1"), ("", "1"), ("X\u{0}", "1"), ("É", "1"),
        ("Content-Length", "0"), ("transfer-encoding", "chunked"), ("Host", "other.test"), ("Connection", "close"),
        ("Expect", "100-continue"),
    ])
    func headerThatCouldInjectAFieldIsRefused(name: String, value: String) async throws {
        try await withServer(script: echo) { server in
            var request = HTTPRequest(test: server.url)
            request.headers = [("X-Good", "1"), (name, value)]
            let client = try HTTPClient()
            #expect(await client.error(of: request) == .invalidHeader)
            #expect(server.acceptedCount == 0)
        }
    }

    @Test func userAgentWithALineBreakIsRefused() {
        #expect(throws: HTTPError.invalidHeader) {
            try HTTPClient(settings: .init(maxConnections: 1, name: "test", userAgent: "a\r\nX-Injected: 1"))
        }
    }

    @Test func clientContinuesAfterARefusedRequest() async throws {
        try await withServer(script: echo) { server in
            let client = try HTTPClient(maxConnections: 1)
            var request = HTTPRequest(test: server.url, body: "good")
            request.headers = [("X-A", "\n")]
            #expect(await client.error(of: request) == .invalidHeader)
            request.headers = []
            #expect(try await client.response(to: request).body == Array("good".utf8))
        }
    }
}
