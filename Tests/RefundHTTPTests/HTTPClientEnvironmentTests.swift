import Foundation
import Glibc
import RefundHTTP
import RefundTestSupport
import Testing

@Suite(.timeLimit(.minutes(1)))
struct HTTPClientEnvironmentTests {
    // Each in a process of its own, because all tests of a process share its environment.

    @Test func proxyVariablesAreIgnored() async {
        await #expect(processExitsWith: .success) {
            let proxy = try RawServer { $0.respond(502) }
            let server = try RawServer(script: echo)
            for name in ["http_proxy", "https_proxy", "all_proxy", "ALL_PROXY"] {
                unsafe setenv(name, proxy.url, 1)
            }
            let response = try await HTTPClient().response(to: HTTPRequest(test: server.url))
            #expect(response.status == 200)
            #expect(proxy.acceptedCount == 0)
        }
    }

    @Test func variablesOfTheLibrariesAreIgnored() async {
        await #expect(processExitsWith: .success) {
            let certificates = try TestCertificates()
            defer { certificates.remove() }
            let authority = try certificates.authority("authority")
            let identity = try certificates.server("server", alternativeNames: "IP:127.0.0.1", by: authority)
            let server = try TLSServer(identity)
            defer { server.stop() }
            let keyLog = try certificates.write("", to: "keys.log")
            unsafe setenv("SSLKEYLOGFILE", keyLog, 1)
            unsafe setenv("SSL_CERT_FILE", authority.certificate, 1)
            unsafe setenv("OPENSSL_CONF", try certificates.write("openssl_conf = missing\n", to: "broken.cnf"), 1)
            let client = try HTTPClient()
            var request = HTTPRequest(test: "https://127.0.0.1:\(server.port)/")
            guard case .certificate = await client.error(of: request) else {
                Issue.record("the environment adds an authority")
                return
            }
            request.caFile = authority.certificate
            #expect(try await client.response(to: request).status == 200)
            #expect(try String(contentsOfFile: keyLog, encoding: .utf8).isEmpty)
        }
    }
}
