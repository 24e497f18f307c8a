import Dispatch
import Glibc
import Testing

@testable import RefundHTTP

@Suite(.timeLimit(.minutes(1)))
struct HTTPClientConnectionTests {
    @Test func connectionIsReused() async throws {
        try await withServer(script: echo) { server in
            let client = try HTTPClient()
            for body in ["a", "", "ccc", "dd"] {
                let response = try await client.response(to: HTTPRequest(test: server.url, body: body))
                #expect(response.body == Array(body.utf8))
            }
            #expect(server.acceptedCount == 1)
        }
    }

    @Test func freshRequestOpensAConnection() async throws {
        try await withServer(script: echo) { server in
            let client = try HTTPClient(maxConnections: 1)
            for connection in [HTTPRequest.Connection.any, .fresh, .any, .fresh] {
                var request = HTTPRequest(test: server.url)
                request.connection = connection
                #expect(try await client.response(to: request).status == 200)
            }
            #expect(server.acceptedCount == 3)
        }
    }

    @Test func connectionIsReplacedAtItsMaximumAge() async throws {
        try await withServer(script: echo) { server in
            let client = try HTTPClient { $0.maxConnectionSeconds = 1 }
            while server.acceptedCount < 2 {
                #expect(try await client.response(to: HTTPRequest(test: server.url)).status == 200)
            }
        }
    }

    /// More often than libcurl retries in the life of a handle.
    @Test func requestOnADyingConnectionIsRepeatedEveryTime() async throws {
        let script: @Sendable (RawConnection) -> Void = { connection in
            _ = connection.readRequest()
            connection.respond(body: Array("\(connection.number)".utf8))
            _ = connection.readRequest()
        }
        try await withServer(script: script) { server in
            let client = try HTTPClient()
            for number in 1...20 {
                let response = try await client.response(to: HTTPRequest(test: server.url))
                #expect(response.body == Array("\(number)".utf8))
            }
        }
    }

    @Test func requestOnADyingConnectionIsRepeatedOnlyOnce() async throws {
        let requests = Recorder<Int>()
        let script: @Sendable (RawConnection) -> Void = { connection in
            while connection.readRequest() != nil {
                requests.add(connection.number)
                guard connection.number == 1, requests.elements.count == 1 else { return }
                connection.respond()
            }
        }
        try await withServer(script: script) { server in
            let client = try HTTPClient()
            _ = try await client.response(to: HTTPRequest(test: server.url))
            #expect(await client.error(of: HTTPRequest(test: server.url)) == .emptyResponse)
            #expect(requests.elements == [1, 1, 2])
        }
    }

