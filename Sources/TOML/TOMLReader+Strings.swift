extension TOMLReader {
    /// Reads a string in any of the four notations.
    ///
    /// - Parameter mayBeMultiline: Whether three quotes, and then several lines, are allowed.
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
