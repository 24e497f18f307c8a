extension TOMLReader {
    /// The byte at hand, or nil at the end.
    var byte: UInt8? {
        index < bytes.count ? bytes[index] : nil
    }

    /// Whether a text is at hand.
    func isAt(_ text: String) -> Bool {
        bytes[index...].starts(with: text.utf8)
    }

    /// Whether the end of a line is at hand.
    var isAtNewline: Bool {
        byte == 10 || (byte == 13 && index + 1 < bytes.count && bytes[index + 1] == 10)
    }

    /// Goes past a text, if it is at hand.
    ///
    /// - Returns: Whether it was.
    mutating func take(_ text: String) -> Bool {
        guard isAt(text) else { return false }
        index += text.utf8.count
        return true
    }

    /// Goes past the end of a line, if it is at hand.
    ///
    /// - Returns: Whether it was.
    mutating func takeNewline() -> Bool {
        take("\n") || take("\r\n")
    }

    /// Goes past blanks.
    mutating func skipSpaces() {
        while let byte, byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") { index += 1 }
    }

    /// Goes past blanks, comments and ends of lines.
    mutating func skipBlank() throws(TOMLError) {
        repeat {
            skipSpaces()
            try skipComment()
        } while takeNewline()
    }

    /// Goes past the end of a line, on which nothing but a comment may be left.
    mutating func endLine() throws(TOMLError) {
        skipSpaces()
        try skipComment()
        guard byte == nil || takeNewline() else {
            throw failure("has more on the line", "begin a new line here, or put text in double quotes")
        }
    }

    /// A mistake, here unless another place is given.
    func failure(_ problem: String, _ remedy: String, at place: Int? = nil) -> TOMLError {
        TOMLError(index: place ?? index, problem: problem, remedy: remedy)
    }

    private mutating func skipComment() throws(TOMLError) {
        guard byte == UInt8(ascii: "#") else { return }
        while let byte, !isAtNewline {
            guard !byte.isForbidden else { throw failure("has a control character in a comment", "remove it") }
            index += 1
        }
    }
}

extension UInt8 {
    /// Whether TOML has it neither in text nor in comments: a control character other than the tab.
    var isForbidden: Bool {
        (self < 0x20 && self != UInt8(ascii: "\t")) || self == 0x7f
    }
}
