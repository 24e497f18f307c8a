package import CoreMetrics
import Synchronization

/// A backend for swift-metrics that shows every metric as Prometheus text.
///
/// Counters become counters, gauges and meters gauges, timers and recorders histograms; timers are in seconds. Names
/// are shown as the program wrote them, with what Prometheus does not allow replaced by `_`, so units and suffixes
/// (`_seconds`, `_total`) belong into the name. Making an instrument twice gives the same instrument. A name that is
/// in use for another kind of metric gives an instrument that is not shown, because two kinds under one name would
/// make the whole exposition unreadable.
package final class PrometheusRegistry: MetricsFactory, Sendable {
    private struct Storage {
        var families: [String: MetricFamily] = [:]
        var help: [String: String] = [:]
        // What was asked for before, under the very words: programs ask anew each time they count.
        var asked: [[String]: any Instrument] = [:]
    }

    // As many as labels with few values make; beyond that asking costs what it costs.
    private static let mostRemembered = 1_000

    private let storage = Mutex(Storage())

    /// Creates an empty registry.
    package init() {}

    /// Sets the help text of the metric called `name`, before or after the metric is first used.
    package func describe(_ name: String, help: String) {
        storage.withLock { $0.help[PrometheusText.metricName(name)] = help }
    }

    /// The exposition of every metric, families and labels in alphabetical order.
    ///
    /// Its content type is `text/plain; version=0.0.4; charset=utf-8`.
    package func text() -> String {
        let (families, help) = storage.withLock { ($0.families, $0.help) }
        return families.sorted { $0.key < $1.key }
            .map { $0.value.text(name: $0.key, help: help[$0.key]) }
            .joined()
    }

    /// Makes or finds a counter.
    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        instrument(label, dimensions, CounterInstrument.self)
    }

    /// Makes or finds a counter of fractions.
    package func makeFloatingPointCounter(
        label: String,
        dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        instrument(label, dimensions, CounterInstrument.self)
    }

    /// Makes or finds a gauge.
    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        instrument(label, dimensions, GaugeInstrument.self)
    }

    /// Makes or finds a histogram, or a gauge where nothing is to be aggregated.
    package func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        guard aggregate else { return instrument(label, dimensions, GaugeInstrument.self) }
        return instrument(label, dimensions, HistogramInstrument.self)
    }

    /// Makes or finds a histogram of seconds.
    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        instrument(label, dimensions, HistogramInstrument.self)
    }

    /// Forgets a counter: it is no longer shown.
    package func destroyCounter(_ handler: any CounterHandler) { forget(handler) }

    /// Forgets a counter of fractions: it is no longer shown.
    package func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) { forget(handler) }

    /// Forgets a gauge: it is no longer shown.
    package func destroyMeter(_ handler: any MeterHandler) { forget(handler) }

    /// Forgets a histogram or gauge: it is no longer shown.
    package func destroyRecorder(_ handler: any RecorderHandler) { forget(handler) }

    /// Forgets a histogram of seconds: it is no longer shown.
    package func destroyTimer(_ handler: any TimerHandler) { forget(handler) }

    /// Forgets every gauge called `name`: they are no longer shown.
    package func forgetGauges(_ name: String) {
        let name = PrometheusText.metricName(name)
        storage.withLock { storage in
            guard storage.families[name]?.kind == .gauge else { return }
            storage.families[name] = nil
            storage.asked = [:]
        }
    }

    private func instrument<Made: Instrument>(_ name: String, _ dimensions: [(String, String)], _: Made.Type) -> Made {
        let words = dimensions.reduce(into: [name]) { $0 += [$1.0, $1.1] }
        return storage.withLock { storage in
            if let known = storage.asked[words] as? Made { return known }
            let made = make(name, dimensions, Made.self, &storage)
            if storage.asked.count < Self.mostRemembered { storage.asked[words] = made }
            return made
        }
    }

    private func make<Made: Instrument>(
        _ name: String,
        _ dimensions: [(String, String)],
        _: Made.Type,
        _ storage: inout Storage
    ) -> Made {
        let name = PrometheusText.metricName(name)
        let labels = PrometheusText.labels(dimensions)
        var family = storage.families[name] ?? MetricFamily(kind: Made.kind)
        if let known = family.instruments[labels] as? Made { return known }
        let made = Made()
        guard family.kind == Made.kind else { return made }
        family.instruments[labels] = made
        storage.families[name] = family
        return made
    }

    private func forget(_ handler: AnyObject) {
        storage.withLock { storage in
            storage.asked = [:]
            for (name, family) in storage.families {
                guard let entry = family.instruments.first(where: { $0.value === handler }) else { continue }
                storage.families[name]?.instruments[entry.key] = nil
                if family.instruments.count == 1 { storage.families[name] = nil }
                return
            }
        }
    }
}
