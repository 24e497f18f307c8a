import Foundation
import Testing

@testable import RefundHTTP

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
            let response = try await HTTPClient().response(to: request)
            #expect(response.bodyEnd == .broken(.timeout(.receivingBody)))
        }
    }

    @Test(arguments: [Duration.milliseconds(100), .nanoseconds(1), .zero, .seconds(-5), .seconds(Int64.min)])
    func muteServerIsBoundedByTheTimeout(timeout: Duration) async throws {
        try await withServer(script: stayMute) { server in
            var request = HTTPRequest(test: server.url)
            request.timeout = timeout
            let client = try HTTPClient()
            guard case .timeout = await client.error(of: request) else {
                Issue.record("no timeout")
                return
            }
        }
    }

    @Test func waitForTheResponseIsNamed() async throws {
        let script: @Sendable (RawConnection) -> Void = { connection in
            if connection.number > 1 { connection.write("HTTP/1.1 200 OK\r\nX-A: 1\r\n") }
            connection.waitForEnd()
        }
        try await withServer(script: script) { server in
            var request = HTTPRequest(test: server.url)
            request.timeout = .milliseconds(500)
            let client = try HTTPClient()
            #expect(await client.error(of: request) == .timeout(.awaitingResponse))
            #expect(await client.error(of: request) == .timeout(.receivingHead))
        }
    }

    @Test func longestTimeoutIsAccepted() async throws {
        try await withServer(script: echo) { server in
            var request = HTTPRequest(test: server.url)
            request.timeout = .seconds(Int64.max)
            let response = try await HTTPClient().response(to: request)
            #expect(response.status == 200)
        }
    }

    @Test func bodyAnnouncedAboveTheLimitIsNotAwaited() async throws {
        try await withServer(script: Self.announcement) { server in
            var request = HTTPRequest(test: server.url)
            request.responseLimit = .refuseAbove(999)
            let response = try await HTTPClient().response(to: request)
            #expect(response.bodyEnd == .broken(.tooLarge(limit: 999)))
        }
    }

    @Test(arguments: [0, 1, 999, 1_000, 100_001])
    func bodyAboveTheLimitBreaksTheResponse(limit: Int) async throws {
        try await withServer(script: Self.endless) { server in
            var request = HTTPRequest(test: server.url)
            request.responseLimit = .refuseAbove(limit)
            let response = try await HTTPClient().response(to: request)
            #expect(response.bodyEnd == .broken(.tooLarge(limit: limit)))
            #expect(response.body.isEmpty)
        }
    }

    @Test(arguments: [0, 1, 999, 1_000, 100_001])
    func firstBytesOfALongerBodyAreKept(limit: Int) async throws {
        try await withServer(script: Self.endless) { server in
            var request = HTTPRequest(test: server.url)
            request.responseLimit = .keepFirst(limit)
            let response = try await HTTPClient().response(to: request)
            #expect(response.status == 200)
            #expect(response.bodyEnd == .truncated)
            #expect(response.body == [UInt8](repeating: UInt8(ascii: "x"), count: limit))
        }
    }

    @Test(arguments: [HTTPRequest.ResponseLimit.refuseAbove(5), .keepFirst(5), .refuseAbove(6), .keepFirst(6)])
    func bodyUpToTheLimitIsComplete(limit: HTTPRequest.ResponseLimit) async throws {
        try await withServer(script: echo) { server in
            var request = HTTPRequest(test: server.url, body: "12345")
            request.responseLimit = limit
            let client = try HTTPClient()
            for _ in 1...2 {
                let response = try await client.response(to: request)
                #expect(response.body == Array("12345".utf8))
                #expect(response.bodyEnd == .complete)
            }
            #expect(server.acceptedCount == 1)
        }
    }

    @Test(arguments: [HTTPRequest.ResponseLimit.refuseAbove(0), .keepFirst(0), .refuseAbove(-1), .keepFirst(.min)])
    func emptyBodyFitsEveryLimit(limit: HTTPRequest.ResponseLimit) async throws {
        try await withServer(script: echo) { server in
            var request = HTTPRequest(test: server.url)
            request.responseLimit = limit
            let response = try await HTTPClient().response(to: request)
            #expect(response.body.isEmpty)
        }
    }

    @Test func limitOfOneRequestDoesNotAffectTheNext() async throws {
        try await withServer(script: echo) { server in
            let client = try HTTPClient()
            var request = HTTPRequest(test: server.url, body: "12345")
            request.responseLimit = .refuseAbove(4)
            #expect(try await client.response(to: request).bodyEnd == .broken(.tooLarge(limit: 4)))
            request.responseLimit = .keepFirst(4)
            #expect(try await client.response(to: request).body == Array("1234".utf8))
            request.responseLimit = .refuseAbove(5)
            #expect(try await client.response(to: request).body == Array("12345".utf8))
        }
    }

    @Test func manyHeaderFieldsAreKept() async throws {
        let script: @Sendable (RawConnection) -> Void = { connection in
            _ = connection.readRequest()
            connection.respond(fields: (0..<2_000).map { "X-\($0): \($0)" } + ["Retry-After: 7"])
            connection.waitForEnd()
        }
        try await withServer(script: script) { server in
            let response = try await HTTPClient().response(to: HTTPRequest(test: server.url))
            #expect(response.header("X-1999") == "1999")
            #expect(response.header("Retry-After") == "7")
        }
    }

    struct Flood: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let start: String
        let repeated: String
    }

    static let floods = [
        Flood(testDescription: "fields", start: "HTTP/1.1 200 OK\r\n", repeated: "X-Field: value\r\n"),
        Flood(testDescription: "one field", start: "HTTP/1.1 200 OK\r\nX-Field: ", repeated: "value "),
        Flood(testDescription: "interim responses", start: "", repeated: "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n"),
        Flood(
            testDescription: "trailers",
            start: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n",
            repeated: "X-Trailer: value\r\n"
        ),
        Flood(
            testDescription: "chunk extensions",
            start: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n2",
            repeated: ";extension=value"
        ),
    ]

    @Test(arguments: floods, [HTTPRequest.ResponseLimit.refuseAbove(1_000), .keepFirst(1_000)])
    func floodOutsideTheBodyFailsTheExchange(flood: Flood, limit: HTTPRequest.ResponseLimit) async throws {
        let script: @Sendable (RawConnection) -> Void = { connection in
            _ = connection.readRequest()
            connection.write(flood.start)
            let block = [[UInt8]](repeating: Array(flood.repeated.utf8), count: 200).flatMap { $0 }
            while connection.write(block) {}
        }
        try await withServer(script: script) { server in
            var request = HTTPRequest(test: server.url)
            request.responseLimit = limit
            let client = try HTTPClient()
            #expect(await client.error(of: request) == .metadataTooLarge(limit: 65_536))
        }
    }

    @Test func longHeaderLineIsNotReportedAsLackOfMemory() async throws {
        let script: @Sendable (RawConnection) -> Void = { connection in
            _ = connection.readRequest()
            connection.respond(fields: ["X-Long: \(String(repeating: "x", count: 150_000))"])
            connection.waitForEnd()
        }
        try await withServer(script: script) { server in
            let client = try HTTPClient()
            #expect(await client.error(of: HTTPRequest(test: server.url)) == .metadataTooLarge(limit: 65_536))
        }
    }

    @Test func slowChunkedBodyIsNotTakenForAFlood() async throws {
        let script: @Sendable (RawConnection) -> Void = { connection in
            _ = connection.readRequest()
            connection.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            for _ in 0..<50 {
                let chunk = String(repeating: "x", count: 16_384)
                guard connection.write("4000\r\n\(chunk)\r\n"), !connection.waitForEnd(milliseconds: 40) else {
                    return
                }
            }
            connection.write("0\r\n\r\n")
            connection.waitForEnd()
        }
        try await withServer(script: script) { server in
            let response = try await HTTPClient().response(to: HTTPRequest(test: server.url))
            #expect(response.bodyEnd == .complete)
            #expect(response.body.count == 50 * 16_384)
        }
    }

    /// In a process of its own, whose memory no other test uses.
    @Test func floodOfTrailersDoesNotUseMemory() async {
        await #expect(processExitsWith: .success) {
            let server = try RawServer { connection in
                _ = connection.readRequest()
                connection.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n")
                let block = [[UInt8]](repeating: Array("X-Trailer: value\r\n".utf8), count: 200).flatMap { $0 }
                while connection.write(block) {}
            }
            let client = try HTTPClient()
            for _ in 1...20 {
                #expect(await client.error(of: HTTPRequest(test: server.url)) != nil)
            }
            let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
            let peak = status.split(separator: "\n").first { $0.hasPrefix("VmHWM") }?.split(separator: " ").dropLast()
                .last
            #expect(try #require(peak.flatMap { Int($0) }) < 150_000)
        }
    }
}
