/// A reader of TOML 1.0, <https://toml.io/en/v1.0.0>, without arrays of tables; dates and times have no value.
///
/// It is hand-written because toml++ 3.4 aborts the process on mistakes such as `[1, }` or `[=]`, and a daemon that
/// reloads its configuration must survive any text.
package struct TOMLReader {
    /// The most levels of nested values, and the most parts of a dotted key.
    static let maxDepth = 16

    let bytes: [UInt8]
    var index = 0

    /// Reads a document.
    ///
    /// - Returns: The top-level table.
    /// - Throws: The first mistake, with its line and column.
    package static func read(_ text: String) throws(TOMLError) -> [String: TOMLValue] {
        var reader = TOMLReader(bytes: Array(text.utf8))
        return try reader.document()
    }

    private mutating func document() throws(TOMLError) -> [String: TOMLValue] {
        let root = TOMLTable(.header)
        var table = root
        // Some editors start a file with a byte-order mark.
        _ = take("\u{feff}")
        while true {
            try skipBlankLines()
            guard let byte else { return root.values }
            if byte == UInt8(ascii: "[") {
                table = try header(below: root)
            } else {
                try assignment(in: table, depth: 0)
            }
            skipSpaces()
            try skipComment()
            guard self.byte == nil || takeNewline() else { throw error(.expectedLineEnd) }
        }
    }

    private mutating func header(below root: TOMLTable) throws(TOMLError) -> TOMLTable {
        let start = index
        _ = take("[")
        guard byte != UInt8(ascii: "[") else { throw error(.arrayOfTables) }
        let path = try key()
        guard take("]") else { throw error(.expectedHeaderEnd) }
        guard let table = root.section(path[...]) else { throw error(.duplicateSection, at: start) }
        return table
    }

    /// Reads `key = value` into a table.
    mutating func assignment(in table: TOMLTable, depth: Int) throws(TOMLError) {
        skipSpaces()
        let start = index
        let path = try key()
        guard take("=") else { throw error(.expectedEquals) }
        skipSpaces()
        let value = try value(depth: depth)
        guard table.assign(value, to: path[...]) else { throw error(.duplicateKey, at: start) }
    }

    /// Reads a dotted key and the spaces around it.
    private mutating func key() throws(TOMLError) -> [String] {
        let start = index
        var parts: [String] = []
        repeat {
            skipSpaces()
            parts.append(try keyPart())
            skipSpaces()
        } while take(".")
        guard parts.count <= Self.maxDepth else { throw error(.keyTooLong, at: start) }
        return parts
    }

    private mutating func keyPart() throws(TOMLError) -> String {
        if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") { return try string(mayBeMultiline: false) }
        let start = index
        while let byte, byte.isBareKey { index += 1 }
        guard index > start else { throw error(.expectedKey) }
        return String(decoding: bytes[start..<index], as: UTF8.self)
    }
}

extension TOMLReader {
    /// The current byte; nil at the end.
    var byte: UInt8? {
        index < bytes.count ? bytes[index] : nil
    }

    /// Whether the rest starts with a text.
    func isAt(_ text: String) -> Bool {
        bytes[index...].starts(with: text.utf8)
    }

    var isAtNewline: Bool {
        isAt("\n") || isAt("\r\n")
    }

    /// Consumes a text if the rest starts with it; returns whether it did.
    mutating func take(_ text: String) -> Bool {
        guard isAt(text) else { return false }
        index += text.utf8.count
        return true
    }

    /// Consumes the end of a line; returns whether there was one.
    mutating func takeNewline() -> Bool {
        take("\n") || take("\r\n")
    }

    mutating func skipSpaces() {
        while let byte, byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") { index += 1 }
    }

    /// Skips spaces, comments and line ends.
    mutating func skipBlankLines() throws(TOMLError) {
        repeat {
            skipSpaces()
            try skipComment()
        } while takeNewline()
    }

    private mutating func skipComment() throws(TOMLError) {
        guard byte == UInt8(ascii: "#") else { return }
        while let byte, !isAtNewline {
            guard !byte.isControl else { throw error(.controlCharacterInComment) }
            index += 1
        }
    }

    /// Creates an error at the current byte, or at another one.
    func error(_ problem: TOMLError.Problem, at place: Int? = nil) -> TOMLError {
        TOMLError(problem, at: place ?? index, in: bytes)
    }
}

extension UInt8 {
    var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }

    var isLetter: Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self | 0x20) }

    /// Whether TOML allows the byte in a key without quotes.
    var isBareKey: Bool { isLetter || isDigit || self == UInt8(ascii: "-") || self == UInt8(ascii: "_") }

    /// Whether the byte is a control character other than the tab; TOML allows none in strings and comments.
    var isControl: Bool { (self < 0x20 && self != UInt8(ascii: "\t")) || self == 0x7f }
}
