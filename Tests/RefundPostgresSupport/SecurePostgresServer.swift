import Foundation
import RefundTestSupport

/// A server that takes only passwords over TLS, with a certificate for `localhost`, at the loopback address.
package final class SecurePostgresServer: Sendable {
    /// The server that all tests of this process share.
    ///
    /// - Throws: An error if it does not start.
    package static func shared() throws -> SecurePostgresServer { try common.get() }

    private static let common = Result { try SecurePostgresServer() }

    /// The server; everybody may be anybody on its Unix socket.
    package let server: PostgresServer
    /// The file of the authority that signed its certificate.
    package let authority: String
    /// The file of an authority that did not.
    package let otherAuthority: String
    private let certificates: TestCertificates

    /// Starts a server.
    ///
    /// - Throws: An error if it does not start.
    package init() throws {
        certificates = try TestCertificates()
        let authority = try certificates.authority("authority")
        self.authority = authority.certificate
        otherAuthority = try certificates.authority("other").certificate
        server = try PostgresServer(
            network: PostgresServer.Network(
                rules: ["hostssl all outsider 127.0.0.1/32 reject", "hostssl all all 127.0.0.1/32 scram-sha-256"],
                identity: try certificates.server("server", alternativeNames: "DNS:localhost", by: authority)
            )
        )
    }

    deinit { certificates.remove() }

    /// Its port.
    package var port: Int { server.port ?? 0 }
}
