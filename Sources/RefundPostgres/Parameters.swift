/// The parameters of a statement, in PostgreSQL's binary format, one after the other in one buffer.
struct Parameters {
    /// The types by PostgreSQL's numbers, which a statement is prepared for.
    private(set) var types: [UInt32] = []
    private(set) var offsets: [Int] = []
    /// The lengths in bytes; -1 for null.
    private(set) var lengths: [CInt] = []
    // Never empty, so that it has an address.
    private(set) var bytes: [UInt8] = [0]

    mutating func append(_ type: PostgresType, null: Bool = false, _ write: (inout [UInt8]) -> Void) {
        types.append(type.rawValue)
        offsets.append(bytes.count)
        let start = bytes.count
        if !null { write(&bytes) }
        lengths.append(null ? -1 : CInt(clamping: bytes.count - start))
    }
}

/// The types that refundd's tables and parameters have, by PostgreSQL's numbers.
package enum PostgresType: UInt32, Sendable {
    case boolean = 16
    case bytes = 17
    case int64 = 20
    case int16 = 21
    case int32 = 23
    case text = 25
    case textArray = 1009
    case int64Array = 1016
}

extension [UInt8] {
    mutating func append(bigEndian value: some FixedWidthInteger) {
        for shift in stride(from: value.bitWidth - 8, through: 0, by: -8) {
            append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }

    /// Appends a text; PostgreSQL has no U+0000, so U+FFFD stands for it.
    mutating func append(text: String) {
        if text.utf8.contains(0) {
            append(contentsOf: text.replacing("\0", with: "\u{FFFD}").utf8)
        } else {
            append(contentsOf: text.utf8)
        }
    }

    /// Appends an array's head: one dimension, no nulls, the elements' type, and their number from 1.
    mutating func append(arrayOf type: PostgresType, count: Int) {
        for number in [1, 0, CInt(bitPattern: type.rawValue), CInt(clamping: count), 1] { append(bigEndian: number) }
    }
}
