import CoreMetrics
import Synchronization

/// A distribution of values over fixed buckets, which suit durations in seconds.
final class HistogramInstrument: Instrument, RecorderHandler, TimerHandler {
    static let kind = MetricKind.histogram

    /// The upper bounds, from a lookup in memory to a gateway that hardly answers.
    static let bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

    private struct State {
        // One count per bound and one above them all, each of its own bucket alone; summed up when shown.
        var counts = [UInt64](repeating: 0, count: bounds.count + 1)
        var sum = 0.0
    }

    private let state = Mutex(State())

    func recordNanoseconds(_ duration: Int64) {
        // A negative duration is a clock's mistake; it would make the sum, which is a counter, fall.
        guard duration >= 0 else { return }
        record(Double(duration) / 1e9)
    }

    func record(_ value: Int64) {
        record(Double(value))
    }

    func record(_ value: Double) {
        guard value.isFinite else { return }
        let bucket = Self.bounds.firstIndex { value <= $0 } ?? Self.bounds.count
        state.withLock { state in
            state.counts[bucket] += 1
            state.sum += value
        }
    }

    func samples(name: String, labels: String) -> String {
        let state = state.withLock { $0 }
        let separator = labels.isEmpty ? "" : ","
        var text = ""
        var total = 0.0
        for (bound, count) in zip(Self.bounds + [.infinity], state.counts) {
            total += Double(count)
            let bucket = "\(labels)\(separator)le=\"\(PrometheusText.number(bound))\""
            text += PrometheusText.sample("\(name)_bucket", labels: bucket, total)
        }
        text += PrometheusText.sample("\(name)_sum", labels: labels, state.sum)
        text += PrometheusText.sample("\(name)_count", labels: labels, total)
        return text
    }
}
