extension TOMLReader {
    /// Reads a value.
    ///
    /// - Parameter depth: The number of arrays and inline tables around it.
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

    /// Returns whether a word looks like a date or a time; no key takes either, so a rough check is enough.
    private static func isDateTime(_ word: String) -> Bool {
        guard word.utf8.first?.isDigit == true else { return false }
        return word.contains(":")
            || word.split(separator: "-", omittingEmptySubsequences: false).map(\.utf8.count) == [4, 2, 2]
    }
}

extension TOMLReader {
    /// Reads a string in any of the four notations.
    ///
    /// - Parameter mayBeMultiline: Whether the multi-line notations with three quotes are allowed.
    /// - Returns: The content.
    /// - Throws: The first mistake.
    mutating func string(mayBeMultiline: Bool) throws(TOMLError) -> String {
        let start = index
        let quote = isAt("'") ? "'" : "\""
        let isMultiline = mayBeMultiline && isAt(quote + quote + quote)
        let end = isMultiline ? quote + quote + quote : quote
        index += end.utf8.count
        // TOML trims a line end that directly follows the opening quotes.
        if isMultiline { _ = takeNewline() }
        var content: [UInt8] = []
        while let byte {
            if isAt(end) {
                // One or two quotes may directly precede the closing ones.
                for _ in 0..<2 where isMultiline && isAt(end + quote) {
                    content += quote.utf8
                    index += quote.utf8.count
                }
                index += end.utf8.count
                return String(decoding: content, as: UTF8.self)
            }
            if quote == "\"", take("\\") {
                try appendEscape(to: &content, isMultiline: isMultiline)
                continue
            }
            if isAtNewline {
                guard isMultiline else { break }
            } else if byte.isControl {
                throw error(.controlCharacter)
            }
            content.append(byte)
            index += 1
        }
        throw error(.unterminatedString, at: start)
    }

    private mutating func appendEscape(to content: inout [UInt8], isMultiline: Bool) throws(TOMLError) {
        let start = index - 1
        let escapes = [
            ("b", "\u{8}"), ("t", "\t"), ("n", "\n"), ("f", "\u{c}"), ("r", "\r"), ("\"", "\""), ("\\", "\\"),
        ]
        for (letter, meaning) in escapes where take(letter) {
            content += meaning.utf8
            return
        }
        if take("u") {
            content += try scalar(digits: 4, start).utf8
        } else if take("U") {
            content += try scalar(digits: 8, start).utf8
        } else {
            // A backslash at the end of a line removes all white space up to the next text.
            skipSpaces()
            guard isMultiline, takeNewline() else { throw error(.unknownEscape, at: start) }
            repeat { skipSpaces() } while takeNewline()
        }
    }

    private mutating func scalar(digits count: Int, _ start: Int) throws(TOMLError) -> String {
        let digits = String(decoding: bytes[index...].prefix(count), as: UTF8.self)
        guard digits.utf8.count == count, !digits.hasPrefix("+"), !digits.hasPrefix("-"),
            let value = UInt32(digits, radix: 16), let scalar = Unicode.Scalar(value)
        else { throw error(.invalidScalar, at: start) }
        index += count
        return String(scalar)
    }
}
