import RefundCore

/// A `postgresql://` URL in libpq's form: servers, a user, a database, and parameters of the connection.
///
/// It never holds a password: a URL is shown in messages and by `ps`, and copied along with a configuration.
///
/// Source: <https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS>.
package struct PostgresURL: Hashable, Sendable, CustomStringConvertible {
    /// A server that may be the primary.
    package struct Server: Hashable, Sendable {
        /// A name, an address, or the folder of a Unix socket; nil for libpq's own socket.
        package var host: String?
        /// The address to connect to, instead of asking a resolver for the host's.
        package var address: String?
        /// The port; nil for libpq's default.
        package var port: String?

        /// Whether it is this machine's own: a Unix socket or a loopback address.
        package var isLocal: Bool {
            guard let name = address ?? host else { return true }
            if name.hasPrefix("/") || name.hasPrefix("@") { return true }
            return Host(name)?.isLoopback ?? IPAddress(name)?.isLoopback ?? false
        }

        fileprivate var shown: String {
            let name = host ?? address ?? ""
            let bracketed = name.contains(":") ? "[\(name)]" : name
            return bracketed + (port.map { ":\($0)" } ?? "")
        }
    }

    /// The servers, in the order in which they are tried; at least one.
    package private(set) var servers: [Server] = []
    /// The role; nil for the name of the operating system's user.
    package private(set) var user: String?
    /// The database; nil for the one that is named like the role.
    package private(set) var database: String?
    /// How long to wait for each server; nil for the default.
    package private(set) var connectTimeout: Duration?
    /// Further parameters of libpq by name.
    package var parameters: [String: String] = [:]

    /// The parameters that name a file.
    package static let fileParameters: Set = ["sslcert", "sslcrl", "sslcrldir", "sslkey", "sslrootcert"]

    /// The servers and the database, as messages name them.
    package var description: String {
        let path = "/\(database ?? user ?? "")"
        if servers.count == 1, let folder = servers[0].host, folder.hasPrefix("/") {
            return "postgresql://\(path)?host=\(folder)" + (servers[0].port.map { "&port=\($0)" } ?? "")
        }
        return "postgresql://\(servers.map(\.shown).joined(separator: ","))\(path)"
    }

    /// What URLs begin with.
    static let schemes = ["postgresql://", "postgres://"]

    /// Reads a URL.
    ///
    /// - Throws: `PostgresURLError`, which never contains the text: it may hold a password.
    package init(_ text: String) throws(PostgresURLError) {
        guard let scheme = Self.schemes.first(where: text.hasPrefix) else { throw .unsupportedScheme }
        guard text.utf8.count <= HTTPURL.maxLength, text.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else {
            throw .invalidCharacter
        }
        let parts = text.dropFirst(scheme.count).split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let place = parts[0].split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        var authority = place[0]
        if let at = authority.lastIndex(of: "@") {
            guard !authority[..<at].contains(":") else { throw .password }
            user = try Self.decoded(authority[..<at])
            authority = authority[authority.index(after: at)...]
        }
        if place.count > 1 { database = try Self.decoded(place[1]) }
        var (hosts, addresses, ports) = try Self.split(authority)
        for pair in parts.count > 1 ? parts[1].split(separator: "&") : [] {
            guard let equals = pair.firstIndex(of: "=") else { throw .invalidParameter }
            let value = try Self.decoded(pair[pair.index(after: equals)...]) ?? ""
            switch String(pair[..<equals]) {
            case "host": hosts = Self.list(value)
            case "hostaddr": addresses = Self.list(value)
            case "port": ports = Self.list(value)
            case "user": user = value
            case "dbname": database = value
            case let name: try set(name, value)
            }
        }
        let count = max(hosts.count, addresses.count)
        guard [0, 1, count].contains(ports.count), addresses.isEmpty || hosts.isEmpty || addresses.count == hosts.count
        else { throw .listLengths }
        let invalid = ports.contains { !$0.isEmpty && UInt16(port: Array($0.utf8)[...]) ?? 0 == 0 }
        guard !invalid else { throw .invalidPort }
        servers = (0..<max(count, 1)).map { index in
            func element(_ list: [String]) -> String? {
                list.indices.contains(index) && !list[index].isEmpty ? list[index] : nil
            }
            let port = ports.count == 1 ? ports[0] : element(ports) ?? ""
            return Server(host: element(hosts), address: element(addresses), port: port.isEmpty ? nil : port)
        }
    }

    /// Sets a parameter of the query.
    private mutating func set(_ name: String, _ value: String) throws(PostgresURLError) {
        switch name {
        case "password", "sslpassword": throw .password
        case "passfile", "service": throw .unsupportedParameter(name, "name a file in password_file instead")
        case "target_session_attrs": throw .unsupportedParameter(name, "refundd always looks for the primary")
        case "ssl": throw .unsupportedParameter(name, "use sslmode")
        case "connect_timeout":
            guard let seconds = Int(value), (1...300).contains(seconds) else { throw .invalidTimeout }
            connectTimeout = .seconds(seconds)
            return
        case "sslmode":
            guard Self.modes.contains(value) else { throw .invalidMode }
        default:
            guard Self.others.contains(name) else { throw .unknownParameter }
        }
        parameters[name] = value
    }

    private static let modes: Set = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]

    private static let others: Set =
        fileParameters.union([
            "application_name", "channel_binding", "gssencmode", "keepalives", "keepalives_count", "keepalives_idle",
            "keepalives_interval", "krbsrvname", "options", "requirepeer", "sslsni",
            "ssl_max_protocol_version", "ssl_min_protocol_version", "tcp_user_timeout",
        ])

    /// The hosts and ports of the part before the path.
    private static func split(_ authority: Substring) throws(PostgresURLError) -> ([String], [String], [String]) {
        guard !authority.isEmpty else { return ([], [], []) }
        var (hosts, ports): ([String], [String]) = ([], [])
        for part in authority.split(separator: ",", omittingEmptySubsequences: false) {
            var (host, port) = (part, Substring())
            if let colon = part.lastIndex(of: ":"), !part[colon...].contains("]") {
                (host, port) = (part[..<colon], part[part.index(after: colon)...])
            }
            if host.hasPrefix("[") {
                guard host.hasSuffix("]") else { throw .invalidHost }
                host = host.dropFirst().dropLast()
            } else if host.contains(":") {
                throw .invalidHost
            }
            hosts.append(try decoded(host) ?? "")
            ports.append(String(port))
        }
        return (hosts, [], ports.allSatisfy(\.isEmpty) ? [] : ports)
    }

    private static func list(_ value: String) -> [String] {
        value.isEmpty ? [] : value.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }

    /// Decodes percent signs; nil for an empty text.
    private static func decoded(_ text: Substring) throws(PostgresURLError) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst()?.hexadecimalDigit, let low = rest.popFirst()?.hexadecimalDigit else {
                throw .invalidEscape
            }
            bytes.append(UInt8(high << 4 | low))
        }
        guard !bytes.contains(0), let result = String(validating: bytes, as: UTF8.self) else { throw .invalidEscape }
        return result.isEmpty ? nil : result
    }
}