    @Test func onlyOneOfManyDyingConnectionsIsTried() async throws {
        let count = 4
        let arrivals = DispatchGroup()
        for _ in 0..<count { arrivals.enter() }
        let deaths = Recorder<Int>()
        let script: @Sendable (RawConnection) -> Void = { connection in
            _ = connection.readRequest()
            if connection.number <= count {
                arrivals.leave()
                arrivals.wait()
            }
            connection.respond()
            if connection.readRequest() != nil { deaths.add(connection.number) }
        }
        try await withServer(script: script) { server in
            let client = try HTTPClient()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<count {
                    group.addTask { _ = try await client.response(to: HTTPRequest(test: server.url)) }
                }
                try await group.waitForAll()
            }
            #expect(try await client.response(to: HTTPRequest(test: server.url)).status == 200)
            #expect(deaths.elements.count == 1)
            #expect(server.acceptedCount == count + 1)
        }
    }

    @Test func requestThatFailsOnANewConnectionIsNotRepeated() async throws {
        let script: @Sendable (RawConnection) -> Void = { _ = $0.readRequest() }
        try await withServer(script: script) { server in
            let client = try HTTPClient()
            #expect(await client.error(of: HTTPRequest(test: server.url)) == .emptyResponse)
            #expect(server.acceptedCount == 1)
        }
    }

    @Test func requestWithAPartialResponseIsNotRepeated() async throws {
        let script: @Sendable (RawConnection) -> Void = { connection in
            _ = connection.readRequest()
            connection.respond()
            _ = connection.readRequest()
            connection.write("HTTP/1.1 200 OK\r\n")
        }
        try await withServer(script: script) { server in
            let client = try HTTPClient()
            _ = try await client.response(to: HTTPRequest(test: server.url))
            #expect(await client.error(of: HTTPRequest(test: server.url)) == .connectionLost)
            #expect(server.acceptedCount == 1)
        }
    }

    @Test func timeoutOfAnIdleConnectionIsNotTheResponse() async throws {
        let script: @Sendable (RawConnection) -> Void = { connection in
            _ = connection.readRequest()
            connection.respond()
            if connection.readRequest() != nil { connection.respond(408, fields: ["Connection: close"]) }
        }
        try await withServer(script: script) { server in
            let client = try HTTPClient()
            for _ in 1...2 { #expect(try await client.response(to: HTTPRequest(test: server.url)).status == 200) }
            #expect(server.acceptedCount == 2)
        }
    }

    @Test func garbageOnAnIdleConnectionIsNotRepeated() async throws {
        let script: @Sendable (RawConnection) -> Void = { connection in
            _ = connection.readRequest()
            connection.respond()
            _ = connection.readRequest()
            connection.write("garbage\r\n\r\n")
        }
        try await withServer(script: script) { server in
            let client = try HTTPClient()
            _ = try await client.response(to: HTTPRequest(test: server.url))
            #expect(await client.error(of: HTTPRequest(test: server.url)) != nil)
            #expect(server.acceptedCount == 1)
        }
    }

    @Test(arguments: ["1.2", "1.3"])
    func encryptedConnectionIsReused(version: String) async throws {
        try await withTLSServer("--tls", version) { _, request in
            let client = try HTTPClient()
            defer { client.shutDown() }
            for _ in 1...5 { #expect(try await client.response(to: request).header("X-Connection") == "1") }
        }
    }

    @Test(arguments: ["close", "data"])
    func connectionThatReceivedSomethingWhileIdleIsNotUsed(event: String) async throws {
        let burst = 8
        try await withTLSServer("--together", "\(burst)", "--after", event) { _, request in
            let client = try HTTPClient()
            defer { client.shutDown() }
            for round in 0..<2 {
                try await withThrowingTaskGroup(of: (Int, HTTPResponse).self) { group in
                    for number in 0..<burst {
                        var request = request
                        request.body = Array("request \(number)".utf8)
                        group.addTask { [request] in (number, try await client.response(to: request)) }
                    }
                    for try await (number, response) in group {
                        #expect(response.body == Array("request \(number)".utf8))
                        let connection = try #require(response.header("X-Connection").flatMap { Int($0) })
                        #expect((connection > burst) == (round > 0))
                    }
                }
            }
        }
    }
}

@Suite(.timeLimit(.minutes(1)))
struct HTTPClientSilentAddressTests {
    /// Creates a client for which `pair.test` is 127.0.0.2 and 127.0.0.1, and a request to it.
    private func client(port: UInt16) throws -> (HTTPClient, HTTPRequest) {
        var request = HTTPRequest(test: "http://pair.test:\(port)/")
        request.timeout = .seconds(10)
        request.connection = .fresh
        let client = try HTTPClient { $0.resolutions = ["pair.test:\(port):127.0.0.2,127.0.0.1"] }
        return (client, request)
    }

    @Test func silentAddressDelaysOnlyTheFirstConnection() async throws {
        try await withServer(script: echo) { server in
            let silent = try SilentListener(port: server.port)
            defer { silent.stop() }
            let (client, request) = try client(port: server.port)
            #expect(try await client.response(to: request).duration > .seconds(1))
            for _ in 1...3 {
                #expect(try await client.response(to: request).duration < .seconds(1))
            }
        }
    }

    @Test func silentAddressIsTriedAgainIfNoOtherAccepts() async throws {
        try await withServer(script: echo) { server in
            let silent = try SilentListener(port: server.port)
            let (client, request) = try client(port: server.port)
            #expect(try await client.response(to: request).status == 200)
            silent.stop()
            server.stop()
            let other = try RawServer(host: 2, port: server.port, script: echo)
            defer { other.stop() }
            #expect(try await client.response(to: request).status == 200)
            #expect(other.acceptedCount == 1)
        }
    }

    @Test func addressFilterAppliesToSilentAddresses() async throws {
        try await withServer(script: echo) { server in
            let silent = try SilentListener(port: server.port)
            defer { silent.stop() }
            var (client, request) = try client(port: server.port)
            _ = try await client.response(to: request)
            request.vetAddress = { _, _ in "no" }
            #expect(await client.error(of: request) == .refusedAddress("no"))
        }
    }

    @Test func connectTimeoutIsNamed() async throws {
        let free = try LoopbackSocket(.ipv4)
        defer { close(free.descriptor) }
        let silent = try SilentListener(port: free.port)
        defer { silent.stop() }
        var request = HTTPRequest(test: "http://127.0.0.2:\(free.port)/")
        request.timeout = .milliseconds(300)
        #expect(try await HTTPClient().error(of: request) == .timeout(.connecting))
    }
}
