extension IPAddress {
    /// The IPv4 address that this one is another spelling of, else this one.
    ///
    /// A connection to an IPv4-mapped address (RFC 4291, section 2.5.5.2) is an IPv4 connection.
    var unmapped: IPAddress {
        Self.mapped.contains(self) ? bytes(12, 13, 14, 15) : self
    }

    /// The addresses written as IPv4-mapped IPv6.
    static let mapped: AddressRange = "::ffff:0:0/96"

    /// The IPv4 addresses that a packet to this IPv6 address may be turned into on its way.
    var embedded: [IPAddress] {
        guard !isIPv4, !Self.ownAddresses.contains(self) else { return [] }
        if Self.lastFourBytes.contains(where: { $0.contains(self) }) {
            return [bytes(12, 13, 14, 15)]
        }
        if Self.sixToFour.contains(self) { return [bytes(2, 3, 4, 5)] }
        if Self.localNAT64.contains(self) {
            // The translator's own prefix length is not known from here, so every place counts that RFC 6052 (section
            // 2.2) knows; those of the wrong lengths mostly read as 0.x.y.z, where nothing can be reached.
            let readings = [
                bytes(6, 7, 9, 10), bytes(7, 9, 10, 11), bytes(9, 10, 11, 12), bytes(12, 13, 14, 15),
            ]
            let plausible = readings.filter { $0.bytes[0] != 0 }
            return plausible.isEmpty ? [bytes(12, 13, 14, 15)] : plausible
        }
        return []
    }

    /// IPv4-compatible (RFC 4291), IPv4-translated (RFC 2765) and NAT64 (RFC 6052) addresses.
    private static let lastFourBytes: [AddressRange] = ["::/96", "::ffff:0:0:0/96", "64:ff9b::/96"]
    /// 6to4 (RFC 3056).
    private static let sixToFour: AddressRange = "2002::/16"
    /// NAT64 within one network (RFC 8215).
    private static let localNAT64: AddressRange = "64:ff9b:1::/48"
    /// `::` and `::1`, which look IPv4-compatible but embed nothing.
    private static let ownAddresses: AddressRange = "::/127"

    private func bytes(_ first: Int, _ second: Int, _ third: Int, _ fourth: Int) -> IPAddress {
        IPAddress(ipv4: (bytes[first], bytes[second], bytes[third], bytes[fourth]))
    }
}
