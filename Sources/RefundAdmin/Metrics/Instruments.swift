import CoreMetrics
import Synchronization

/// One series: what is counted or measured under one name and one set of labels.
protocol Instrument: AnyObject, Sendable {
    /// The series' lines in the exposition.
    func samples(_ name: String, labels: String) -> String
}

/// A number that only grows.
final class CounterInstrument: Instrument, CounterHandler {
    private let value = Mutex(0.0)

    func increment(by amount: Int64) {
        // A counter that falls looks like a restart.
        guard amount > 0 else { return }
        value.withLock { $0 += Double(amount) }
    }

    func reset() {
        value.withLock { $0 = 0 }
    }

    func samples(_ name: String, labels: String) -> String {
        PrometheusText.sample(name, labels: labels, value.withLock { $0 })
    }
}

/// A number that rises and falls.
final class GaugeInstrument: Instrument, RecorderHandler {
    private let value = Mutex(0.0)

    func record(_ newValue: Int64) {
        record(Double(newValue))
    }

    func record(_ newValue: Double) {
        value.withLock { $0 = newValue }
    }

    func samples(_ name: String, labels: String) -> String {
        PrometheusText.sample(name, labels: labels, value.withLock { $0 })
    }
}

/// A distribution over fixed buckets, usually of seconds.
final class HistogramInstrument: Instrument, RecorderHandler, TimerHandler {
    private struct State {
        // One count per bound and one beyond the last; none includes the counts of lower buckets.
        var counts: [UInt64]
        var sum = 0.0
    }

    private let bounds: [Double]
    private let state: Mutex<State>

    /// Creates an empty histogram with the buckets' upper bounds in ascending order.
    init(bounds: [Double]) {
        self.bounds = bounds
        state = Mutex(State(counts: Array(repeating: 0, count: bounds.count + 1)))
    }

    func recordNanoseconds(_ duration: Int64) {
        record(Double(duration) / 1e9)
    }

    func record(_ value: Int64) {
        record(Double(value))
    }

    func record(_ value: Double) {
        // A negative value, as after a clock step, would make the sum fall, but the sum is a counter.
        guard value.isFinite, value >= 0 else { return }
        let bucket = bounds.firstIndex { value <= $0 } ?? bounds.count
        state.withLock { state in
            state.counts[bucket] += 1
            state.sum += value
        }
    }

    func samples(_ name: String, labels: String) -> String {
        let state = state.withLock { $0 }
        let separator = labels.isEmpty ? "" : ","
        var text = ""
        var total = 0.0
        for (bound, count) in zip(bounds + [.infinity], state.counts) {
            total += Double(count)
            let bucket = "\(labels)\(separator)le=\"\(PrometheusText.number(bound))\""
            text += PrometheusText.sample("\(name)_bucket", labels: bucket, total)
        }
        text += PrometheusText.sample("\(name)_sum", labels: labels, state.sum)
        return text + PrometheusText.sample("\(name)_count", labels: labels, total)
    }
}

/// The Prometheus text format, version 0.0.4.
///
/// Source: <https://github.com/prometheus/docs/blob/main/docs/instrumenting/exposition_formats.md>.
enum PrometheusText {
    /// The lines that precede a metric's samples.
    static func header(_ name: String, _ declaration: Metric.Declaration) -> String {
        "# HELP \(name) \(declaration.help)\n# TYPE \(name) \(declaration.kind.rawValue)\n"
    }

    /// Labels as they stand between braces.
    static func labels(_ labels: [(String, String)]) -> String {
        labels.map { "\($0)=\"\(escaped($1))\"" }.joined(separator: ",")
    }

    /// One sample's line.
    static func sample(_ name: String, labels: String, _ value: Double) -> String {
        labels.isEmpty ? "\(name) \(number(value))\n" : "\(name){\(labels)} \(number(value))\n"
    }

    /// A number as Go's `ParseFloat` reads it, whole numbers without a fraction.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        guard let whole = Int64(exactly: value), value.magnitude < 1e15 else { return "\(value)" }
        return "\(whole)"
    }

    private static func escaped(_ text: String) -> String {
        var escaped = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\", "\"": escaped += ["\\", scalar]
            case "\n": escaped += ["\\", "n"]
            default: escaped.append(scalar)
            }
        }
        return String(escaped)
    }
}
