import Foundation
import RefundHTTP
import Testing

@Suite(.timeLimit(.minutes(1)))
struct HTTPClientLoadTests {
    @Test func concurrentRequestsGetTheirOwnResponsesOverFewConnections() async throws {
        try await withServer(script: echo) { server in
            let client = try HTTPClient(maxConnections: 4)
            let right = try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<200 {
                    group.addTask {
                        let response = try await client.response(
                            to: HTTPRequest(test: server.url, body: "request \(number)")
                        )
                        return response.body == Array("request \(number)".utf8)
                    }
                }
                return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
            }
            #expect(right == 200)
            #expect((1...4).contains(server.acceptedCount))
        }
    }

    @Test func timeoutIncludesTheWaitForAConnection() async throws {
        try await withServer(script: stayMute) { server in
            let client = try HTTPClient(maxConnections: 1)
            client.send(HTTPRequest(test: server.url)) { _ in }
            var request = HTTPRequest(test: server.url)
            request.timeout = .milliseconds(100)
            #expect(await client.error(of: request) == .timeout(.waitingForConnection))
            client.shutDown()
            #expect(server.acceptedCount <= 1)
        }
    }

    @Test func idleConnectionGivesWayToAnotherHost() async throws {
        try await withServer(script: echo) { first in
            try await withServer(script: echo) { second in
                let client = try HTTPClient(maxConnections: 1)
                for server in [first, second, first, second] {
                    #expect(try await client.response(to: HTTPRequest(test: server.url)).status == 200)
                }
                #expect(first.acceptedCount == 2)
                #expect(second.acceptedCount == 2)
            }
        }
    }

    @Test func completionMaySendAnotherRequest() async throws {
        try await withServer(script: echo) { server in
            let client = try HTTPClient(maxConnections: 1)
            let body: [UInt8]? = await withCheckedContinuation { continuation in
                client.send(HTTPRequest(test: server.url, body: "first")) { _ in
                    client.send(HTTPRequest(test: server.url, body: "second")) { result in
                        continuation.resume(returning: try? result.get().body)
                    }
                }
            }
            #expect(body == Array("second".utf8))
        }
    }

    @Test func completionIsCalledOnTheNamedThread() async throws {
        try await withServer(script: echo) { server in
            let client = try HTTPClient(test: "http-name-longer-than-15-bytes")
            let name: String? = await withCheckedContinuation { continuation in
                client.send(HTTPRequest(test: server.url)) { _ in
                    continuation.resume(
                        returning: try? String(contentsOfFile: "/proc/thread-self/comm", encoding: .utf8)
                    )
                }
            }
            #expect(name == "http-name-longe\n")
        }
    }
}
