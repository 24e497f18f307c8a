import RefundHTTP
import Testing

@Suite(.timeLimit(.minutes(1)))
struct HTTPClientBrokenResponseTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let response: String
        var isReset = false
        let error: HTTPError
    }

    static let brokenHeads = [
        Case(testDescription: "nothing", response: "", error: .emptyResponse),
        Case(testDescription: "status line", response: "HTTP/1.1 200 OK\r\n", error: .connectionLost),
        Case(testDescription: "header", response: "HTTP/1.1 200 OK\r\nX-A: 1\r\n", error: .connectionLost),
        Case(testDescription: "reset at once", response: "", isReset: true, error: .connectionLost),
        Case(
            testDescription: "half a head",
            response: "HTTP/1.1 200 OK\r\nX-A: 1\r\n",
            isReset: true,
            error: .connectionLost
        ),
        Case(
            testDescription: "interim response only",
            response: "HTTP/1.1 103 Early Hints\r\n\r\n",
            isReset: true,
            error: .connectionLost
        ),
    ]

    static let brokenBodies = [
        Case(testDescription: "half a body", response: "Content-Length: 10\r\n\r\nhalf", error: .connectionLost),
        Case(
            testDescription: "half a body, then a reset",
            response: "Content-Length: 10\r\n\r\nhalf",
            isReset: true,
            error: .connectionLost
        ),
        Case(
            testDescription: "unfinished chunk",
            response: "Transfer-Encoding: chunked\r\n\r\n5\r\nhalf",
            error: .connectionLost
        ),
        Case(
            testDescription: "chunk without a length",
            response: "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n",
            error: .connectionLost
        ),
        Case(
            testDescription: "no last chunk",
            response: "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
            error: .connectionLost
        ),
    ]

    static let malformedHeads = [
        "220 mail.test ESMTP ready\r\n", "\u{0}\u{1}\u{2}\r\n\r\n\u{3}", "HTTP/9.9 200 OK\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nX-A: a\u{0}b\r\n\r\n",
    ]

    private func withServer(_ broken: Case, head: String = "", _ body: (RawServer) async throws -> Void) async throws {
        let script: @Sendable (RawConnection) -> Void = { connection in
            _ = connection.readRequest()
            connection.write(head + broken.response)
            if broken.isReset { connection.resetOnClose() }
        }
        try await RefundHTTPTests.withServer(script: script, body: body)
    }

    @Test(arguments: brokenHeads)
    func brokenHeadIsAnError(broken: Case) async throws {
        try await withServer(broken) { server in
            let client = try HTTPClient()
            #expect(await client.error(of: HTTPRequest(test: server.url)) == broken.error)
        }
    }

    @Test(arguments: brokenBodies, [HTTPRequest.ResponseLimit.refuseAbove(100), .keepFirst(100)])
    func brokenBodyLeavesStatusAndHeader(broken: Case, limit: HTTPRequest.ResponseLimit) async throws {
        try await withServer(broken, head: "HTTP/1.1 503 Busy\r\nRetry-After: 7\r\n") { server in
            var request = HTTPRequest(test: server.url)
            request.responseLimit = limit
            let response = try await HTTPClient().response(to: request)
            #expect(response.status == 503)
            #expect(response.header("Retry-After") == "7")
            #expect(response.body == Array("half".utf8))
            guard case .broken = response.bodyEnd else {
                Issue.record("the body counts as \(response.bodyEnd)")
                return
            }
        }
    }

    @Test func stalledBodyLeavesStatusAndHeader() async throws {
        let script: @Sendable (RawConnection) -> Void = { connection in
            _ = connection.readRequest()
            connection.write("HTTP/1.1 410 Gone\r\nContent-Length: 10\r\nX-A: 1\r\n\r\nhalf")
            connection.waitForEnd()
        }
        try await RefundHTTPTests.withServer(script: script) { server in
            var request = HTTPRequest(test: server.url)
            request.timeout = .milliseconds(300)
            let response = try await HTTPClient().response(to: request)
            #expect(response.status == 410)
            #expect(response.header("X-A") == "1")
            #expect(response.bodyEnd == .broken(.timeout(.receivingBody)))
            #expect(response.body == Array("half".utf8))
        }
    }

    @Test(arguments: malformedHeads)
    func malformedHeadIsNamed(text: String) async throws {
        let malformed = Case(testDescription: text, response: text, error: .connectionLost)
        try await withServer(malformed) { server in
            let error = try await HTTPClient().error(of: HTTPRequest(test: server.url))
            guard case .malformedResponse(let reason) = error else {
                Issue.record("the error is \(String(describing: error))")
                return
            }
            #expect(!reason.isEmpty)
        }
    }

    @Test func invalidHeaderLeavesTheStatusAndTheFieldsBeforeIt() async throws {
        let head = "HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nX-A: a\u{0}b\r\nX-B: 1\r\n\r\n"
        try await withServer(Case(testDescription: "", response: head, error: .connectionLost)) { server in
            let response = try await HTTPClient().response(to: HTTPRequest(test: server.url))
            #expect(response.status == 503)
            #expect(response.header("Retry-After") == "7")
            #expect(response.header("X-B") == nil)
            #expect(response.bodyEnd == .invalidHead("NUL byte in the header"))
        }
    }

    @Test(arguments: ["ten", "-1"])
    func lengthThatIsNoNumberLeavesTheStatus(length: String) async throws {
        let head = "HTTP/1.1 410 Gone\r\nContent-Length: \(length)\r\n\r\n"
        try await withServer(Case(testDescription: "", response: head, error: .connectionLost)) { server in
            let response = try await HTTPClient().response(to: HTTPRequest(test: server.url))
            #expect(response.status == 410)
            guard case .broken(.malformedResponse) = response.bodyEnd else {
                Issue.record("the body counts as \(response.bodyEnd)")
                return
            }
        }
    }

    @Test func clientContinuesAfterABrokenResponse() async throws {
        let script: @Sendable (RawConnection) -> Void = { connection in
            if connection.number == 1 {
                _ = connection.readRequest()
                connection.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
            } else {
                echo(connection)
            }
        }
        try await RefundHTTPTests.withServer(script: script) { server in
            let client = try HTTPClient()
            let broken = try await client.response(to: HTTPRequest(test: server.url))
            #expect(broken.bodyEnd == .broken(.connectionLost))
            let response = try await client.response(to: HTTPRequest(test: server.url, body: "whole"))
            #expect(response.body == Array("whole".utf8))
            #expect(response.bodyEnd == .complete)
        }
    }
}
