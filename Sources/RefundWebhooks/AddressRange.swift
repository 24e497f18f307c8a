/// A block of addresses in CIDR notation (RFC 4632, RFC 4291).
struct AddressRange: Hashable, Sendable, CustomStringConvertible {
    /// The first address.
    let base: IPAddress
    /// How many leading bits all addresses share.
    let prefixLength: Int

    /// Creates the block of one address.
    init(_ address: IPAddress) {
        base = address
        prefixLength = address.bytes.count * 8
    }

    /// Creates a block.
    ///
    /// - Parameters:
    ///   - base: The first address.
    ///   - prefixLength: How many leading bits all addresses share.
    init(base: IPAddress, prefixLength: Int) {
        self.base = base
        self.prefixLength = prefixLength
    }

    /// Whether no bit of the base is set behind the prefix.
    var isAligned: Bool {
        prefixLength == 0 ? base.value == 0 : base.value & ((1 << hostBits) - 1) == 0
    }

    /// How many bits tell the addresses apart.
    private var hostBits: Int { base.bytes.count * 8 - prefixLength }

    /// Says whether the block holds an address.
    func contains(_ address: IPAddress) -> Bool {
        // A shift by the whole width or more leaves zero.
        address.isIPv4 == base.isIPv4 && (address.value ^ base.value) >> hostBits == 0
    }

    var description: String { "\(base)/\(prefixLength)" }
}

extension AddressRange: ExpressibleByStringLiteral {
    /// Creates a block from a literal of this module's tables; a literal that is no aligned block is a bug and traps.
    init(stringLiteral text: String) {
        let parts = text.split(separator: "/")
        guard parts.count == 2, let base = IPAddress(parts[0]), let prefixLength = Int(parts[1]),
            case let range = AddressRange(base: base, prefixLength: prefixLength), range.isAligned
        else { preconditionFailure("\(text) is no block of addresses") }
        self = range
    }
}
