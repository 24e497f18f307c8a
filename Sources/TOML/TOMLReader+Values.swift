extension TOMLReader {
    /// Reads a value.
    ///
    /// - Parameter depth: How many arrays and inline tables contain it.
    /// - Returns: The value.
    /// - Throws: The first mistake.
    mutating func value(depth: Int) throws(TOMLError) -> TOMLValue {
        guard depth <= Self.maxDepth else { throw error(.nestingTooDeep) }
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "'"): return .string(try string(mayBeMultiline: true))
        case UInt8(ascii: "["): return .array(try array(depth: depth))
        case UInt8(ascii: "{"): return .table(try inlineTable(depth: depth))
        default: return try word()
        }
    }

    private mutating func array(depth: Int) throws(TOMLError) -> [TOMLValue] {
        _ = take("[")
        var values: [TOMLValue] = []
        while true {
            try skipBlankLines()
            if take("]") { return values }
            values.append(try value(depth: depth + 1))
            try skipBlankLines()
            if take(",") { continue }
            guard take("]") else { throw error(.unterminatedArray) }
            return values
        }
    }

    private mutating func inlineTable(depth: Int) throws(TOMLError) -> [String: TOMLValue] {
        _ = take("{")
        let table = TOMLTable(.key)
        skipSpaces()
        if take("}") { return [:] }
        repeat {
            try assignment(in: table, depth: depth + 1)
            skipSpaces()
        } while take(",")
        guard take("}") else { throw error(.unterminatedTable) }
        return table.values
    }

    /// Reads a value without quotes, brackets or braces: a number, a boolean, a date or a time.
    private mutating func word() throws(TOMLError) -> TOMLValue {
        let start = index
        let word = takeWord()
        guard !word.isEmpty else { throw error(.expectedValue) }
        if word == "true" || word == "false" { return .boolean(word == "true") }
        if let number = TOMLNumber.value(word) { return number }
        if TOMLNumber.isInteger(word) { throw error(.numberTooLarge, at: start) }
        guard Self.isDateTime(word) else { throw error(.invalidValue, at: start) }
        // A space may separate a date from its time.
        let end = index
        if !word.contains(":"), take(" "), let byte, byte.isDigit {
            _ = takeWord()
        } else {
            index = end
        }
        return .dateTime
    }

    private mutating func takeWord() -> String {
        let start = index
        while let byte, byte.isBareKey || "+.:".utf8.contains(byte) { index += 1 }
        return String(decoding: bytes[start..<index], as: UTF8.self)
    }

    /// Returns whether a word looks like a date or a time; no key takes either, so a look is enough.
    private static func isDateTime(_ word: String) -> Bool {
        guard word.utf8.first?.isDigit == true else { return false }
        return word.contains(":")
            || word.split(separator: "-", omittingEmptySubsequences: false).map(\.utf8.count) == [4, 2, 2]
    }
}
