extension TOMLReader {
    /// Reads text in quotes of any of the four kinds.
    ///
    /// - Parameter mayHaveLines: Whether three quotes, and then several lines, are allowed.
    /// - Returns: What the quotes mean.
    /// - Throws: When they are not closed, or something in them has no meaning.
    mutating func text(mayHaveLines: Bool) throws(TOMLError) -> String {
        let start = index
        let quote = isAt("'") ? "'" : "\""
        let hasLines = mayHaveLines && isAt(quote + quote + quote)
        let end = hasLines ? quote + quote + quote : quote
        index += end.utf8.count
        // A line that ends right after the quotes is there for looks.
        if hasLines { _ = takeNewline() }
        var content: [UInt8] = []
        while let byte {
            if isAt(end) {
                // Before the closing quotes, the text may have one or two of its own.
                for _ in 0..<2 where hasLines && isAt(end + quote) {
                    content += quote.utf8
                    index += quote.utf8.count
                }
                index += end.utf8.count
                return String(decoding: content, as: UTF8.self)
            }
            if quote == "\"", take("\\") {
                try appendEscape(to: &content, mayHaveLines: hasLines)
                continue
            }
            if isAtNewline {
                guard hasLines else { break }
            } else if byte.isForbidden {
                throw failure("has a control character in quotes", "write it as an escape such as \\u0007")
            }
            content.append(byte)
            index += 1
        }
        throw failure(
            "has quotes that are not closed",
            "close them, on the same line unless there are three",
            at: start
        )
    }
}

extension TOMLReader {
    /// Appends what an escape means, after its backslash.
    private mutating func appendEscape(to content: inout [UInt8], mayHaveLines: Bool) throws(TOMLError) {
        let start = index - 1
        let meanings = [
            ("b", "\u{8}"), ("t", "\t"), ("n", "\n"), ("f", "\u{c}"), ("r", "\r"), ("\"", "\""), ("\\", "\\"),
        ]
        for (letter, meaning) in meanings where take(letter) {
            content += meaning.utf8
            return
        }
        if take("u") {
            content += try scalar(digits: 4, start).utf8
        } else if take("U") {
            content += try scalar(digits: 8, start).utf8
        } else {
            // A backslash that ends a line takes the blanks with it up to the next text.
            skipSpaces()
            guard mayHaveLines, takeNewline() else {
                throw failure(
                    "has a \\ that begins no escape",
                    "write \\\\, or put the text in single quotes",
                    at: start
                )
            }
            repeat { skipSpaces() } while takeNewline()
        }
    }

    private mutating func scalar(digits count: Int, _ start: Int) throws(TOMLError) -> String {
        let digits = String(decoding: bytes[index...].prefix(count), as: UTF8.self)
        guard digits.utf8.count == count, !digits.hasPrefix("+"), !digits.hasPrefix("-"),
            let value = UInt32(digits, radix: 16), let scalar = Unicode.Scalar(value)
        else {
            throw failure(
                "has an escape of no character",
                "write \\u and four, or \\U and eight, hexadecimal digits",
                at: start
            )
        }
        index += count
        return String(scalar)
    }
}
