import RefundCore

/// The comparison as a table and as JSON.
struct Report {
    let months: [Month]
    let refunds: Int
    let seed: UInt64

    // The size of the shop whose load is told; the load of another is in proportion.
    private static let refundsPerDay = 1_000
    private static let quantiles = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("max", 1)]

    /// The table, at most 120 columns wide, with what the drawn refunds are.
    var lines: [String] {
        var groups = [
            ("", ["schedule"], 22), ("queries", ["mean", "p99"], 7),
            ("peak, \(Self.refundsPerDay)/day", ["per day", "per s"], 8),
            ("settled to noticed: all", Self.quantiles.map(\.0), 6),
        ]
        groups += PaymentKind.allCases.map { ($0.rawValue, ["p50", "p99"], 6) }
        groups += [("never", ["noticed"], 8)]
        let widths = groups.flatMap { _, columns, width in columns.map { _ in width } }
        let heading = groups.map { name, columns, width in name.padded(to: columns.count * width) }.joined()
        let rows = ([groups.flatMap(\.1)] + months.map(cells)).map { cells in
            cells[0].padded(to: -widths[0]) + zip(cells, widths).dropFirst().map { $0.padded(to: $1) }.joined()
        }
        return ["\(refunds) refunds: " + parts { Double($0.queries.count) / Double(refunds) }, "", heading]
            + rows + ["", "overdue by default, of each kind: " + parts(\.overduePart)]
    }

    private func parts(_ part: (Tally) -> Double) -> String {
        PaymentKind.allCases.map { kind in
            "\(kind.rawValue) \(((months.first?.ofKind[kind]).map(part) ?? 0).percent)"
        }.joined(separator: ", ")
    }

    private func cells(_ month: Month) -> [String] {
        let ofKinds = PaymentKind.allCases.map { month.ofKind[$0]?.delays ?? [] }
        var cells = [month.schedule.name, month.all.meanQueries.oneDecimal, "\(month.all.queries.quantile(0.99) ?? 0)"]
        cells.append("\(Int(month.peakPerDay(refundsPerDay: Self.refundsPerDay).rounded()))")
        cells.append(month.peakPerSecond(refundsPerDay: Self.refundsPerDay).oneDecimal)
        cells += Self.quantiles.map { month.all.delays.quantile($0.1).brief }
        cells += ofKinds.flatMap { [$0.quantile(0.5).brief, $0.quantile(0.99).brief] }
        return cells + [month.all.neverNoticedPart.percent]
    }

    /// The JSON document.
    var json: String {
        var json = JSONWriter()
        json.object { json in
            json.number("refunds", refunds)
            json.number("seed", seed)
            json.number("refunds_per_day", Self.refundsPerDay)
            json.array("schedules") { json in
                for month in months { json.object { json in write(month, to: &json) } }
            }
        }
        return json.text
    }

    private func write(_ month: Month, to json: inout JSONWriter) {
        let policy = month.schedule.policy
        json.string("name", month.schedule.name)
        json.string("initial_interval", policy.initialInterval.formatted)
        json.raw("multiplier", "\(policy.multiplier)")
        json.string("max_interval", policy.maxInterval.formatted)
        json.string("slow_after", policy.slowAfter.formatted)
        json.string("slow_interval", policy.slowInterval.formatted)
        json.number("most_queries", month.schedule.mostQueries)
        json.raw("peak_queries_per_day", "\(month.peakPerDay(refundsPerDay: Self.refundsPerDay))")
        json.raw("peak_queries_per_second", "\(month.peakPerSecond(refundsPerDay: Self.refundsPerDay))")
        write(month.all, "all", to: &json)
        for kind in PaymentKind.allCases { write(month.ofKind[kind] ?? Tally(), kind.rawValue, to: &json) }
    }

    private func write(_ tally: Tally, _ name: String, to json: inout JSONWriter) {
        json.object(name) { json in
            json.number("refunds", tally.queries.count)
            json.raw("queries_mean", "\(tally.meanQueries)")
            json.number("queries_p99", tally.queries.quantile(0.99))
            json.number("never_noticed", tally.neverNoticed)
            json.number("overdue", tally.overdue)
            for (name, part) in Self.quantiles {
                json.number("delay_\(name)_ms", tally.delays.quantile(part)?.wholeMilliseconds)
            }
        }
    }
}

extension String {
    /// Padded with spaces before it, or after it for a negative width.
    fileprivate func padded(to width: Int) -> String {
        let spaces = String(repeating: " ", count: max(0, abs(width) - count))
        return width < 0 ? self + spaces : spaces + self
    }
}

extension Double {
    fileprivate var oneDecimal: String {
        "\((self * 10).rounded() / 10)"
    }

    fileprivate var percent: String {
        (self * 100).oneDecimal + " %"
    }
}

extension Duration? {
    /// In a unit that leaves two digits or so, such as `5.3m`, `37s` or `16h`.
    fileprivate var brief: String {
        guard let seconds = self?.inSeconds else { return "-" }
        let units = [("d", 86_400.0), ("h", 3_600), ("m", 60)]
        let (unit, size) = units.first { seconds >= 1.5 * $0.1 } ?? ("s", 1)
        let value = seconds / size
        return (value < 10 ? value.oneDecimal : "\(Int(value.rounded()))") + unit
    }
}
