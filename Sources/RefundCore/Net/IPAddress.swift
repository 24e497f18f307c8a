/// An IPv4 or IPv6 address.
///
/// Accepts the text that `inet_pton` accepts: four decimal numbers without leading zeros, or IPv6 as RFC 4291 writes
/// it, without brackets or a zone. The shorter, octal and hexadecimal spellings that `inet_aton` also accepts (`127.1`,
/// `0x7f000001`) are rejected.
package struct IPAddress: Hashable, Sendable {
    /// Whether this is an IPv4 address.
    package let isIPv4: Bool
    /// The address as a number; an IPv4 address occupies the low 32 bits.
    let value: UInt128

    init(ipv4 value: UInt32) {
        isIPv4 = true
        self.value = UInt128(value)
    }

    /// Creates an address from its 4 or 16 bytes in network order; nil for any other count.
    package init?(bytes: [UInt8]) {
        guard bytes.count == 4 || bytes.count == 16 else { return nil }
        isIPv4 = bytes.count == 4
        value = bytes.reduce(0) { $0 << 8 | UInt128($1) }
    }

    /// Creates an address from its text; nil for anything that `inet_pton` rejects.
    package init?(_ text: some StringProtocol) {
        self.init(ascii: Array(text.utf8)[...])
    }

    init?(ascii text: ArraySlice<UInt8>) {
        isIPv4 = !text.contains(UInt8(ascii: ":"))
        guard let value = isIPv4 ? Self.ipv4(text).map({ UInt128($0) }) : Self.ipv6(text) else { return nil }
        self.value = value
    }

    /// The width in bits: 32 or 128.
    var width: Int { isIPv4 ? 32 : 128 }

    /// Whether the address is in `127.0.0.0/8`, or is `::1`.
    package var isLoopback: Bool { isIPv4 ? value >> 24 == 127 : value == 1 }

    private static func ipv4(_ text: ArraySlice<UInt8>) -> UInt32? {
        var value: UInt32 = 0
        var dots = 0
        var number: UInt32?
        for byte in text {
            if byte == UInt8(ascii: ".") {
                guard let octet = number, dots < 3 else { return nil }
                value = value << 8 | octet
                dots += 1
                number = nil
            } else {
                guard let digit = byte.decimalDigit, number != 0 else { return nil }
                let next = (number ?? 0) * 10 + UInt32(digit)
                guard next <= 255 else { return nil }
                number = next
            }
        }
        guard dots == 3, let number else { return nil }
        return value << 8 | number
    }

    private static func ipv6(_ text: ArraySlice<UInt8>) -> UInt128? {
        let colon = UInt8(ascii: ":")
        var value: UInt128 = 0
        var count = 0
        // The number of 16-bit groups before the "::".
        var gap: Int?
        var rest = text
        if rest.starts(with: [colon, colon]) {
            gap = 0
            rest = rest.dropFirst(2)
        }
        while gap != count || !rest.isEmpty {
            let end = rest.firstIndex(of: colon) ?? rest.endIndex
            let group = rest[..<end]
            if end == rest.endIndex, group.contains(UInt8(ascii: ".")) {
                guard count <= 6, let address = ipv4(group) else { return nil }
                value = value << 32 | UInt128(address)
                count += 2
                break
            }
            guard count < 8, let number = hexadecimalGroup(group) else { return nil }
            value = value << 16 | UInt128(number)
            count += 1
            if end == rest.endIndex { break }
            rest = rest[(end + 1)...]
            if rest.first == colon {
                guard gap == nil else { return nil }
                gap = count
                rest = rest.dropFirst()
            }
        }
        guard let gap else { return count == 8 ? value : nil }
        guard count < 8 else { return nil }
        let tailBits = (count - gap) * 16
        return (value >> tailBits) << (128 - gap * 16) | value & ((1 << tailBits) - 1)
    }

    private static func hexadecimalGroup(_ text: ArraySlice<UInt8>) -> UInt16? {
        guard (1...4).contains(text.count) else { return nil }
        var value: UInt16 = 0
        for byte in text {
            guard let digit = byte.hexadecimalDigit else { return nil }
            value = value << 4 | UInt16(digit)
        }
        return value
    }
}

extension IPAddress: CustomStringConvertible {
    /// The address in the canonical text form of RFC 5952.
    package var description: String {
        if isIPv4 { return (0..<4).map { String(octet(12 + $0)) }.joined(separator: ".") }
        let unmapped = unmapped
        if unmapped.isIPv4 { return "::ffff:\(unmapped)" }
        let groups = (0..<8).map { UInt16(truncatingIfNeeded: value >> (112 - 16 * $0)) }
        var longest = 0..<0
        var run = 0..<0
        for index in groups.indices {
            run = groups[index] == 0 ? (run.upperBound == index ? run.lowerBound : index)..<index + 1 : 0..<0
            if run.count > max(longest.count, 1) { longest = run }
        }
        func text(_ groups: ArraySlice<UInt16>) -> String {
            groups.map { String($0, radix: 16) }.joined(separator: ":")
        }
        if longest.isEmpty { return text(groups[...]) }
        return "\(text(groups[..<longest.lowerBound]))::\(text(groups[longest.upperBound...]))"
    }

    /// One byte of the 16 that hold the address in network order.
    func octet(_ index: Int) -> UInt8 {
        UInt8(truncatingIfNeeded: value >> (120 - 8 * index))
    }
}

extension UInt8 {
    /// The value of an ASCII decimal digit; nil for any other byte.
    package var decimalDigit: UInt8? {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) ? self - UInt8(ascii: "0") : nil
    }

    /// The value of an ASCII hexadecimal digit; nil for any other byte.
    package var hexadecimalDigit: UInt8? {
        if let decimalDigit { return decimalDigit }
        let letter = self | 0x20
        return (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(letter) ? letter - UInt8(ascii: "a") + 10 : nil
    }

    /// Whether this is an ASCII letter.
    package var isLetter: Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self | 0x20) }
}
