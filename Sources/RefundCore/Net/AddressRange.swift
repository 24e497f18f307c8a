/// A block of addresses in CIDR notation (RFC 4632, RFC 4291).
package struct AddressRange: Hashable, Sendable, CustomStringConvertible {
    /// The first address of the block.
    let base: IPAddress
    /// The number of leading bits that all addresses of the block share.
    let prefixLength: Int

    /// Creates the smallest block, which holds one address.
    init(_ address: IPAddress) {
        base = address
        prefixLength = address.width
    }

    /// Creates a block from its first address; nil if the prefix is longer than the address or bits after it are set.
    init?(base: IPAddress, prefixLength: Int) {
        self.base = base
        self.prefixLength = prefixLength
        guard (0...base.width).contains(prefixLength), base.value & ((1 << hostBits) &- 1) == 0 else { return nil }
    }

    private var hostBits: Int { base.width - prefixLength }

    /// Returns whether the block holds an address.
    package func contains(_ address: IPAddress) -> Bool {
        address.isIPv4 == base.isIPv4 && (address.value ^ base.value) >> hostBits == 0
    }

    package var description: String { prefixLength == base.width ? "\(base)" : "\(base)/\(prefixLength)" }
}

extension AddressRange: ExpressibleByStringLiteral {
    /// Creates a block from a literal in this module's tables; traps if the literal is not an aligned block.
    package init(stringLiteral text: String) {
        let parts = text.split(separator: "/")
        guard parts.count == 2, let base = IPAddress(parts[0]), let prefixLength = Int(parts[1]),
            let range = AddressRange(base: base, prefixLength: prefixLength)
        else { preconditionFailure("\(text) is not a block of addresses") }
        self = range
    }
}

extension IPAddress {
    private static let mapped: AddressRange = "::ffff:0:0/96"
    // IPv4-compatible (RFC 4291), IPv4-translated (RFC 2765) and NAT64 (RFC 6052).
    private static let lastFourOctets: [AddressRange] = ["::/96", "::ffff:0:0:0/96", "64:ff9b::/96"]
    private static let sixToFour: AddressRange = "2002::/16"
    private static let localNAT64: AddressRange = "64:ff9b:1::/48"
    // `::` and `::1` look IPv4-compatible but embed nothing.
    private static let unspecifiedAndLoopback: AddressRange = "::/127"

    /// The IPv4 address that an IPv4-mapped address (RFC 4291, section 2.5.5.2) stands for; otherwise the address itself.
    ///
    /// A connection to an IPv4-mapped address is an IPv4 connection.
    package var unmapped: IPAddress {
        Self.mapped.contains(self) ? ipv4(at: 12, 13, 14, 15) : self
    }

    /// The IPv4 addresses that a router or translator may turn this IPv6 address into.
    package var embedded: [IPAddress] {
        guard !isIPv4, !Self.unspecifiedAndLoopback.contains(self) else { return [] }
        if Self.lastFourOctets.contains(where: { $0.contains(self) }) { return [ipv4(at: 12, 13, 14, 15)] }
        // RFC 3056.
        if Self.sixToFour.contains(self) { return [ipv4(at: 2, 3, 4, 5)] }
        guard Self.localNAT64.contains(self) else { return [] }
        // The translator's prefix length is unknown here, so all positions of RFC 6052, section 2.2, count. Readings at
        // a wrong length are mostly 0.x.y.z, which is unreachable.
        let readings = [
            ipv4(at: 6, 7, 9, 10), ipv4(at: 7, 9, 10, 11), ipv4(at: 9, 10, 11, 12), ipv4(at: 12, 13, 14, 15),
        ]
        let plausible = readings.filter { $0.octet(12) != 0 }
        return plausible.isEmpty ? [readings[3]] : plausible
    }

    private func ipv4(at first: Int, _ second: Int, _ third: Int, _ fourth: Int) -> IPAddress {
        IPAddress(ipv4: [first, second, third, fourth].reduce(0) { $0 << 8 | UInt32(octet($1)) })
    }
}
