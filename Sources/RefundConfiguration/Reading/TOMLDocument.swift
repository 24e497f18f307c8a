import TOMLKit

/// A TOML text as values of our own, so that nothing else here depends on the parser.
struct TOMLDocument {
    /// What stands at the top: the sections.
    let entries: [String: RawValue]

    // A section, the table of a named gateway and a list are as deep as a configuration goes.
    private static let deepestTable = 3
    // toml++ bounds nested arrays and inline tables but no dotted keys, and frees what it read recursively; this many
    // levels fit any stack.
    private static let mostDots = 10_000

    /// Reads a TOML text.
    ///
    /// - Parameters:
    ///   - text: The text, without NUL characters.
    ///   - file: The file it came from, for messages.
    /// - Throws: When it is no TOML, with its line and column, or beyond what a configuration needs.
    init(text: String, file: String) throws(ConfigurationError) {
        try Self.refuseWhatTheParserMistakes(text, file)
        do {
            entries = Self.entries(of: try TOMLTable(string: text), depth: 0)
        } catch let error as TOMLParseError {
            let begin = error.source.begin
            throw ConfigurationError(
                file: file,
                position: ConfigurationError.Position(line: begin.line, column: begin.column),
                problem: "is not valid TOML: \(error.description.shown)",
                remedy: "correct this place; text stands in double quotes, see https://toml.io"
            )
        } catch {
            throw ConfigurationError(
                file: file,
                problem: "cannot be read as TOML: \("\(error)".shown)",
                remedy: "compare it with refundd.conf.example"
            )
        }
    }

    private static func refuseWhatTheParserMistakes(_ text: String, _ file: String) throws(ConfigurationError) {
        var dots = 0
        for (index, line) in text.utf8.split(separator: 10, omittingEmptySubsequences: false).enumerated() {
            // The parser's texts end at the first NUL, so the rest of the value would vanish without a word.
            if line.firstRange(of: "\\u0000".utf8) != nil || line.firstRange(of: "\\U00000000".utf8) != nil {
                throw ConfigurationError(
                    file: file,
                    position: ConfigurationError.Position(line: index + 1),
                    problem: "has a NUL character, written as an escape",
                    remedy: "remove it"
                )
            }
            let isComment = line.first { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") } == UInt8(ascii: "#")
            if !isComment { dots += line.count { $0 == UInt8(ascii: ".") } }
        }
        guard dots <= mostDots else {
            throw ConfigurationError(
                file: file,
                problem: "has more than \(mostDots) dots outside of comments",
                remedy: "keep only the settings of refundd in it"
            )
        }
    }

    private static func entries(of table: TOMLTable, depth: Int) -> [String: RawValue] {
        var entries: [String: RawValue] = [:]
        for key in table.keys {
            guard let value = table[key] else { continue }
            entries[key] = rawValue(value, depth: depth + 1)
        }
        return entries
    }

    private static func rawValue(_ value: any TOMLValueConvertible, depth: Int) -> RawValue {
        if let text = value.string { return .text(text) }
        if let integer = value.int { return .integer(integer) }
        if let number = value.double { return .number(number) }
        if let boolean = value.bool { return .boolean(boolean) }
        let isTooDeep = depth > deepestTable
        if let array = value.array {
            return .list(isTooDeep ? [] : array.map { rawValue($0, depth: depth + 1) })
        }
        if let table = value.table {
            return .table(isTooDeep ? [:] : entries(of: table, depth: depth))
        }
        return .time
    }
}
