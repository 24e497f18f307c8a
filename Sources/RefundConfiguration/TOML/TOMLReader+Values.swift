extension TOMLReader {
    /// Reads a value.
    ///
    /// - Parameter depth: How many arrays and tables it is in.
    /// - Returns: The value.
    /// - Throws: When it is none.
    mutating func value(depth: Int) throws(TOMLError) -> RawValue {
        guard depth <= Self.deepest else {
            throw failure("has more than \(Self.deepest) values inside each other", "remove them")
        }
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "'"): return .text(try text(mayHaveLines: true))
        case UInt8(ascii: "["): return .list(try list(depth: depth))
        case UInt8(ascii: "{"): return .table(try braces(depth: depth))
        default: return try word()
        }
    }

    private mutating func list(depth: Int) throws(TOMLError) -> [RawValue] {
        _ = take("[")
        var values: [RawValue] = []
        while true {
            try skipBlank()
            if take("]") { return values }
            values.append(try value(depth: depth + 1))
            try skipBlank()
            if take(",") { continue }
            guard take("]") else {
                throw failure("has an array without its ]", "separate entries with commas and end the array with ]")
            }
            return values
        }
    }

    private mutating func braces(depth: Int) throws(TOMLError) -> [String: RawValue] {
        _ = take("{")
        let table = TOMLTable(.key)
        skipSpaces()
        if take("}") { return [:] }
        repeat {
            try assignment(in: table, depth: depth + 1)
            skipSpaces()
        } while take(",")
        guard take("}") else {
            throw failure("has a { without its }", "separate entries with commas and end the table with }")
        }
        return table.values
    }

    /// Reads a value that has no quotes, brackets or braces: a number, a boolean, a date or a time.
    private mutating func word() throws(TOMLError) -> RawValue {
        let start = index
        while let byte, byte.isWord { index += 1 }
        let word = String(decoding: bytes[start..<index], as: UTF8.self)
        guard !word.isEmpty else { throw failure("has no value here", "write one; text stands in double quotes") }
        if word == "true" || word == "false" { return .boolean(word == "true") }
        if let number = TOMLNumber.value(word) { return number }
        if TOMLNumber.isInteger(word) {
            throw failure("has a number that is too large", "write a smaller one", at: start)
        }
        guard Self.isTime(word) else {
            throw failure(
                "has a value that is no number",
                "write true, false or a number, or put text in double quotes",
                at: start
            )
        }
        // Between a date and its time there may be a blank.
        let end = index
        if !word.contains(":"), take(" "), let byte, UInt8.digits.contains(byte) {
            while let byte = self.byte, byte.isWord { index += 1 }
        } else {
            index = end
        }
        return .time
    }

    /// Whether a word is meant as a date or a time.
    ///
    /// No key takes either, so nobody asks which.
    private static func isTime(_ word: String) -> Bool {
        guard let first = word.utf8.first, UInt8.digits.contains(first) else { return false }
        return word.contains(":")
            || word.split(separator: "-", omittingEmptySubsequences: false).map(\.utf8.count) == [4, 2, 2]
    }
}

extension UInt8 {
    /// Whether it may stand in a number, a boolean, a date or a time.
    fileprivate var isWord: Bool {
        UInt8.letters.contains(self | 0x20) || UInt8.digits.contains(self) || "+-_.:".utf8.contains(self)
    }
}