/// Why a text is not a URL of a PostgreSQL server that refundd can use.
package enum PostgresURLError: Error, Hashable, Sendable, CustomStringConvertible {
    case unsupportedScheme
    case invalidCharacter
    case invalidEscape
    case invalidHost
    case invalidPort
    case invalidMode
    case invalidTimeout
    case invalidParameter
    case unknownParameter
    case listLengths
    case password
    /// A parameter that libpq has and refundd does not, and what to do instead.
    case unsupportedParameter(String, String)

    /// The problem and its fix, in one line.
    package var description: String {
        switch self {
        case .unsupportedScheme: "the URL does not start with postgresql://"
        case .invalidCharacter:
            "the URL contains a space or a control character, or is longer than \(HTTPURL.maxLength) characters;"
                + " percent-encode such characters"
        case .invalidEscape: "the URL has a % that does not begin the two hexadecimal digits of a character of UTF-8"
        case .invalidHost: "the URL's host is not valid; write an IPv6 address in brackets, as in [2001:db8::7]:5432"
        case .invalidPort: "a port of the URL is not a number from 1 to 65535"
        case .invalidMode:
            "the URL's sslmode is unknown; leave it out, or use verify-full, verify-ca, require, prefer, allow or"
                + " disable"
        case .invalidTimeout: "the URL's connect_timeout is not a number of seconds from 1 to 300"
        case .invalidParameter: "the URL has a parameter without a value; write ?name=value&name=value"
        case .unknownParameter: "the URL has a parameter that refundd does not know; remove it"
        case .listLengths: "the URL has several hosts, and another number of addresses or ports; give one per host"
        case .password: "the URL contains a password; remove it, and name a file with it in password_file"
        case .unsupportedParameter(let name, let remedy): "the URL's parameter \(name) is not supported; \(remedy)"
        }
    }
}
