/// A help page for a terminal that is narrower than the layout of the argument parser.
///
/// That layout needs 26 columns for names alone, and breaks examples, which are copied.
struct HelpPage {
    private static let begin = "OVERVIEW: "
    // The layout's column for descriptions.
    private static let column = 26
    private static let indent = "      "

    /// The narrowest terminal that the parser's own layout fits.
    static let leastWidth = 80

    /// The page as the parser renders it for a terminal of any width, without line breaks of its own.
    let text: String

    /// Takes a page; nil for any other message.
    init?(_ text: String) {
        guard text.hasPrefix(Self.begin) else { return nil }
        self.text = text
    }

    /// Lays the page out.
    ///
    /// - Parameter width: The number of columns.
    /// - Returns: The page; only examples and single words are longer than a line.
    func lines(width: Int) -> [String] {
        var isOverview = true
        return text.split(separator: "\n", omittingEmptySubsequences: false).flatMap { line -> [String] in
            if line.hasPrefix("USAGE: ") { isOverview = false }
            let line = String(line)
            if isOverview, line.hasPrefix("  ") { return [line] }
            guard !isOverview, line.hasPrefix("  ") else { return Self.hanging(line, isOverview ? "" : "  ", width) }
            let (name, description) = Self.parts(line)
            let below = Self.wrapped(description, to: width - Self.indent.count).map { Self.indent + $0 }
            return (name.isEmpty ? [] : Self.hanging("  \(name)", Self.indent, width)) + below
        }
    }

    // A name, its description, or both; what follows a name of more columns is on a line of its own.
    private static func parts(_ line: String) -> (name: String, description: String) {
        let head = String(line.prefix(column))
        let rest = String(line.dropFirst(column))
        let isDescription = head.dropFirst(2).hasPrefix("  ")
        if isDescription { return ("", String(line.drop { $0 == " " })) }
        guard head.hasSuffix(" "), !rest.isEmpty else { return (String(line.dropFirst(2)), "") }
        return (String(head.dropFirst(2)).trimmingEnd, rest)
    }

    private static func wrapped(_ text: String, to width: Int) -> [String] {
        text.isEmpty ? [] : text.wrapped(to: width)
    }

    // Further lines are indented.
    private static func hanging(_ line: String, _ indent: String, _ width: Int) -> [String] {
        guard line.columns > width else { return [line] }
        let start = String(line.prefix { $0 == " " })
        return line.wrapped(to: width - indent.count).enumerated().map { ($0 == 0 ? start : indent) + $1 }
    }
}
