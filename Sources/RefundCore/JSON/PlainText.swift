extension Span<UInt8> {
    /// Finds the next control character, quote, backslash or other given byte, eight bytes at a time.
    ///
    /// - Parameters:
    ///   - start: Where to begin.
    ///   - other: The byte to find besides those that JSON strings must escape.
    /// - Returns: Its place, or the end.
    func endOfPlainText(from start: Int, or other: UInt8) -> Int {
        let raw = unsafe bytes
        var end = start
        while end + 8 <= count {
            let word = unsafe raw.unsafeLoadUnaligned(fromByteOffset: end, as: UInt64.self)
            let length = UInt64(littleEndian: word).lengthOfPlainText(or: other)
            end += length
            if length < 8 { return end }
        }
        while end < count, self[end] >= 0x20, self[end] != UInt8(ascii: "\""), self[end] != UInt8(ascii: "\\"),
            self[end] != other
        {
            end += 1
        }
        return end
    }
}

extension UInt64 {
    // The number of bytes before the first to escape. Only the lowest mark is reliable: a borrow may set those above it.
    // Source: <https://graphics.stanford.edu/~seander/bithacks.html#HasLessInWord>.
    fileprivate func lengthOfPlainText(or other: UInt8) -> Int {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let quotes = self ^ (ones &* UInt64(UInt8(ascii: "\"")))
        let backslashes = self ^ (ones &* UInt64(UInt8(ascii: "\\")))
        let others = self ^ (ones &* UInt64(other))
        let found =
            (quotes &- ones) & ~quotes | (backslashes &- ones) & ~backslashes | (others &- ones) & ~others
            | (self &- ones &* 0x20) & ~self
        return (found & (ones << 7)).trailingZeroBitCount / 8
    }
}
