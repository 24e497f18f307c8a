/// An `http` or `https` address that can be posted to.
struct WebAddress {
    /// Whether it is `https`.
    let isSecure: Bool
    /// The host and the port.
    let authority: HostAndPort
    /// The path, empty or beginning with a slash.
    let path: String
    /// The query with its question mark, or nothing.
    let query: String

    // More than servers take.
    private static let longest = 2_048

    /// Reads an address.
    ///
    /// - Throws: When it is no such address, or carries credentials or a fragment.
    init(_ text: String) throws(Refusal) {
        guard !text.isEmpty else { throw Refusal("is empty", "write an address that begins with https://") }
        guard text.utf8.count <= Self.longest else {
            throw Refusal("is too long", "write an address of at most \(Self.longest) characters")
        }
        guard text.utf8.allSatisfy(Self.isAllowed) else {
            throw Refusal("has a blank or another character that no address may have", "write it percent-encoded")
        }
        guard let separator = text.firstRange(of: "://") else {
            throw Refusal("is no full address", "begin it with https://")
        }
        switch text[..<separator.lowerBound].lowercased() {
        case "https": isSecure = true
        case "http": isSecure = false
        default: throw Refusal("has another scheme than http and https", "begin it with https://")
        }
        guard !text.contains("#") else { throw Refusal("has a fragment", "leave out the # and what follows") }
        let rest = text[separator.upperBound...]
        let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
        guard !rest[..<end].contains("@") else {
            throw Refusal("has credentials in front of the host", "leave out everything up to the @")
        }
        authority = try HostAndPort(String(rest[..<end]))
        let question = rest.firstIndex(of: "?") ?? rest.endIndex
        path = String(rest[end..<question])
        query = String(rest[question...])
    }

    /// The address up to its path.
    var origin: String {
        (isSecure ? "https://" : "http://") + authority.text
    }

    /// An address as a message may carry it: neither credentials nor a query, which may hold a token.
    static func shown(_ text: String) -> String? {
        guard !text.utf8.contains(UInt8(ascii: "@")) else { return nil }
        guard let question = text.firstIndex(of: "?") else { return text.quoted }
        return (String(text[...question]) + "…").quoted
    }

    // Source: RFC 3986, appendix A, less the brackets' use outside a host.
    private static func isAllowed(_ byte: UInt8) -> Bool {
        (0x21...0x7e).contains(byte) && !"\"<>\\^`{|}".utf8.contains(byte)
    }
}
