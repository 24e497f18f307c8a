/// The URL of a webhook's receiver, of which scheme, host and port are known for certain.
///
/// The grammar is narrower than RFC 3986 on purpose: wherever two readers of URLs are known to disagree (credentials,
/// backslashes, control characters, percent signs or other alphabets in the host, numbers as hosts), the URL is
/// refused. What is left means the same here and to the HTTP client that is given the text.
struct ReceiverURL: Hashable, Sendable {
    enum Scheme: String, Sendable {
        case http
        case https
    }

    /// The longest URL that is taken, in bytes.
    static let maximumLength = 8_192

    let scheme: Scheme
    let host: Host
    let port: UInt16

    /// Creates a URL from its text.
    ///
    /// - Throws: What is wrong with the text, without the text, which may hold a token.
    init(_ text: String) throws(ReceiverURLError) {
        guard !text.isEmpty else { throw .empty }
        guard text.utf8.count <= Self.maximumLength else { throw .tooLong }
        guard text.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "\\") }) else {
            throw .badCharacter
        }
        guard let colon = text.firstIndex(of: ":"), text[colon...].hasPrefix("://"),
            let scheme = Scheme(rawValue: text[..<colon].lowercased())
        else { throw .badScheme }
        let authority = text[colon...].dropFirst(3).prefix { !"/?#".contains($0) }
        guard !authority.contains("@") else { throw .credentials }
        let (hostText, portText) = Host.split(authority)
        guard !hostText.isEmpty else { throw .noHost }
        guard let host = Host(hostText) else { throw .badHost }
        self.scheme = scheme
        self.host = host
        if let portText {
            guard let port = UInt16(port: portText) else { throw .badPort }
            self.port = port
        } else {
            self.port = scheme == .https ? 443 : 80
        }
    }

    /// The scheme, the host and the port in one spelling.
    var endpoint: String { "\(scheme.rawValue)://\(host):\(port)" }
}

/// The reasons why a text is no URL that a webhook can be sent to.
enum ReceiverURLError: Error, Hashable, Sendable, CustomStringConvertible {
    case empty
    case tooLong
    case badCharacter
    case badScheme
    case credentials
    case noHost
    case badHost
    case badPort

    /// What is wrong and what to change.
    var description: String {
        switch self {
        case .empty: "the URL is empty"
        case .tooLong: "the URL is longer than \(ReceiverURL.maximumLength) bytes"
        case .badCharacter:
            "the URL has a blank, a backslash, a control character or a character that is not ASCII; "
                + "write it percent-encoded, a host in its xn-- form"
        case .badScheme: "the URL does not begin with https:// or http://"
        case .credentials: "the URL has a user name or password, which is never sent; remove what stands before the @"
        case .noHost: "the URL has no host"
        case .badHost:
            "the URL's host is neither a name, nor an IPv4 address of four decimal numbers, "
                + "nor an IPv6 address in brackets"
        case .badPort: "the URL's port is not a number from 1 to 65535"
        }
    }
}
