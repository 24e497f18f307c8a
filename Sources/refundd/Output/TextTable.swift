/// Rows in columns, which fit any width.
///
/// If the columns do not fit, each row becomes a block of its own, so that nothing is cut off.
struct TextTable: Sendable {
    /// A row: its cells, and sentences that follow it.
    struct Row: Sendable {
        var cells: [String]
        var details: [Line] = []
    }

    private static let gaps = ["  ", " "]
    private static let indent = "    "

    /// The columns' names; one that is empty in every row is left out.
    let head: [String]
    /// The rows.
    let rows: [Row]

    /// Lays the table out.
    ///
    /// - Parameter width: The number of columns of the terminal.
    /// - Returns: The lines.
    func lines(width: Int) -> [Line] {
        let used = head.indices.filter { column in rows.contains { $0.cells[column] != "" } }
        let widths = used.map { column in ([head[column]] + rows.map { $0.cells[column] }).map(\.columns).max() ?? 0 }
        let total = widths.reduce(0, +)
        let gap = Self.gaps.first { total + $0.count * max(used.count - 1, 0) <= width }
        if let gap {
            func line(_ cells: [String]) -> String {
                zip(used, widths).map { column, width in cells[column].padded(to: width) }
                    .joined(separator: gap).trimmingEnd
            }
            return [Line(line(head), .heading)]
                + rows.flatMap { [Line(line($0.cells))] + details(of: $0, width) }
        }
        return rows.flatMap { row in
            // The first two columns name a row.
            let title = used.prefix(2).map { row.cells[$0] }.filter { $0 != "" }.joined(separator: Self.gaps[0])
            let facts = used.dropFirst(2).filter { row.cells[$0] != "" }
                .map { "\(head[$0].lowercased()) \(row.cells[$0])" }
            let text = facts.joined(separator: ", ").wrapped(to: width - Self.indent.count)
            return title.folded(to: width).map { Line($0, .heading) } + text.map { Line(Self.indent + $0) }
                + details(of: row, width)
        }
    }

    private func details(of row: Row, _ width: Int) -> [Line] {
        row.details.flatMap { detail in
            // A command is copied, so it stays on one line.
            let texts = detail.isCommand ? [detail.text] : detail.text.wrapped(to: width - Self.indent.count)
            return texts.map { Line(Self.indent + $0, detail.style) }
        }
    }
}

/// Names with their values, one below the other.
struct FactTable: Sendable {
    private var facts: [(name: String, value: String)] = []

    /// Adds a fact, unless its value is nil.
    mutating func add(_ name: String, _ value: String?) {
        if let value { facts.append((name, value)) }
    }

    /// Lays the facts out; long values continue below their beginning.
    func lines(width: Int, indent: String = "  ") -> [Line] {
        let names = facts.map(\.name.columns).max() ?? 0
        let start = indent.count + names + 2
        return facts.enumerated().flatMap { index, fact in
            let name = index > 0 && facts[index - 1].name == fact.name ? "" : fact.name
            guard width - start >= Self.leastValueWidth else {
                return ["\(indent)\(name)".trimmingEnd].filter { $0 != "" }.map { Line($0) }
                    + fact.value.wrapped(to: width - indent.count - 2).map { Line("\(indent)  \($0)") }
            }
            return fact.value.wrapped(to: width - start).enumerated().map { part, text in
                Line((indent + (part == 0 ? name : "").padded(to: names) + "  " + text).trimmingEnd)
            }
        }
    }

    private static let leastValueWidth = 24
}

extension Line {
    private static let prompt = "run: "

    /// A line with a command to copy.
    static func command(_ command: String) -> Line { Line(prompt + command) }

    /// The line as it is if it fits, otherwise broken at blanks.
    ///
    /// Further lines are indented, so that no text from outside can pass for the beginning of a line.
    func folded(to width: Int) -> [Line] {
        guard text.columns > width else { return [self] }
        return text.wrapped(to: width - 2).enumerated().map { Line(($0 == 0 ? "" : "  ") + $1, style) }
    }

    /// Whether the line has a command to copy.
    var isCommand: Bool { text.hasPrefix(Self.prompt) }
}

extension String {
    /// The text without blanks at its end.
    var trimmingEnd: String { String(reversed().drop { $0 == " " }.reversed()) }
}
