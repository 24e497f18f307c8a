import RefundAdmin
import RefundCore

/// Prints a line to standard output, escaping everything that a terminal would interpret.
func printLine(_ line: String) {
    print(escapedForTerminal(line))
}

/// Prints one JSON document to standard output, escaping everything that a terminal would interpret.
func printJSON(_ content: (inout JSONWriter) -> Void) {
    var json = JSONWriter()
    json.object(nil, content)
    print(json.textForTerminal)
}

/// Text in columns for a terminal.
enum TextTable {
    /// Pads cells so that columns line up.
    static func lines(_ rows: [[String]]) -> [String] {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in rows.map { $0.count > column ? $0[column].count : 0 }.max() ?? 0 }
        return rows.map { row in
            let cells = zip(row, widths).map { cell, width in
                cell + String(repeating: " ", count: width - cell.count)
            }
            return String(cells.joined(separator: "  ").reversed().drop { $0 == " " }.reversed())
        }
    }
}

extension Duration {
    /// The duration in its largest unit: `3d`, `5h`, `12m`, `8s`.
    var rounded: String {
        let seconds = wholeMilliseconds / 1_000
        for (unit, size) in [("d", 86_400 as Int64), ("h", 3_600), ("m", 60)] where seconds >= 2 * size {
            return "\(seconds / size)\(unit)"
        }
        return "\(max(seconds, 0))s"
    }
}

extension Timestamp {
    /// The wait until this time, such as `in 5h`, or `now`.
    func wait(from now: Timestamp) -> String {
        self <= now ? "now" : "in \(duration(since: now).rounded)"
    }
}

extension Money {
    var text: String { "\(amount) \(currency)" }
}

extension Failure {
    var text: String { "failed: \(code)" + (message.map { ", \($0)" } ?? "") }
}

extension Refund {
    /// The amount that the gateway reports, with its currency.
    var reported: String? {
        transaction?.amount.map { "\($0) \(transaction?.currency ?? "")" }
    }
}
