import Foundation
import RefundHTTP
import Testing

@Suite(.timeLimit(.minutes(1)))
struct ContentEncodingTests {
    // printf '{"code":"0"}' | gzip -9n | base64
    private static let zipped = "H4sIAAAAAAACA6tWSs5PSVWyUjJQqgUAGCR7wgwAAAA="
    // head -c 300000 /dev/zero | gzip -9n | base64
    private static let bomb =
        "H4sIAAAAAAACA+3BAQ0AAADCoPdPbQ8HFAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        + "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        + "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        + "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        + "AAAAAAAAAAAAAAAAAAAA/Bj74rL24JMEAA=="

    private func result(
        _ encoding: String,
        _ body: [UInt8],
        _ limit: HTTPRequest.ResponseLimit
    ) async throws -> Result<HTTPResponse, HTTPError> {
        let script: @Sendable (RawConnection) -> Void = { connection in
            guard let request = connection.readRequest() else { return }
            let isAsked = request.lines.contains("Accept-Encoding: identity")
            _ = connection.respond(fields: ["Content-Encoding: \(encoding)", "X-Asked: \(isAsked)"], body: body)
        }
        return try await withServer(script: script) { server in
            let client = try HTTPClient()
            defer { client.shutDown() }
            var request = HTTPRequest(test: server.url)
            request.responseLimit = limit
            return await client.result(of: request)
        }
    }

    private func decoded(_ base64: String) throws -> [UInt8] { Array(try #require(Data(base64Encoded: base64))) }

    @Test(arguments: ["gzip", "x-gzip", "GZIP"])
    func bodyThatIsEncodedUnaskedIsDecoded(encoding: String) async throws {
        let response = try await result(encoding, decoded(Self.zipped), .refuseAbove(100)).get()
        #expect(String(decoding: response.body, as: UTF8.self) == #"{"code":"0"}"#)
        #expect(response.header("X-Asked") == "true")
    }

    @Test func decodedBodyIsBounded() async throws {
        let body = try decoded(Self.bomb)
        #expect(body.count < 1_000)
        let response = try await result("gzip", body, .refuseAbove(100_000)).get()
        #expect(response.bodyEnd == .broken(.tooLarge(limit: 100_000)))
    }

    @Test(arguments: ["zip", "gzip, zip"])
    func unknownEncodingIsAnError(encoding: String) async throws {
        let response = try await result(encoding, decoded(Self.zipped), .refuseAbove(100)).get()
        #expect(response.bodyEnd != .complete)
    }

    @Test func bodyOfWhichTheStartIsKeptIsNotDecoded() async throws {
        let body = try decoded(Self.zipped)
        #expect(try await result("gzip", body, .keepFirst(100)).get().body == body)
    }
}
