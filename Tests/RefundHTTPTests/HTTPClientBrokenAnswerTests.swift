import RefundHTTP
import Testing

@Suite(.timeLimit(.minutes(1)))
struct HTTPClientBrokenAnswerTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let answer: String
        var isReset = false
        let error: HTTPError
    }

    static let cases = [
        Case(testDescription: "nothing", answer: "", error: .emptyAnswer),
        Case(testDescription: "reset at once", answer: "", isReset: true, error: .connectionLost),
        Case(
            testDescription: "half a body",
            answer: "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
            error: .connectionLost
        ),
        Case(
            testDescription: "half a body, then a reset",
            answer: "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
            isReset: true,
            error: .connectionLost
        ),
        Case(
            testDescription: "a chunk without its end",
            answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
            error: .connectionLost
        ),
        Case(
            testDescription: "a chunk without a length",
            answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            error: .connectionLost
        ),
        Case(testDescription: "another protocol", answer: "220 mail.test ESMTP ready\r\n", error: .garbledAnswer),
        Case(testDescription: "bytes", answer: "\u{0}\u{1}\u{2}\r\n\r\n\u{3}", error: .garbledAnswer),
        Case(testDescription: "no such version", answer: "HTTP/9.9 200 OK\r\n\r\n", error: .garbledAnswer),
    ]

    @Test(arguments: cases)
    func brokenAnswerIsAnErrorOfItsOwn(broken: Case) async throws {
        let script: @Sendable (RawConnection) -> Void = { connection in
            _ = connection.readRequest()
            connection.write(broken.answer)
            if broken.isReset { connection.resetOnClose() }
        }
        try await withServer(script: script) { server in
            let client = try HTTPClient()
            #expect(await client.error(of: HTTPRequest(test: server.url)) == broken.error)
        }
    }

    @Test func clientGoesOnAfterABrokenAnswer() async throws {
        let script: @Sendable (RawConnection) -> Void = { connection in
            if connection.number == 1 {
                _ = connection.readRequest()
                connection.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
            } else {
                echo(connection)
            }
        }
        try await withServer(script: script) { server in
            let client = try HTTPClient()
            #expect(await client.error(of: HTTPRequest(test: server.url)) == .connectionLost)
            let answer = try await client.answer(to: HTTPRequest(test: server.url, body: "whole"))
            #expect(answer.body == Array("whole".utf8))
        }
    }
}
