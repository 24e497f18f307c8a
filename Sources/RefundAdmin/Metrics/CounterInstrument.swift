import CoreMetrics
import Synchronization

/// A number that only grows, until it is reset.
final class CounterInstrument: Instrument, CounterHandler, FloatingPointCounterHandler {
    static let kind = MetricKind.counter

    private let value = Mutex(0.0)

    func increment(by amount: Int64) {
        increment(by: Double(amount))
    }

    /// Adds an amount; what would make the counter fall or lose its value is left out.
    func increment(by amount: Double) {
        guard amount.isFinite, amount > 0 else { return }
        value.withLock { $0 += amount }
    }

    func reset() {
        value.withLock { $0 = 0 }
    }

    func samples(name: String, labels: String) -> String {
        PrometheusText.sample(name, labels: labels, value.withLock { $0 })
    }
}
