/// An `http` or `https` URL whose scheme, host and port every reader agrees on.
///
/// The grammar is narrower than RFC 3986 on purpose. Wherever two URL readers are known to disagree (user info,
/// backslashes, control characters, percent signs or other alphabets in the host, numbers as hosts), the URL is
/// rejected. What remains means the same here and to libcurl, which parses the text again before it connects.
package struct HTTPURL: Hashable, Sendable {
    package enum Scheme: String, Sendable {
        case http
        case https

        /// The port of a URL without an explicit one.
        package var defaultPort: UInt16 { self == .https ? 443 : 80 }
    }

    /// The longest URL that is accepted, in bytes; the queue has the same limit for `callback_url`.
    package static let maxLength = 2_048

    package let scheme: Scheme
    package let host: Host
    package let port: UInt16
    /// The path, the query and the fragment, as written.
    package let target: Substring

    /// Reads a URL.
    ///
    /// - Throws: `HTTPURLError`, which never contains the text: it may hold a token.
    package init(_ text: String) throws(HTTPURLError) {
        let bytes = Array(text.utf8)
        guard !bytes.isEmpty else { throw .empty }
        guard bytes.count <= Self.maxLength else { throw .tooLong }
        guard bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\\") }) else { throw .invalidCharacter }
        guard let (scheme, start) = Self.scheme(of: bytes) else { throw .unsupportedScheme }
        let end = bytes[start...].firstIndex { byte in
            byte == UInt8(ascii: "/") || byte == UInt8(ascii: "?") || byte == UInt8(ascii: "#")
        }
        let authority = bytes[start..<(end ?? bytes.endIndex)]
        guard !authority.contains(UInt8(ascii: "@")) else { throw .userInfo }
        let (hostText, portText) = Host.split(authority)
        guard !hostText.isEmpty else { throw .missingHost }
        guard let host = Host(ascii: hostText) else { throw .invalidHost }
        let port = portText.map { UInt16(port: $0) ?? 0 } ?? scheme.defaultPort
        guard port > 0 else { throw .invalidPort }
        self.scheme = scheme
        self.host = host
        self.port = port
        target = text[text.utf8.index(text.startIndex, offsetBy: authority.endIndex)...]
    }

    /// The scheme, host and port in one spelling, such as `https://shop.example:443`.
    package var endpoint: String { "\(scheme.rawValue)://\(host):\(port)" }

    /// The URL up to its path, without the scheme's default port.
    package var origin: String {
        port == scheme.defaultPort ? "\(scheme.rawValue)://\(host)" : endpoint
    }

    /// Names the endpoint behind a URL, for limits, logs and reports.
    ///
    /// - Returns: Scheme, host and port in one spelling, or a constant for any text that is not a valid URL. Never
    ///   contains user info, path, query or fragment: in a malformed text, any part may be the secret.
    package static func endpoint(of text: String) -> String {
        (try? HTTPURL(text))?.endpoint ?? "invalid URL"
    }

    private static func scheme(of bytes: [UInt8]) -> (scheme: Scheme, end: Int)? {
        let lowercased = bytes.lazy.map { $0 | 0x20 }
        if lowercased.starts(with: "https://".utf8) { return (.https, 8) }
        return lowercased.starts(with: "http://".utf8) ? (.http, 7) : nil
    }
}

/// Why a text is not a URL that refundd can use.
package enum HTTPURLError: Error, Hashable, Sendable, CustomStringConvertible {
    case empty
    case tooLong
    case invalidCharacter
    case unsupportedScheme
    case userInfo
    case missingHost
    case invalidHost
    case invalidPort

    /// The problem and its fix, in one line.
    package var description: String {
        switch self {
        case .empty: "the URL is empty"
        case .tooLong: "the URL is longer than \(HTTPURL.maxLength) characters"
        case .invalidCharacter:
            "the URL contains a space, a backslash, a control character or a non-ASCII character; "
                + "percent-encode it, or write the host in its xn-- form"
        case .unsupportedScheme: "the URL does not start with https:// or http://"
        case .userInfo: "the URL contains a user name or password, which is never sent; remove everything up to the @"
        case .missingHost: "the URL has no host"
        case .invalidHost:
            "the URL's host is neither a name, nor an IPv4 address of four decimal numbers, "
                + "nor an IPv6 address in brackets"
        case .invalidPort: "the URL's port is not a number from 1 to 65535"
        }
    }
}
