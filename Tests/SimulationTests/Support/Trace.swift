import RefundCore

/// What happened, line by line: a hash of all lines, and the text of the last ones.
struct Trace {
    static let kept = 80

    /// FNV-1a over every line.
    private(set) var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    private var latest: [String] = []

    mutating func note(_ line: String, at time: Timestamp) {
        let line = "\(time.iso8601) \(line)"
        for byte in line.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        latest.append(line)
        if latest.count > 2 * Self.kept { latest.removeFirst(Self.kept) }
    }

    /// The last lines.
    var text: String { latest.suffix(Self.kept).joined(separator: "\n") }
}
