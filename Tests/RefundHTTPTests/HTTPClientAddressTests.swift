import Glibc
import RefundHTTP
import Testing

@Suite(.timeLimit(.minutes(1)))
struct HTTPClientAddressTests {
    private struct Address: Hashable, Sendable {
        let bytes: [UInt8]
        let port: UInt16
    }

    private static let loopback4: [UInt8] = [127, 0, 0, 1]
    private static let loopback6: [UInt8] = [UInt8](repeating: 0, count: 15) + [1]

    @Test func refusedAddressIsNotConnectedTo() async throws {
        try await withServer(script: echo) { server in
            let seen = Recorder<Address>()
            var request = HTTPRequest(test: server.url)
            request.vetAddress = { bytes, port in
                seen.add(Address(bytes: bytes, port: port))
                return "127.0.0.1 is a loopback address"
            }
            let error = try await HTTPClient().error(of: request)
            #expect(error == .refusedAddress("127.0.0.1 is a loopback address"))
            #expect(seen.elements == [Address(bytes: Self.loopback4, port: server.port)])
            #expect(server.acceptedCount == 0)
        }
    }

    @Test func ipv6AddressHasSixteenBytes() async throws {
        try await withServer(.ipv6, script: echo) { server in
            let seen = Recorder<Address>()
            var request = HTTPRequest(test: server.url, body: "six")
            request.vetAddress = { bytes, port in
                seen.add(Address(bytes: bytes, port: port))
                return nil
            }
            let response = try await HTTPClient().response(to: request)
            #expect(response.body == Array("six".utf8))
            #expect(seen.elements == [Address(bytes: Self.loopback6, port: server.port)])
        }
    }

    @Test func refusingOneAddressLeavesTheOthers() async throws {
        try await withServer(script: echo) { server in
            let seen = Recorder<[UInt8]>()
            var request = HTTPRequest(test: "http://localhost:\(server.port)/", body: "four")
            request.vetAddress = { bytes, _ in
                seen.add(bytes)
                return bytes == Self.loopback4 ? nil : "only IPv4 here"
            }
            let response = try await HTTPClient().response(to: request)
            #expect(response.body == Array("four".utf8))
            #expect(seen.elements.contains(Self.loopback4))
        }
    }

    @Test func everyAddressOfANameIsVetted() async throws {
        try await withServer(script: echo) { server in
            let seen = Recorder<[UInt8]>()
            var request = HTTPRequest(test: "http://localhost:\(server.port)/")
            request.vetAddress = { bytes, _ in
                seen.add(bytes)
                return "no"
            }
            let client = try HTTPClient()
            #expect(await client.error(of: request) == .refusedAddress("no"))
            #expect(Set(seen.elements) == [Self.loopback4, Self.loopback6])
            #expect(server.acceptedCount == 0)
        }
    }

    @Test func idleConnectionIsNotVettedAgain() async throws {
        try await withServer(script: echo) { server in
            let seen = Recorder<[UInt8]>()
            var request = HTTPRequest(test: server.url)
            request.vetAddress = { bytes, _ in
                seen.add(bytes)
                return nil
            }
            let client = try HTTPClient()
            _ = try await client.response(to: request)
            _ = try await client.response(to: request)
            #expect(seen.elements == [Self.loopback4])
        }
    }

    @Test func closedPortIsAConnectError() async throws {
        let socket = try LoopbackSocket(.ipv4)
        defer { close(socket.descriptor) }
        let request = HTTPRequest(test: "http://127.0.0.1:\(socket.port)/")
        let client = try HTTPClient()
        #expect(await client.error(of: request) == .connect)
    }

    @Test func impossibleNameIsAResolveError() async throws {
        let label = String(repeating: "a", count: 64)
        let request = HTTPRequest(test: "http://\(label).invalid/")
        let client = try HTTPClient()
        #expect(await client.error(of: request) == .resolve)
    }
}
