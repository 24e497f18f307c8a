import RefundHTTP
import Testing

@Suite(.timeLimit(.minutes(1)))
struct HTTPClientLimitTests {
    /// Sends bytes of a body as long as the client takes them.
    private static let endless: @Sendable (RawConnection) -> Void = { connection in
        _ = connection.readRequest()
        connection.write("HTTP/1.1 200 OK\r\n\r\n")
        while connection.write([UInt8](repeating: UInt8(ascii: "x"), count: 1_000)) {}
    }

    /// Announces 1,000 bytes, sends none of them.
    private static let announcement: @Sendable (RawConnection) -> Void = { connection in
        _ = connection.readRequest()
        connection.write("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        connection.waitForEnd()
    }

    @Test func drippingBodyIsBoundedByTheTimeout() async throws {
        let script: @Sendable (RawConnection) -> Void = { connection in
            _ = connection.readRequest()
            connection.write("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
            while connection.write("x"), !connection.waitForEnd(milliseconds: 20) {}
        }
        try await withServer(script: script) { server in
            var request = HTTPRequest(test: server.url)
            request.timeout = .milliseconds(300)
            let client = try HTTPClient()
            #expect(await client.error(of: request) == .timeout)
        }
    }

    @Test(arguments: [Duration.milliseconds(100), .nanoseconds(1), .zero, .seconds(-5), .seconds(Int64.min)])
    func muteServerIsBoundedByTheTimeout(timeout: Duration) async throws {
        try await withServer(script: stayMute) { server in
            var request = HTTPRequest(test: server.url)
            request.timeout = timeout
            let client = try HTTPClient()
            #expect(await client.error(of: request) == .timeout)
        }
    }

    @Test func longestTimeoutIsTaken() async throws {
        try await withServer(script: echo) { server in
            var request = HTTPRequest(test: server.url)
            request.timeout = .seconds(Int64.max)
            let answer = try await HTTPClient().answer(to: request)
            #expect(answer.status == 200)
        }
    }

    @Test func announcedBodyAboveTheLimitIsRefusedBeforeItComes() async throws {
        try await withServer(script: Self.announcement) { server in
            var request = HTTPRequest(test: server.url)
            request.responseLimit = .refuseAbove(999)
            let client = try HTTPClient()
            #expect(await client.error(of: request) == .tooLarge(limit: 999))
        }
    }

    @Test(arguments: [0, 1, 999, 1_000, 100_001])
    func bodyAboveTheLimitIsRefusedWhileItComes(limit: Int) async throws {
        try await withServer(script: Self.endless) { server in
            var request = HTTPRequest(test: server.url)
            request.responseLimit = .refuseAbove(limit)
            let client = try HTTPClient()
            #expect(await client.error(of: request) == .tooLarge(limit: limit))
        }
    }

    @Test(arguments: [0, 1, 999, 1_000, 100_001])
    func firstBytesOfALongerBodyAreKept(limit: Int) async throws {
        try await withServer(script: Self.endless) { server in
            var request = HTTPRequest(test: server.url)
            request.responseLimit = .keepFirst(limit)
            let answer = try await HTTPClient().answer(to: request)
            #expect(answer.status == 200)
            #expect(answer.isTruncated)
            #expect(answer.body == [UInt8](repeating: UInt8(ascii: "x"), count: limit))
        }
    }

    @Test(arguments: [HTTPRequest.ResponseLimit.refuseAbove(5), .keepFirst(5), .refuseAbove(6), .keepFirst(6)])
    func bodyUpToTheLimitIsWhole(limit: HTTPRequest.ResponseLimit) async throws {
        try await withServer(script: echo) { server in
            var request = HTTPRequest(test: server.url, body: "12345")
            request.responseLimit = limit
            let client = try HTTPClient()
            for _ in 1...2 {
                let answer = try await client.answer(to: request)
                #expect(answer.body == Array("12345".utf8))
                #expect(!answer.isTruncated)
            }
            #expect(server.acceptedCount == 1)
        }
    }

    @Test(arguments: [HTTPRequest.ResponseLimit.refuseAbove(0), .keepFirst(0), .refuseAbove(-1), .keepFirst(.min)])
    func emptyBodyFitsEveryLimit(limit: HTTPRequest.ResponseLimit) async throws {
        try await withServer(script: echo) { server in
            var request = HTTPRequest(test: server.url)
            request.responseLimit = limit
            let answer = try await HTTPClient().answer(to: request)
            #expect(answer.body.isEmpty)
        }
    }

    @Test func limitOfOneRequestDoesNotBindTheNext() async throws {
        try await withServer(script: echo) { server in
            let client = try HTTPClient()
            var request = HTTPRequest(test: server.url, body: "12345")
            request.responseLimit = .refuseAbove(4)
            #expect(await client.error(of: request) == .tooLarge(limit: 4))
            request.responseLimit = .keepFirst(4)
            #expect(try await client.answer(to: request).body == Array("1234".utf8))
            request.responseLimit = .refuseAbove(5)
            #expect(try await client.answer(to: request).body == Array("12345".utf8))
        }
    }

    @Test func headerIsKeptWithinBounds() async throws {
        let script: @Sendable (RawConnection) -> Void = { connection in
            _ = connection.readRequest()
            connection.answer(fields: (0..<1_000).map { "X-\($0): \($0)" })
            connection.waitForEnd()
        }
        try await withServer(script: script) { server in
            let answer = try await HTTPClient().answer(to: HTTPRequest(test: server.url))
            #expect(answer.header("X-60") == "60")
            #expect(answer.header("X-100") == nil)
        }
    }
}
