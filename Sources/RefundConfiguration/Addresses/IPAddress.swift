import Glibc

/// An IPv4 or IPv6 address.
struct IPAddress {
    /// Four bytes, or sixteen.
    let bytes: [UInt8]

    /// Reads an address in its usual notation, without brackets, port or zone.
    init?(_ text: String) {
        // The system's reader stops at a NUL.
        guard !text.utf8.contains(0) else { return nil }
        guard let bytes = Self.bytes(text, AF_INET, count: 4) ?? Self.bytes(text, AF_INET6, count: 16) else {
            return nil
        }
        self.bytes = bytes
    }

    var isIPv6: Bool { bytes.count == 16 }

    /// Whether it is in `127.0.0.0/8`, or `::1`.
    var isLoopback: Bool {
        isIPv6 ? bytes.dropLast().allSatisfy { $0 == 0 } && bytes.last == 1 : bytes.first == 127
    }

    /// Whether it is an IPv4 address in the notation of IPv6, such as `::ffff:10.1.2.3`.
    var isMapped: Bool {
        isIPv6 && bytes.starts(with: [UInt8](repeating: 0, count: 10) + [0xff, 0xff])
    }

    /// Whether no bit beyond the first `prefix` ones is set.
    func isNetwork(prefix: Int) -> Bool {
        (prefix..<bytes.count * 8).allSatisfy { bytes[$0 / 8] & (0x80 >> UInt8($0 % 8)) == 0 }
    }

    private static func bytes(_ text: String, _ family: Int32, count: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        let result = unsafe bytes.withUnsafeMutableBytes { unsafe inet_pton(family, text, $0.baseAddress) }
        return result == 1 ? bytes : nil
    }
}
