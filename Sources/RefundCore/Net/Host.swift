/// A host name in the spelling in which names are compared: lower case, without a trailing dot.
package struct HostName: Hashable, Sendable, CustomStringConvertible {
    package let description: String

    /// Creates a name from ASCII labels of letters, digits, `-` and `_`; nil if a resolver could read the text as an
    /// address.
    ///
    /// Rejects names whose last label is a number: resolvers (`inet_aton`) read `127.1`, `0x7f.1` and `2130706433` as
    /// addresses, so such a name would be vetted as a name and connected to as an address.
    /// Sources: RFC 1123, section 2.1; <https://url.spec.whatwg.org/#ends-in-a-number-checker>.
    package init?(_ text: some StringProtocol) {
        self.init(ascii: Array(text.utf8)[...])
    }

    init?(ascii text: ArraySlice<UInt8>) {
        let name = text.last == UInt8(ascii: ".") ? text.dropLast() : text
        let labels = name.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard name.count <= 253, labels.allSatisfy(Self.isLabel), let last = labels.last, !Self.isNumber(last) else {
            return nil
        }
        description = String(decoding: name, as: UTF8.self).lowercased()
    }

    private static func isLabel(_ label: ArraySlice<UInt8>) -> Bool {
        let hyphen = UInt8(ascii: "-")
        return (1...63).contains(label.count) && label.first != hyphen && label.last != hyphen
            && label.allSatisfy { byte in
                byte.isLetter || byte.decimalDigit != nil || byte == hyphen || byte == UInt8(ascii: "_")
            }
    }

    private static func isNumber(_ label: ArraySlice<UInt8>) -> Bool {
        if label.starts(with: "0x".utf8) || label.starts(with: "0X".utf8) {
            return label.dropFirst(2).allSatisfy { $0.hexadecimalDigit != nil }
        }
        return label.allSatisfy { $0.decimalDigit != nil }
    }
}

/// The part of a URL, or of an allow-list entry, that names a machine.
package enum Host: Hashable, Sendable, CustomStringConvertible {
    /// A name, which the resolver turns into addresses.
    case name(HostName)
    /// An address.
    case address(IPAddress)

    /// Creates a host from a name, an IPv4 address, or an IPv6 address in brackets; nil for any other text.
    package init?(_ text: some StringProtocol) {
        self.init(ascii: Array(text.utf8)[...])
    }

    init?(ascii text: ArraySlice<UInt8>) {
        if text.first == UInt8(ascii: "[") {
            guard text.last == UInt8(ascii: "]"), let address = IPAddress(ascii: text.dropFirst().dropLast()),
                !address.isIPv4
            else { return nil }
            self = .address(address)
        } else if let name = HostName(ascii: text) {
            self = .name(name)
        } else if let address = IPAddress(ascii: text), address.isIPv4 {
            self = .address(address)
        } else {
            return nil
        }
    }

    /// Whether the host is this machine, without asking a resolver.
    package var isLoopback: Bool {
        switch self {
        case .name(let name): name.description == "localhost"
        case .address(let address): address.isLoopback
        }
    }

    /// The host as a URL contains it: an IPv6 address in brackets.
    package var description: String {
        switch self {
        case .name(let name): name.description
        case .address(let address): address.isIPv4 ? address.description : "[\(address)]"
        }
    }

    /// Splits `host:port` at the port's colon, never at a colon inside the brackets of an IPv6 address.
    static func split(_ text: ArraySlice<UInt8>) -> (host: ArraySlice<UInt8>, port: ArraySlice<UInt8>?) {
        guard let colon = text.lastIndex(of: UInt8(ascii: ":")), !text[colon...].contains(UInt8(ascii: "]")) else {
            return (text, nil)
        }
        return (text[..<colon], text[(colon + 1)...])
    }
}

extension UInt16 {
    /// Creates a port from one to five ASCII digits; nil for any other text and for numbers above 65535.
    package init?(port digits: ArraySlice<UInt8>) {
        guard (1...5).contains(digits.count) else { return nil }
        var value = 0
        for byte in digits {
            guard let digit = byte.decimalDigit else { return nil }
            value = value * 10 + Int(digit)
        }
        self.init(exactly: value)
    }
}

/// An address to listen on, such as `127.0.0.1:9464`, `[::1]:9464` or `unix:/run/refundd/admin.sock`.
package struct ListenAddress: Hashable, Sendable, CustomStringConvertible {
    private static let socketPrefix = "unix:"
    // The most bytes that a Unix socket's path may have. Source: unix(7).
    private static let longestPath = 107

    /// The host name or IP address, an IPv6 address without brackets; empty for a Unix socket.
    package var host: String
    /// The port, from 0 to 65535; 0 lets the system choose one, and stands beside a Unix socket.
    package var port: Int
    /// The absolute path of a Unix socket; nil for a host and port.
    package var socketPath: String?

    /// Creates an address from its text; nil unless the text is a host with a port, or `unix:` and an absolute path.
    package init?(_ text: String) {
        if text.hasPrefix(Self.socketPrefix) {
            let path = String(text.dropFirst(Self.socketPrefix.count))
            guard path.hasPrefix("/"), path.utf8.count <= Self.longestPath, !path.utf8.contains(0) else { return nil }
            (host, port, socketPath) = ("", 0, path)
            return
        }
        let (hostText, portText) = Host.split(Array(text.utf8)[...])
        guard let host = Host(ascii: hostText), let port = portText.flatMap(UInt16.init(port:)) else { return nil }
        self.port = Int(port)
        switch host {
        case .name(let name): self.host = name.description
        case .address(let address): self.host = address.description
        }
    }

    /// The address as the configuration spells it.
    package var description: String {
        if let socketPath { return Self.socketPrefix + socketPath }
        return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}
