/// A hash that is the same in every process, unlike `Hasher`, for what must be repeatable: drawing and numbering.
enum StableHash {
    /// Hashes a text.
    ///
    /// - Parameters:
    ///   - text: The text.
    ///   - seed: Another seed gives another, unrelated value.
    ///   - purpose: Keeps values for different purposes apart.
    /// - Returns: A value that is spread evenly over all 64 bits.
    static func value(of text: String, seed: UInt64, purpose: String) -> UInt64 {
        // FNV-1a, and the finaliser of SplitMix64 so that close texts do not give close values.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325 ^ mixed(seed)
        for byte in "\(purpose)\0\(text)".utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return mixed(hash)
    }

    private static func mixed(_ value: UInt64) -> UInt64 {
        var value = value &+ 0x9e37_79b9_7f4a_7c15
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }
}
