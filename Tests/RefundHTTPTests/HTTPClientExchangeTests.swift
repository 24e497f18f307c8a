import RefundHTTP
import Testing

@Suite(.timeLimit(.minutes(1)))
struct HTTPClientExchangeTests {
    @Test func answerBringsStatusHeaderAndBody() async throws {
        let script: @Sendable (RawConnection) -> Void = { connection in
            while connection.readRequest() != nil {
                connection.answer(201, fields: ["X-Sign:  a b ", "x-sign: second"], body: Array("done".utf8))
            }
        }
        try await withServer(script: script) { server in
            let answer = try await HTTPClient().answer(to: HTTPRequest(test: server.url))
            #expect(answer.status == 201)
            #expect(answer.body == Array("done".utf8))
            #expect(answer.header("x-SIGN") == "a b")
            #expect(answer.header("X-Sig") == nil)
            #expect(!answer.isTruncated)
            #expect(answer.duration > .zero)
        }
    }

    @Test func postIsSentAsGiven() async throws {
        let requests = Recorder<RawRequest>()
        let script: @Sendable (RawConnection) -> Void = { connection in
            while let request = connection.readRequest() {
                requests.add(request)
                connection.answer()
            }
        }
        try await withServer(script: script) { server in
            let client = try HTTPClient()
            var request = HTTPRequest(test: "\(server.url)entry?a=file:///1", body: #"{"a":"é"}"#)
            request.headers = [("Content-Type", "application/json"), ("X-Empty", ""), ("X-Text", "tab\tand é")]
            _ = try await client.answer(to: request)
            _ = try await client.answer(to: HTTPRequest(test: server.url))
        }
        let first = try #require(requests.elements.first)
        #expect(first.lines.first == "POST /entry?a=file:///1 HTTP/1.1")
        #expect(first.body == Array(#"{"a":"é"}"#.utf8))
        #expect(first.lines.contains("Content-Type: application/json"))
        #expect(first.lines.contains("X-Empty:"))
        #expect(first.lines.contains("X-Text: tab\tand é"))
        #expect(first.lines.contains("User-Agent: refund-tests/1"))
        #expect(first.lines.contains("Content-Length: 10"))

        // Nothing of the first request is left in the second, which has no body and no content type.
        let second = try #require(requests.elements.last)
        #expect(second.lines.first == "POST / HTTP/1.1")
        #expect(second.lines.contains("Content-Length: 0"))
        for name in ["Content-Type", "X-Empty", "X-Text", "Expect", "Accept-Encoding", "Authorization", "Cookie"] {
            #expect(!second.hasField(name), "\(name)")
        }
    }

    @Test func longBodyIsSentWithoutAskingForLeave() async throws {
        let requests = Recorder<RawRequest>()
        let script: @Sendable (RawConnection) -> Void = { connection in
            while let request = connection.readRequest() {
                requests.add(request)
                connection.answer()
            }
        }
        try await withServer(script: script) { server in
            var request = HTTPRequest(test: server.url)
            request.body = [UInt8](repeating: 7, count: 3_000_000)
            _ = try await HTTPClient().answer(to: request)
        }
        #expect(requests.elements.map(\.body.count) == [3_000_000])
        #expect(requests.elements.map { $0.hasField("Expect") } == [false])
    }

    @Test func connectionIsUsedAgain() async throws {
        try await withServer(script: echo) { server in
            let client = try HTTPClient()
            for body in ["a", "", "ccc", "dd"] {
                let answer = try await client.answer(to: HTTPRequest(test: server.url, body: body))
                #expect(answer.body == Array(body.utf8))
            }
            #expect(server.acceptedCount == 1)
        }
    }

    @Test func requestOnAConnectionClosedMeanwhileIsSentOnceMore() async throws {
        let script: @Sendable (RawConnection) -> Void = { connection in
            _ = connection.readRequest()
            connection.answer(body: Array("\(connection.number)".utf8))
            _ = connection.readRequest()
        }
        try await withServer(script: script) { server in
            let client = try HTTPClient()
            #expect(try await client.answer(to: HTTPRequest(test: server.url)).body == Array("1".utf8))
            #expect(try await client.answer(to: HTTPRequest(test: server.url)).body == Array("2".utf8))
            #expect(server.acceptedCount == 2)
        }
    }

    @Test func chunksArePutTogetherAndTrailersLeftOut() async throws {
        let script: @Sendable (RawConnection) -> Void = { connection in
            _ = connection.readRequest()
            connection.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
            connection.write("2;x=y\r\nde\r\n0\r\nX-Sign: trailer\r\n\r\n")
            connection.waitForEnd()
        }
        try await withServer(script: script) { server in
            let answer = try await HTTPClient().answer(to: HTTPRequest(test: server.url))
            #expect(answer.body == Array("abcde".utf8))
            #expect(answer.header("X-Sign") == nil)
        }
    }

    @Test func bodyWithoutALengthEndsWithTheConnection() async throws {
        let script: @Sendable (RawConnection) -> Void = { connection in
            _ = connection.readRequest()
            connection.write("HTTP/1.0 200 OK\r\n\r\nuntil the end")
        }
        try await withServer(script: script) { server in
            let answer = try await HTTPClient().answer(to: HTTPRequest(test: server.url))
            #expect(answer.body == Array("until the end".utf8))
        }
    }

    @Test(arguments: [200, 204, 302, 304, 400, 401, 404, 429, 500, 503])
    func everyStatusIsAnAnswer(status: Int) async throws {
        let script: @Sendable (RawConnection) -> Void = { connection in
            _ = connection.readRequest()
            connection.answer(status, fields: ["Retry-After: 7"])
        }
        try await withServer(script: script) { server in
            let answer = try await HTTPClient().answer(to: HTTPRequest(test: server.url))
            #expect(answer.status == status)
            #expect(answer.header("Retry-After") == "7")
        }
    }

    @Test func interimAnswerIsPassedOver() async throws {
        let script: @Sendable (RawConnection) -> Void = { connection in
            _ = connection.readRequest()
            connection.write("HTTP/1.1 103 Early Hints\r\nX-Sign: early\r\n\r\n")
            connection.answer(200, fields: ["X-Other: final"])
            connection.waitForEnd()
        }
        try await withServer(script: script) { server in
            let answer = try await HTTPClient().answer(to: HTTPRequest(test: server.url))
            #expect(answer.status == 200)
            #expect(answer.header("X-Sign") == nil)
            #expect(answer.header("X-Other") == "final")
        }
    }

    @Test func redirectIsNotFollowed() async throws {
        try await withServer(script: echo) { destination in
            let location = "Location: \(destination.url)"
            let script: @Sendable (RawConnection) -> Void = { connection in
                _ = connection.readRequest()
                connection.answer(307, fields: [location])
            }
            try await withServer(script: script) { server in
                let answer = try await HTTPClient().answer(to: HTTPRequest(test: server.url))
                #expect(answer.status == 307)
                #expect(answer.header("Location") == destination.url)
                #expect(destination.acceptedCount == 0)
            }
        }
    }

    @Test func cookiesAreNotKept() async throws {
        let requests = Recorder<RawRequest>()
        let script: @Sendable (RawConnection) -> Void = { connection in
            while let request = connection.readRequest() {
                requests.add(request)
                connection.answer(fields: ["Set-Cookie: a=1"])
            }
        }
        try await withServer(script: script) { server in
            let client = try HTTPClient()
            _ = try await client.answer(to: HTTPRequest(test: server.url))
            _ = try await client.answer(to: HTTPRequest(test: server.url))
        }
        #expect(requests.elements.map { $0.hasField("Cookie") } == [false, false])
    }

    @Test func encodedBodyIsHandedOverAsItCame() async throws {
        let encoded: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        let script: @Sendable (RawConnection) -> Void = { connection in
            _ = connection.readRequest()
            connection.answer(fields: ["Content-Encoding: gzip"], body: encoded)
            connection.waitForEnd()
        }
        try await withServer(script: script) { server in
            let answer = try await HTTPClient().answer(to: HTTPRequest(test: server.url))
            #expect(answer.body == encoded)
        }
    }
}
