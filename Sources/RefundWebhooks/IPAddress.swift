import Glibc

/// An IPv4 or IPv6 address.
///
/// The text forms are those of `inet_pton` and `inet_ntop`: four decimal numbers, or IPv6 as RFC 4291 writes it. The
/// shorter and octal spellings that `inet_aton` knows (`127.1`, `0x7f000001`) are no addresses here.
struct IPAddress: Hashable, Sendable, CustomStringConvertible {
    /// The 4 or 16 bytes in network order.
    let bytes: [UInt8]

    /// Creates an address from its 4 or 16 bytes in network order.
    init?(bytes: [UInt8]) {
        guard bytes.count == 4 || bytes.count == 16 else { return nil }
        self.bytes = bytes
    }

    /// Creates an address from its text, without brackets and without a zone.
    init?(_ text: some StringProtocol) {
        // A C string would end at a zero byte, and what follows it would go unread.
        guard !text.utf8.contains(0) else { return nil }
        let text = String(text)
        let isIPv6 = text.utf8.contains(UInt8(ascii: ":"))
        var bytes = [UInt8](repeating: 0, count: isIPv6 ? 16 : 4)
        guard unsafe inet_pton(isIPv6 ? AF_INET6 : AF_INET, text, &bytes) == 1 else { return nil }
        self.bytes = bytes
    }

    /// Creates an IPv4 address from four of the bytes of another.
    init(ipv4 bytes: (UInt8, UInt8, UInt8, UInt8)) {
        self.bytes = [bytes.0, bytes.1, bytes.2, bytes.3]
    }

    var isIPv4: Bool { bytes.count == 4 }

    /// The bits of the address as a number.
    var value: UInt128 {
        bytes.reduce(0) { $0 << 8 | UInt128($1) }
    }

    var description: String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        guard unsafe inet_ntop(isIPv4 ? AF_INET : AF_INET6, bytes, &text, socklen_t(text.count)) != nil else {
            return "\(bytes)"
        }
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
