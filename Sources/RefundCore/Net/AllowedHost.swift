/// An entry of an allow-list: a host or a network that may receive webhooks although it is not on the internet.
package struct AllowedHost: Hashable, Sendable, CustomStringConvertible {
    package enum Target: Hashable, Sendable {
        /// Every address of the host with this name.
        case name(HostName)
        /// The addresses of a block, whatever name led to them.
        case range(AddressRange)
    }

    package let target: Target
    /// The only allowed port; nil allows every port.
    package let port: UInt16?

    /// Reads an entry.
    ///
    /// - Parameter text: `name`, `name:port`, `10.1.2.3`, `10.1.2.3:port`, `fd00::1`, `[fd00::1]`, `[fd00::1]:port`,
    ///   `10.1.0.0/16` or `fd00::/8`.
    /// - Throws: `AllowedHostError` if the text is not an entry.
    package init(_ text: String) throws(AllowedHostError) {
        let bytes = Array(text.utf8)
        var port: UInt16?
        let range: AddressRange
        if let slash = bytes.firstIndex(of: UInt8(ascii: "/")) {
            range = try Self.network(bytes[..<slash], prefix: bytes[(slash + 1)...])
        } else if let address = IPAddress(ascii: bytes[...]) {
            range = AddressRange(address)
        } else {
            let (hostText, portText) = Host.split(bytes[...])
            guard let host = Host(ascii: hostText) else { throw .malformed }
            if let portText {
                guard let number = UInt16(port: portText), number > 0 else { throw .invalidPort }
                port = number
            }
            switch host {
            case .name(let name):
                target = .name(name)
                self.port = port
                return
            case .address(let address): range = AddressRange(address)
            }
        }
        // Connections are vetted by their IPv4 address, so a mapped entry would never match.
        guard range.prefixLength < 96 || range.base.unmapped == range.base else { throw .mapped }
        target = .range(range)
        self.port = port
    }

    private static func network(
        _ base: ArraySlice<UInt8>,
        prefix: ArraySlice<UInt8>
    ) throws(AllowedHostError) -> AddressRange {
        guard let address = IPAddress(ascii: base) else { throw .malformed }
        guard prefix.count <= 3, let length = UInt16(port: prefix), length <= address.width else {
            throw .invalidPrefixLength(max: address.width)
        }
        // 10.1.2.3/8 may mean one host or a whole network; guessing wrong would open the network.
        guard let range = AddressRange(base: address, prefixLength: Int(length)) else { throw .hostBitsSet }
        return range
    }

    /// Checks a connection against this entry.
    ///
    /// - Parameters:
    ///   - address: The address to connect to; an IPv4-mapped address must be given as IPv4.
    ///   - port: The port to connect to.
    ///   - host: The URL's host, which resolved to the address.
    /// - Returns: Whether this entry allows the connection.
    package func allows(_ address: IPAddress, port: UInt16, host: Host) -> Bool {
        guard self.port == nil || self.port == port else { return false }
        return switch target {
        case .name(let name): host == .name(name)
        case .range(let range): range.contains(address)
        }
    }

    /// The entry in its canonical spelling.
    package var description: String {
        let host =
            switch target {
            case .name(let name): name.description
            case .range(let range): range.base.isIPv4 || port == nil ? "\(range)" : "[\(range)]"
            }
        return port.map { "\(host):\($0)" } ?? host
    }
}

/// Why a text is not an allow-list entry.
package enum AllowedHostError: Error, Hashable, Sendable, CustomStringConvertible {
    case malformed
    case invalidPort
    case invalidPrefixLength(max: Int)
    case hostBitsSet
    case mapped

    /// The problem and its fix, in one line.
    package var description: String {
        switch self {
        case .malformed:
            "expected a host, an address or a network "
                + #"such as "hooks.internal", "10.1.2.3:8080", "[fd00::1]:8080" or "10.1.0.0/16""#
        case .invalidPort: "the port is not a number from 1 to 65535"
        case .invalidPrefixLength(let max): "the prefix length is not a number from 0 to \(max)"
        case .hostBitsSet: "bits are set after the prefix; write the network's first address, or the host alone"
        case .mapped: "this is an IPv4 address in IPv6 notation; write the IPv4 address"
        }
    }
}
