/// An entry of `[webhook] allow_hosts`: receivers that are allowed though they are not on the internet.
struct AllowedReceiver: Hashable, Sendable {
    enum Target: Hashable, Sendable {
        /// Every address of the host with this name.
        case host(HostName)
        /// The addresses of a block, whatever name led to them.
        case range(AddressRange)
    }

    let target: Target
    /// The only port that is allowed, or nil for all.
    let port: UInt16?

    /// Creates an entry from its text in the configuration.
    ///
    /// - Parameter text: `name`, `name:port`, `10.1.2.3`, `10.1.2.3:port`, `fd00::1`, `[fd00::1]`, `[fd00::1]:port`,
    ///   `10.1.0.0/16` or `fd00::/8`.
    /// - Throws: What is wrong with the text.
    init(_ text: String) throws(ReceiverPolicyError) {
        if text.contains("/") {
            target = .range(try Self.range(text))
            port = nil
        } else if let address = IPAddress(text) {
            target = try Self.target(.address(address), of: text)
            port = nil
        } else {
            let (hostText, portText) = Host.split(text[...])
            guard let host = Host(hostText) else { throw .notAnEntry(text) }
            target = try Self.target(host, of: text)
            if let portText {
                guard let port = UInt16(port: portText) else { throw .badPort(text) }
                self.port = port
            } else {
                port = nil
            }
        }
    }

    private static func target(_ host: Host, of text: String) throws(ReceiverPolicyError) -> Target {
        switch host {
        case .name(let name): return .host(name)
        case .address(let address):
            guard address.unmapped == address else { throw .mapped(text) }
            return .range(AddressRange(address))
        }
    }

    private static func range(_ text: String) throws(ReceiverPolicyError) -> AddressRange {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let base = IPAddress(parts[0]) else { throw .notAnEntry(text) }
        guard (1...3).contains(parts[1].utf8.count), parts[1].utf8.allSatisfy({ (48...57).contains($0) }),
            let prefixLength = Int(parts[1]), prefixLength <= base.bytes.count * 8
        else { throw .badPrefixLength(text) }
        let range = AddressRange(base: base, prefixLength: prefixLength)
        guard range.isAligned else { throw .bitsBehindPrefix(text) }
        // No address is ever compared in this spelling, so the entry would do nothing.
        guard prefixLength < 96 || base.unmapped == base else { throw .mapped(text) }
        return range
    }
}

/// What is wrong with an entry of `[webhook] allow_hosts`.
package enum ReceiverPolicyError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The entry has none of the forms.
    case notAnEntry(String)
    /// The port is not a number from 1 to 65535.
    case badPort(String)
    /// The prefix length is not a number, or longer than the address.
    case badPrefixLength(String)
    /// The address of a block has bits set behind the prefix.
    case bitsBehindPrefix(String)
    /// An IPv4 address is written as IPv6.
    case mapped(String)

    /// What is wrong and what to change.
    package var description: String {
        switch self {
        case .notAnEntry(let entry):
            "\(entry.debugDescription) is no host name, address or block; write it like hooks.internal, "
                + "hooks.internal:8080, 10.1.2.3, 10.1.2.3:8080, [fd00::1], [fd00::1]:8080, 10.1.0.0/16 or fd00::/8"
        case .badPort(let entry): "\(entry.debugDescription) has a port that is not a number from 1 to 65535"
        case .badPrefixLength(let entry):
            "\(entry.debugDescription) needs a prefix length of at most 32 for IPv4 and 128 for IPv6"
        case .bitsBehindPrefix(let entry):
            "\(entry.debugDescription) is no block: bits are set behind the prefix; give its first address"
        case .mapped(let entry): "\(entry.debugDescription) is an IPv4 address written as IPv6; write the IPv4 address"
        }
    }
}
