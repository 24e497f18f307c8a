/// A reader of TOML 1.0, <https://toml.io/en/v1.0.0>, as far as a configuration needs it.
///
/// Dates and times are told apart but not read, and arrays of tables are refused: no key takes either. The parser of
/// toml++ 3.4 was no choice, since mistakes such as `[1, }` or `[=]` end its process, and a daemon that is told to read
/// its configuration again must outlive any text.
package struct TOMLReader {
    /// How many values may be inside each other, and how many parts a key may have.
    static let deepest = 16

    let bytes: [UInt8]
    var index = 0

    /// Reads a text.
    ///
    /// - Parameters:
    ///   - text: The text.
    ///   - file: The file it came from, for messages.
    /// - Returns: What stands at the top: the sections.
    /// - Throws: The first mistake, with its line and column.
    package static func entries(of text: String, file: String) throws(ConfigurationError) -> [String: RawValue] {
        var reader = TOMLReader(bytes: Array(text.utf8))
        do throws(TOMLError) {
            return try reader.document()
        } catch {
            throw ConfigurationError(
                file: file,
                position: error.position(in: reader.bytes),
                problem: error.problem,
                remedy: error.remedy
            )
        }
    }

    private mutating func document() throws(TOMLError) -> [String: RawValue] {
        let root = TOMLTable(.header)
        var table = root
        // Some editors begin a file with a byte order mark.
        _ = take("\u{feff}")
        while true {
            try skipBlank()
            guard let byte else { return root.values }
            if byte == UInt8(ascii: "[") {
                table = try header(below: root)
            } else {
                try assignment(in: table, depth: 0)
            }
            try endLine()
        }
    }

    private mutating func header(below root: TOMLTable) throws(TOMLError) -> TOMLTable {
        let start = index
        _ = take("[")
        guard byte != UInt8(ascii: "[") else {
            throw failure("begins an array of tables", "write a section as [log], a gateway's as [gateways.NAME]")
        }
        let path = try key()
        guard take("]") else { throw failure("has no ] after the section's name", "write the section as [name]") }
        guard let table = root.section(path[...]) else {
            throw failure("begins a section that is there already", "put all its keys in one place", at: start)
        }
        return table
    }

    /// Reads `key = value`.
    mutating func assignment(in table: TOMLTable, depth: Int) throws(TOMLError) {
        skipSpaces()
        let start = index
        let path = try key()
        guard take("=") else { throw failure("has no = after the key", "write key = value") }
        skipSpaces()
        let value = try value(depth: depth)
        guard table.assign(value, to: path[...]) else {
            throw failure("has a key that is there already", "remove one of them", at: start)
        }
    }

    /// Reads a key, with the blanks around it.
    private mutating func key() throws(TOMLError) -> [String] {
        let start = index
        var parts: [String] = []
        repeat {
            skipSpaces()
            parts.append(try keyPart())
            skipSpaces()
        } while take(".")
        guard parts.count <= Self.deepest else {
            throw failure("has a key of more than \(Self.deepest) parts", "remove it", at: start)
        }
        return parts
    }

    private mutating func keyPart() throws(TOMLError) -> String {
        if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") { return try text(mayHaveLines: false) }
        let start = index
        while let byte, byte.isBareKey { index += 1 }
        guard index > start else {
            throw failure("has no key here", "write one of letters, digits, _ and -, or remove what is here")
        }
        return String(decoding: bytes[start..<index], as: UTF8.self)
    }
}

extension UInt8 {
    /// Whether it may stand in a key without quotes.
    fileprivate var isBareKey: Bool {
        UInt8.letters.contains(self | 0x20) || UInt8.digits.contains(self) || "-_".utf8.contains(self)
    }
}
