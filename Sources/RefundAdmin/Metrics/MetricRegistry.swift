package import CoreMetrics
import Synchronization

/// The backend of swift-metrics: holds the series of each ``Metric`` and renders them as Prometheus text.
///
/// Counters and histograms exist from the start with the value 0, since `increase()` misses a series' first event.
/// Undeclared metrics, and declared ones of another kind, get an instrument that is never shown.
package final class MetricRegistry: MetricsFactory, Sendable {
    private struct State {
        var gateways: [String]
        // By metric, then by the values of its labels as they are shown.
        var series: [Metric: [[String]: any Instrument]] = [:]
    }

    private let state: Mutex<State>

    /// Creates a registry.
    ///
    /// - Parameter gateways: The names of the configured gateways.
    package convenience init(gateways: [String] = []) {
        self.init(empty: gateways)
        setGateways(gateways)
    }

    private init(empty gateways: [String]) {
        state = Mutex(State(gateways: gateways))
    }

    /// The names of the configured gateways, the values of the label `gateway`.
    package var gateways: [String] { state.withLock { $0.gateways } }

    /// Applies the names of the gateways of a new configuration.
    package func setGateways(_ gateways: [String]) {
        state.withLock { state in
            state.gateways = gateways
            for metric in Metric.allCases where metric.declaration.kind != .gauge && !metric.declaration.isRead {
                let combinations = metric.declaration.labels.reduce([[]]) { rows, label in
                    rows.flatMap { row in label.known(gateways).map { row + [(label.name, $0)] } }
                }
                for labels in combinations { _ = Self.instrument(metric, labels, &state) }
            }
        }
    }

    /// An empty registry for one scrape's gauges, so that no earlier reading is ever shown.
    package func scrape() -> MetricRegistry {
        MetricRegistry(empty: gateways)
    }

    /// The exposition of every metric, ordered by name and labels, together with a scrape's own gauges.
    ///
    /// Its content type is `text/plain; version=0.0.4; charset=utf-8`.
    package func text(with scrape: MetricRegistry? = nil) -> String {
        var series = state.withLock { $0.series }
        if let scrape { series.merge(scrape.state.withLock { $0.series }) { $1 } }
        return series.sorted { $0.key.rawValue < $1.key.rawValue }.map { metric, series in
            let names = metric.declaration.labels.map(\.name)
            let labelled = series.map { values, instrument in
                (labels: PrometheusText.labels(Array(zip(names, values))), instrument: instrument)
            }
            return PrometheusText.header(metric.rawValue, metric.declaration)
                + labelled.sorted { $0.labels < $1.labels }.map { $1.samples(metric.rawValue, labels: $0) }.joined()
        }.joined()
    }

    /// Finds or makes a counter.
    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        instrument(label, dimensions) as? CounterInstrument ?? CounterInstrument()
    }

    /// Finds or makes a gauge, or a histogram if values are to be aggregated.
    package func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        let instrument = instrument(label, dimensions)
        if aggregate { return instrument as? HistogramInstrument ?? HistogramInstrument(bounds: []) }
        return instrument as? GaugeInstrument ?? GaugeInstrument()
    }

    /// Finds or makes a histogram of seconds.
    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        instrument(label, dimensions) as? HistogramInstrument ?? HistogramInstrument(bounds: [])
    }

    /// Does nothing: what is declared stays.
    package func destroyCounter(_ handler: any CounterHandler) {}

    /// Does nothing: what is declared stays.
    package func destroyRecorder(_ handler: any RecorderHandler) {}

    /// Does nothing: what is declared stays.
    package func destroyTimer(_ handler: any TimerHandler) {}

    private func instrument(_ name: String, _ dimensions: [(String, String)]) -> (any Instrument)? {
        guard let metric = Metric(rawValue: name) else { return nil }
        return state.withLock { Self.instrument(metric, dimensions, &$0) }
    }

    private static func instrument(
        _ metric: Metric,
        _ dimensions: [(String, String)],
        _ state: inout State
    ) -> any Instrument {
        let declaration = metric.declaration
        let values = declaration.labels.map { label in
            label.shown(dimensions.first { $0.0 == label.name }?.1, state.gateways)
        }
        if let known = state.series[metric]?[values] { return known }
        let made: any Instrument =
            switch declaration.kind {
            case .counter: declaration.isRead ? GaugeInstrument() : CounterInstrument()
            case .gauge: GaugeInstrument()
            case .histogram: HistogramInstrument(bounds: declaration.bounds)
            }
        state.series[metric, default: [:]][values] = made
        return made
    }
}
