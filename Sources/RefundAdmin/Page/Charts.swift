import Glibc
import RefundCore
import RefundStore

private let width = 640.0
private let labels = 140.0

private func number(_ value: Double) -> String { "\(Int(value.rounded()))" }

/// The horizontal position of a time on the logarithmic scale.
private func position(_ seconds: Double) -> Double {
    let share = log10(min(max(seconds, 1), 2_592_000)) / log10(2_592_000)
    return labels + share * (width - labels - 8)
}

/// The charts of the page, as inline SVG. Colours come from the style sheet's classes, since the content security policy
/// forbids `style` attributes. Each chart has a table beside it with the same figures.
extension HTML {
    /// Bars of the refunds without a verdict, by age.
    mutating func ageChart(_ counts: [Int]) {
        let most = Double(max(counts.max() ?? 0, 1))
        chart("Refunds without a verdict, by age", rows: counts.count) { html in
            for (row, (label, count)) in zip(WaitingMoney.ages, counts).enumerated() {
                let y = Double(row) * 28 + 4
                html.tag("text", ["x": "0", "y": number(y + 15)], label)
                let length = Double(count) / most * (width - labels - 90)
                html.tag(
                    "rect",
                    [
                        "class": "bar", "x": number(labels), "y": number(y), "height": "20", "rx": "2",
                        "width": number(count > 0 ? max(length, 2) : 0),
                    ]
                ) { _ in }
                html.tag("text", ["x": number(labels + length + 8), "y": number(y + 15)], count.grouped)
            }
        }
    }

    /// The range of settle times of each gateway on a logarithmic scale from a second to 30 days: a line from the median
    /// to the 99th percentile, with a mark at each and at the 90th.
    mutating func settleChart(_ gateways: [(name: String, times: SettleTimes)]) {
        let ticks: [(String, Double)] = [
            ("1 s", 1), ("1 min", 60), ("1 h", 3_600), ("1 d", 86_400), ("30 d", 2_592_000),
        ]
        let height = Double(gateways.count) * 28
        chart("Time to a verdict: median, 90th and 99th percentile", rows: gateways.count + 1) { html in
            for (label, seconds) in ticks {
                let x = position(seconds)
                html.line("axis", x, 0, x, height)
                let anchor = seconds > 1_000_000 ? "end" : "middle"
                html.tag("text", ["x": number(x), "y": number(height + 18), "text-anchor": anchor], label)
            }
            for (row, gateway) in gateways.enumerated() {
                let y = Double(row) * 28 + 14
                html.tag("text", ["x": "0", "y": number(y + 5)], gateway.name.sanitized(maxLength: 18))
                let points = [gateway.times.median, gateway.times.p90, gateway.times.p99].map { position($0.inSeconds) }
                html.line("mark", points[0], y, points[2], y)
                for x in points { html.line("mark", x, y - 7, x, y + 7) }
            }
        }
    }

    private mutating func chart(_ title: String, rows: Int, _ content: (inout HTML) -> Void) {
        let size = "0 0 \(number(width)) \(rows * 28)"
        tag("svg", ["viewBox": size, "width": number(width), "role": "img", "aria-label": title], content)
    }

    private mutating func line(_ kind: String, _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double) {
        let ends: KeyValuePairs<StaticString, String> = [
            "class": kind, "x1": number(x1), "y1": number(y1), "x2": number(x2), "y2": number(y2),
        ]
        tag("line", ends) { _ in }
    }
}

/// Percentiles of the time from enqueueing a refund to its verdict.
struct SettleTimes: Hashable {
    var count: Int
    var median: Duration
    var p90: Duration
    var p99: Duration

    /// Computes the percentiles; nil without a time.
    init?(_ times: [Duration]) {
        guard !times.isEmpty else { return nil }
        let sorted = times.sorted()
        func percentile(_ share: Double) -> Duration {
            sorted[min(Int((share * Double(sorted.count)).rounded(.up)) - 1, sorted.count - 1)]
        }
        (count, median, p90, p99) = (sorted.count, percentile(0.5), percentile(0.9), percentile(0.99))
    }
}

extension WaitingMoney {
    /// The names of the ages, youngest first.
    static let ages = ["under 1 h", "1 h to 1 day", "1 to 3 days", "over 3 days"]
}
