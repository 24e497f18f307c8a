/// A host with an optional port: `gateway.example`, `127.0.0.1:8080`, `[::1]:9464`.
struct HostAndPort {
    /// The host name in lower case, or the address; an IPv6 address without its brackets.
    let host: String
    /// The port, where one is written.
    let port: Int?

    /// Reads a host with an optional port.
    ///
    /// - Parameters:
    ///   - text: The text, without a scheme and a path.
    ///   - ports: The ports that are allowed.
    /// - Throws: When the host is no host name and no address, or the port no port.
    init(_ text: String, ports: ClosedRange<Int> = 1...65_535) throws(Refusal) {
        let (host, port) = try Self.split(text)
        let isBracketed = text.hasPrefix("[")
        guard !host.isEmpty else { throw Refusal("has no host", "write the host's name or address") }
        if let address = IPAddress(host) {
            guard address.isIPv6 == isBracketed else {
                throw Refusal(
                    "has an address in the wrong notation",
                    "write [ ] around an IPv6 address, and only there"
                )
            }
        } else {
            guard !isBracketed, Self.isName(host) else {
                throw Refusal(
                    "has a host that is no name and no address: \(host.quoted)",
                    "write a name of letters, digits, \"-\" and \".\" (others as xn--…), an IPv4 address or [IPv6]"
                )
            }
        }
        self.host = host.lowercased()
        self.port = try port.map { (text) throws(Refusal) in try Self.port(text, in: ports) }
    }

    /// Whether it is this machine whatever the network says.
    var isLoopback: Bool {
        host == "localhost" || IPAddress(host)?.isLoopback == true
    }

    /// The text as an address carries it.
    var text: String {
        let host = host.contains(":") ? "[\(host)]" : host
        return port.map { "\(host):\($0)" } ?? host
    }

    private static func split(_ text: String) throws(Refusal) -> (host: String, port: Substring?) {
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else {
                throw Refusal("has a [ without a ]", "write an IPv6 address as [::1]")
            }
            let host = String(text[text.index(after: text.startIndex)..<end])
            let rest = text[text.index(after: end)...]
            if rest.isEmpty { return (host, nil) }
            guard rest.hasPrefix(":") else {
                throw Refusal("has more after the ]", "write only a port there, as in [::1]:9464")
            }
            return (host, rest.dropFirst())
        }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count <= 2 else {
            throw Refusal("has more than one \":\"", "write an IPv6 address in brackets, as in [::1]:9464")
        }
        return (String(parts[0]), parts.count == 2 ? parts[1] : nil)
    }

    private static func port(_ text: Substring, in ports: ClosedRange<Int>) throws(Refusal) -> Int {
        guard text.utf8.count <= 5, text.utf8.allSatisfy(UInt8.digits.contains), let port = Int(text),
            ports.contains(port)
        else {
            throw Refusal(
                "has no valid port after the \":\"",
                "write a port from \(ports.lowerBound) to \(ports.upperBound)"
            )
        }
        return port
    }

    /// Whether a text is a host name that no resolver takes for an address.
    ///
    /// A last label that is a number, as in `127.1` or `0x7f000001`, makes resolvers read an address (WHATWG URL
    /// standard, "ends in a number"), and then what looks like another machine's name is this very machine.
    private static func isName(_ text: String) -> Bool {
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        guard text.utf8.count <= 253, let last = labels.last, labels.allSatisfy(isLabel) else { return false }
        return !last.utf8.allSatisfy(UInt8.digits.contains) && !last.lowercased().hasPrefix("0x")
    }

    private static func isLabel(_ label: Substring) -> Bool {
        (1...63).contains(label.utf8.count) && !label.hasPrefix("-") && !label.hasSuffix("-")
            && label.utf8.allSatisfy { byte in
                UInt8.letters.contains(byte | 0x20) || UInt8.digits.contains(byte) || "-_".utf8.contains(byte)
            }
    }
}

extension UInt8 {
    /// The ASCII digits.
    static let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
    /// The small ASCII letters.
    static let letters = UInt8(ascii: "a")...UInt8(ascii: "z")
}
