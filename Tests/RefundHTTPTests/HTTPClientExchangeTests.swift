import RefundHTTP
import Testing

@Suite(.timeLimit(.minutes(1)))
struct HTTPClientExchangeTests {
    @Test func responseHasStatusHeaderAndBody() async throws {
        let script: @Sendable (RawConnection) -> Void = { connection in
            while connection.readRequest() != nil {
                connection.respond(201, fields: ["X-Sign:  a b ", "x-sign: second"], body: Array("done".utf8))
            }
        }
        try await withServer(script: script) { server in
            let response = try await HTTPClient().response(to: HTTPRequest(test: server.url))
            #expect(response.status == 201)
            #expect(response.body == Array("done".utf8))
            #expect(response.header("x-SIGN") == "a b")
            #expect(response.header("X-Sig") == nil)
            #expect(response.bodyEnd == .complete)
            #expect(response.duration > .zero)
        }
    }

    @Test func postIsSentAsGiven() async throws {
        let requests = Recorder<RawRequest>()
        let script: @Sendable (RawConnection) -> Void = { connection in
            while let request = connection.readRequest() {
                requests.add(request)
                connection.respond()
            }
        }
        try await withServer(script: script) { server in
            let client = try HTTPClient()
            var request = HTTPRequest(test: "\(server.url)entry?a=file:///1", body: #"{"a":"é"}"#)
            request.headers = [("Content-Type", "application/json"), ("X-Empty", ""), ("X-Text", "tab\tand é")]
            _ = try await client.response(to: request)
            _ = try await client.response(to: HTTPRequest(test: server.url))
        }
        let first = try #require(requests.elements.first)
        #expect(first.lines.first == "POST /entry?a=file:///1 HTTP/1.1")
        #expect(first.body == Array(#"{"a":"é"}"#.utf8))
        #expect(first.lines.contains("Content-Type: application/json"))
        #expect(first.lines.contains("X-Empty:"))
        #expect(first.lines.contains("X-Text: tab\tand é"))
        #expect(first.lines.contains("User-Agent: refund-tests/1"))
        #expect(first.lines.contains("Content-Length: 10"))

        // Nothing of the first request remains in the second, which has no body and no content type.
        let second = try #require(requests.elements.last)
        #expect(second.lines.first == "POST / HTTP/1.1")
        #expect(second.lines.contains("Content-Length: 0"))
        for name in ["Content-Type", "X-Empty", "X-Text", "Expect", "Authorization", "Cookie"] {
            #expect(!second.hasField(name), "\(name)")
        }
    }

    @Test func getHasNoBodyAndLeavesNoTraceInThePostsAroundIt() async throws {
        let requests = Recorder<RawRequest>()
        let script: @Sendable (RawConnection) -> Void = { connection in
            while let request = connection.readRequest() {
                requests.add(request)
                connection.respond()
            }
        }
        try await withServer(script: script) { server in
            let client = try HTTPClient()
            var get = HTTPRequest(test: "\(server.url)ping")
            get.method = .get
            for request in [HTTPRequest(test: server.url, body: "a"), get, HTTPRequest(test: server.url, body: "b")] {
                _ = try await client.response(to: request)
            }
        }
        #expect(
            requests.elements.map { $0.lines.first } == ["POST / HTTP/1.1", "GET /ping HTTP/1.1", "POST / HTTP/1.1"]
        )
        #expect(requests.elements.map { $0.hasField("Content-Length") } == [true, false, true])
        #expect(requests.elements.map(\.body.count) == [1, 0, 1])
    }

    @Test func longBodyIsSentWithoutExpectHeader() async throws {
        let requests = Recorder<RawRequest>()
        let script: @Sendable (RawConnection) -> Void = { connection in
            while let request = connection.readRequest() {
                requests.add(request)
                connection.respond()
            }
        }
        try await withServer(script: script) { server in
            var request = HTTPRequest(test: server.url)
            request.body = [UInt8](repeating: 7, count: 3_000_000)
            _ = try await HTTPClient().response(to: request)
        }
        #expect(requests.elements.map(\.body.count) == [3_000_000])
        #expect(requests.elements.map { $0.hasField("Expect") } == [false])
    }

    @Test func chunksAreJoinedAndTrailersDropped() async throws {
        let script: @Sendable (RawConnection) -> Void = { connection in
            _ = connection.readRequest()
            connection.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
            connection.write("2;x=y\r\nde\r\n0\r\nX-Sign: trailer\r\n\r\n")
            connection.waitForEnd()
        }
        try await withServer(script: script) { server in
            let response = try await HTTPClient().response(to: HTTPRequest(test: server.url))
            #expect(response.body == Array("abcde".utf8))
            #expect(response.header("X-Sign") == nil)
        }
    }

    @Test func bodyWithoutALengthEndsWithTheConnection() async throws {
        let script: @Sendable (RawConnection) -> Void = { connection in
            _ = connection.readRequest()
            connection.write("HTTP/1.0 200 OK\r\n\r\nuntil the end")
        }
        try await withServer(script: script) { server in
            let response = try await HTTPClient().response(to: HTTPRequest(test: server.url))
            #expect(response.body == Array("until the end".utf8))
        }
    }

    @Test(arguments: [200, 204, 302, 304, 400, 401, 404, 429, 500, 503])
    func everyStatusIsAResponse(status: Int) async throws {
        let script: @Sendable (RawConnection) -> Void = { connection in
            _ = connection.readRequest()
            connection.respond(status, fields: ["Retry-After: 7"])
        }
        try await withServer(script: script) { server in
            let response = try await HTTPClient().response(to: HTTPRequest(test: server.url))
            #expect(response.status == status)
            #expect(response.header("Retry-After") == "7")
        }
    }

    @Test func interimResponseIsSkipped() async throws {
        let script: @Sendable (RawConnection) -> Void = { connection in
            _ = connection.readRequest()
            connection.write("HTTP/1.1 103 Early Hints\r\nX-Sign: early\r\n\r\n")
            connection.respond(200, fields: ["X-Other: final"])
            connection.waitForEnd()
        }
        try await withServer(script: script) { server in
            let response = try await HTTPClient().response(to: HTTPRequest(test: server.url))
            #expect(response.status == 200)
            #expect(response.header("X-Sign") == nil)
            #expect(response.header("X-Other") == "final")
        }
    }

    @Test func redirectIsNotFollowed() async throws {
        try await withServer(script: echo) { destination in
            let location = "Location: \(destination.url)"
            let script: @Sendable (RawConnection) -> Void = { connection in
                _ = connection.readRequest()
                connection.respond(307, fields: [location])
            }
            try await withServer(script: script) { server in
                let response = try await HTTPClient().response(to: HTTPRequest(test: server.url))
                #expect(response.status == 307)
                #expect(response.header("Location") == destination.url)
                #expect(destination.acceptedCount == 0)
            }
        }
    }

    @Test func cookiesAreNotKept() async throws {
        let requests = Recorder<RawRequest>()
        let script: @Sendable (RawConnection) -> Void = { connection in
            while let request = connection.readRequest() {
                requests.add(request)
                connection.respond(fields: ["Set-Cookie: a=1"])
            }
        }
        try await withServer(script: script) { server in
            let client = try HTTPClient()
            _ = try await client.response(to: HTTPRequest(test: server.url))
            _ = try await client.response(to: HTTPRequest(test: server.url))
        }
        #expect(requests.elements.map { $0.hasField("Cookie") } == [false, false])
    }
}
