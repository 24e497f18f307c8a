import RefundTestSupport
import Testing

@testable import RefundHTTP

@Suite(.timeLimit(.minutes(1)))
struct HTTPClientTLSTests {
    /// Runs a test with certificates that are removed at its end.
    private func withCertificates(_ body: (TestCertificates) async throws -> Void) async throws {
        let certificates = try TestCertificates()
        defer { certificates.remove() }
        try await body(certificates)
    }

    /// Sends one request to a server with an identity.
    private func result(
        _ identity: TestCertificates.Identity,
        host: String = "127.0.0.1",
        caFile: String?,
        client: HTTPClient
    ) async throws -> Result<HTTPResponse, HTTPError> {
        let server = try TLSServer(identity)
        defer { server.stop() }
        var request = HTTPRequest(test: "https://\(host):\(server.port)/", body: "secret")
        request.caFile = caFile
        let result = await client.result(of: request)
        client.shutDown()
        return result
    }

    @Test func authorityOfTheCAFileIsTrusted() async throws {
        try await withCertificates { certificates in
            let authority = try certificates.authority("authority")
            let identity = try certificates.server("server", alternativeNames: "IP:127.0.0.1", by: authority)
            let client = try HTTPClient()
            let result = try await result(identity, caFile: authority.certificate, client: client)
            #expect(try result.get().body == Array("secret".utf8))
        }
    }

    @Test func unknownAuthorityIsNotTrusted() async throws {
        try await withCertificates { certificates in
            let authority = try certificates.authority("authority")
            let identity = try certificates.server("server", alternativeNames: "IP:127.0.0.1", by: authority)
            let result = try await result(identity, caFile: nil, client: HTTPClient())
            #expect(result.isCertificateError)
        }
    }

    @Test func caFileAddsToTheSystemsAuthorities() async throws {
        try await withCertificates { certificates in
            let systemAuthority = try certificates.authority("system")
            let otherAuthority = try certificates.authority("other")
            let directory = try certificates.trustedDirectory(of: systemAuthority)
            let known = try certificates.server("known", alternativeNames: "IP:127.0.0.1", by: systemAuthority)
            let added = try certificates.server("added", alternativeNames: "IP:127.0.0.1", by: otherAuthority)
            for (identity, caFile, isTrusted) in [
                (known, nil, true), (added, nil, false),
                (known, otherAuthority.certificate, true), (added, otherAuthority.certificate, true),
            ] {
                let client = try HTTPClient { $0.trustStore = TrustStore(directory: directory, bundle: nil) }
                let result = try await result(identity, caFile: caFile, client: client)
                #expect(result.isCertificateError == !isTrusted)
                #expect((try? result.get().status == 200) == (isTrusted ? true : nil))
            }
        }
    }

    @Test func certificateOfAnotherHostIsRefused() async throws {
        try await withCertificates { certificates in
            let authority = try certificates.authority("authority")
            let identity = try certificates.server("server", alternativeNames: "DNS:localhost", by: authority)
            let right = try await result(
                identity,
                host: "localhost",
                caFile: authority.certificate,
                client: HTTPClient()
            )
            #expect(try right.get().status == 200)
            let wrong = try await result(identity, caFile: authority.certificate, client: HTTPClient())
            #expect(wrong.isCertificateError)
        }
    }

    @Test func unusableCAFileIsAnErrorOfItsOwn() async throws {
        try await withCertificates { certificates in
            let authority = try certificates.authority("authority")
            let identity = try certificates.server("server", alternativeNames: "IP:127.0.0.1", by: authority)
            let text = try certificates.write("not a certificate\n", to: "text.pem")
            let broken = try certificates.write(
                "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
                to: "broken.pem"
            )
            for caFile in ["/nonexistent/ca.pem", "", "a\u{0}b", text, broken, "/tmp"] {
                let result = try await result(identity, caFile: caFile, client: HTTPClient())
                #expect(throws: HTTPError.badCAFile, "\(caFile)") { try result.get() }
            }
        }
    }

    @Test(arguments: ["1.2", "1.3"])
    func requiredClientCertificateIsNamed(version: String) async throws {
        try await withTLSServer("--client-ca", "AUTHORITY", "--tls", version) { _, request in
            let error = try #require(await HTTPClient().error(of: request))
            #expect(error.description.contains("requested a client certificate"))
        }
    }

    @Test func serverWithoutTLSIsATLSError() async throws {
        let script: @Sendable (RawConnection) -> Void = { connection in
            connection.write("HTTP/1.1 400 Bad Request\r\n\r\n")
            connection.waitForEnd()
        }
        try await withServer(script: script) { server in
            let error = try await HTTPClient().error(of: HTTPRequest(test: "https://127.0.0.1:\(server.port)/"))
            guard case .tls(let reason) = error else {
                Issue.record("not a TLS error: \(String(describing: error))")
                return
            }
            #expect(!reason.isEmpty)
        }
    }

    /// Nothing, the beginning of a record, and warnings without end.
    @Test(arguments: ["", "\u{16}\u{3}\u{3}\u{0}\u{7A}\u{2}", "\u{15}\u{3}\u{3}\u{0}\u{2}\u{1}\u{70}"])
    func handshakeTimeoutIsNamed(start: String) async throws {
        let script: @Sendable (RawConnection) -> Void = { connection in
            connection.write(start)
            connection.waitForEnd()
        }
        try await withServer(script: script) { server in
            var request = HTTPRequest(test: "https://127.0.0.1:\(server.port)/")
            request.timeout = .milliseconds(500)
            let client = try HTTPClient()
            #expect(await client.error(of: request) == .timeout(.handshake))
        }
    }

    @Test func muteServerBehindAHandshakeIsNamed() async throws {
        try await withTLSServer("--together", "2", "--after", "close") { _, request in
            var request = request
            request.timeout = .milliseconds(1_500)
            let client = try HTTPClient()
            #expect(await client.error(of: request) == .timeout(.awaitingResponse))
        }
    }
}

extension Result<HTTPResponse, HTTPError> {
    fileprivate var isCertificateError: Bool {
        if case .failure(.certificate) = self { true } else { false }
    }
}
