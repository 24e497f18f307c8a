import RefundCore
import RefundStoreSQLite

/// The queue as a table for a terminal.
enum RefundTable {
    static func lines(_ refunds: [Record], at now: Timestamp) -> [String] {
        let head = ["ID", "REFUND", "STATE", "ATTENTION", "AMOUNT", "QUERIES", "AGE", "NEXT QUERY"]
        let rows = refunds.map { refund in
            [
                "#\(refund.text("id") ?? "")",
                refund.text("merchant_order_no") ?? refund.text("trans_no") ?? "",
                refund.text("state") ?? "",
                refund.text("attention") ?? "-",
                amount(refund),
                refund.text("attempts") ?? "",
                refund.timestamp("created_at").map { now.duration(since: $0).roughly } ?? "",
                wait(until: refund.timestamp("next_query_at"), at: now),
            ]
        }
        return aligned([head] + rows)
    }

    private static func amount(_ refund: Record) -> String {
        let (value, currency) =
            refund.text("trans_amount") == nil
            ? (refund.text("expected_amount"), refund.text("expected_currency"))
            : (refund.text("trans_amount"), refund.text("trans_currency"))
        return value.map { "\($0) \(currency ?? "")" } ?? "-"
    }

    /// How long it is until something that is due, or may never be.
    static func wait(until next: Timestamp?, at now: Timestamp) -> String {
        guard let next else { return "-" }
        return next <= now ? "now" : "in \(next.duration(since: now).roughly)"
    }

    /// Pads cells so that columns line up.
    static func aligned(_ rows: [[String]]) -> [String] {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            let cells = zip(row, widths).map { cell, width in
                cell + String(repeating: " ", count: width - cell.count)
            }
            return String(cells.joined(separator: "  ").reversed().drop { $0 == " " }.reversed())
        }
    }
}

extension Duration {
    /// The duration in its largest unit, for a person's eye: `3d`, `5h`, `12m`, `8s`.
    var roughly: String {
        let seconds = wholeMilliseconds / 1_000
        for (unit, size) in [("d", 86_400 as Int64), ("h", 3_600), ("m", 60)] where seconds >= 2 * size {
            return "\(seconds / size)\(unit)"
        }
        return "\(max(seconds, 0))s"
    }
}
