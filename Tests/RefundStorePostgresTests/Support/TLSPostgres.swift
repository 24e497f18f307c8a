import Foundation
import Glibc
import RefundCore
import RefundPostgresSupport
import RefundStorePostgres
import RefundTestSupport

/// A server that takes only passwords over TLS, with a certificate for `localhost`.
final class TLSPostgres: Sendable {
    /// What is wrong with a URL or a password.
    enum Mistake: Sendable {
        /// The file of another authority, one that does not exist, or the system's.
        case authority(String?)
        /// Another host.
        case host(String)
        /// Another password, or none.
        case password(String?)
        /// Another role.
        case role(String)
        /// Another database.
        case database(String)
        /// A port that nothing listens on.
        case port
    }

    /// The password of the role `refundd`.
    static let password = "correct horse battery staple"

    /// The server that the tests share.
    static func shared() throws -> TLSPostgres { try common.get() }

    private static let common = Result { try TLSPostgres() }

    private let secure: SecurePostgresServer

    /// The file of its authority.
    var authority: String { secure.authority }
    /// Its port at the loopback address.
    var port: Int { secure.port }

    private init() throws {
        secure = try SecurePostgresServer.shared()
        try secure.server.execute(
            """
            CREATE ROLE refundd LOGIN PASSWORD '\(Self.password)';
            ALTER ROLE postgres PASSWORD '\(Self.password)';
            CREATE ROLE outsider LOGIN
            """
        )
    }

    /// Connects as a daemon would that knows the password and the authority, but for a mistake.
    func store(_ mistake: Mistake? = nil) throws -> PostgresStore {
        var (host, port, role, database) = ("localhost", port, "refundd", "postgres")
        var (authority, password): (String?, String?) = (authority, Self.password)
        switch mistake {
        case .authority("other"): authority = secure.otherAuthority
        case .authority("missing"): authority = "/nowhere/ca.pem"
        case .authority: authority = nil
        case .host(let name): host = name
        case .password(let text): password = text
        case .role(let name): role = name
        case .database(let name): database = name
        case .port: port = 1
        case nil: break
        }
        let file = authority.map { "&sslrootcert=\($0)" } ?? ""
        let url = "postgresql://\(role)@\(host):\(port)/\(database)?sslmode=verify-full\(file)"
        return try PostgresStore(
            PostgresSettings(try PostgresURL(url), schema: "refundd") { [password] in
                .success(password)
            }
        )
    }
}

/// A listener that accepts no connection, so that whoever connects waits.
final class SilentServer {
    /// Its port.
    let port: Int
    private let descriptor: Int32

    init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let (listener, size) = (descriptor, length)
        let result = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                unsafe bind(listener, pointer, size) == 0 && listen(listener, 8) == 0
                    ? getsockname(listener, pointer, &length) : -1
            }
        }
        guard result == 0 else { throw TestFailure("no listener") }
        port = Int(UInt16(bigEndian: address.sin_port))
    }

    deinit { close(descriptor) }
}
