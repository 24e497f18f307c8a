/// The part of a URL or of an entry of `allow_hosts` that says which machine is meant.
enum Host: Hashable, Sendable, CustomStringConvertible {
    /// A name, which the resolver turns into addresses.
    case name(HostName)
    /// An address; in text, an IPv6 address stands in brackets.
    case address(IPAddress)

    /// Creates a host from its text in a URL: a name, an IPv4 address or an IPv6 address in brackets.
    init?(_ text: some StringProtocol) {
        if text.hasPrefix("[") {
            guard text.hasSuffix("]"), let address = IPAddress(text.dropFirst().dropLast()), !address.isIPv4 else {
                return nil
            }
            self = .address(address)
        } else if let address = IPAddress(text), address.isIPv4 {
            self = .address(address)
        } else if let name = HostName(text) {
            self = .name(name)
        } else {
            return nil
        }
    }

    /// Splits `host:port` at the colon before the port, which is none of those within the brackets of an IPv6 address.
    static func split(_ text: Substring) -> (host: Substring, port: Substring?) {
        guard let colon = text.lastIndex(of: ":"), !text[colon...].contains("]") else { return (text, nil) }
        return (text[..<colon], text[colon...].dropFirst())
    }

    var description: String {
        switch self {
        case .name(let name): name.description
        case .address(let address): address.isIPv4 ? "\(address)" : "[\(address)]"
        }
    }
}

extension UInt16 {
    /// Creates a port from one to five decimal digits; nil for 0 and what is no number.
    init?(port text: some StringProtocol) {
        guard (1...5).contains(text.utf8.count), text.utf8.allSatisfy((UInt8(ascii: "0")...UInt8(ascii: "9")).contains),
            let port = UInt16(text), port > 0
        else { return nil }
        self = port
    }
}
