package import CoreMetrics
import RefundCore

extension Metric {
    /// The values of `state` of ``gatewayState``.
    package enum GatewayState: String, CaseIterable, Sendable {
        case ok, probing, misconfigured, paused
    }

    /// The values of `outcome` of ``webhookAttempts``.
    package enum AttemptOutcome: String, CaseIterable, Sendable {
        case delivered, failed, dead
    }

    /// Adds to a counter.
    ///
    /// - Parameters:
    ///   - labels: A value for each declared label, in their order.
    ///   - count: How much to add.
    ///   - factory: The backend.
    package func increment(_ labels: String..., by count: Int = 1, in factory: any MetricsFactory) {
        Counter(label: rawValue, dimensions: dimensions(labels), factory: factory).increment(by: count)
    }

    /// Sets a gauge, or a counter whose value each scrape reads.
    package func set(_ value: Double, _ labels: String..., in factory: any MetricsFactory) {
        Gauge(label: rawValue, dimensions: dimensions(labels), factory: factory).record(value)
    }

    /// Records a duration in a histogram.
    package func record(_ duration: Duration, _ labels: String..., in factory: any MetricsFactory) {
        Recorder(label: rawValue, dimensions: dimensions(labels), factory: factory).record(duration / .seconds(1))
    }

    private func dimensions(_ values: [String]) -> [(String, String)] {
        zip(declaration.labels, values).map { ($0.name, $1) }
    }

    /// What a metric is, besides its name.
    struct Declaration {
        var kind: Kind
        var help: String
        var labels: [Label] = []
        /// Whether each scrape reads a counter's value, instead of adding to it.
        var isRead = false
        /// The upper bounds of a histogram's buckets, in ascending order, without infinity.
        var bounds: [Double] = []

        static func counter(_ help: String, _ labels: [Label] = []) -> Self {
            Self(kind: .counter, help: help, labels: labels)
        }

        /// A counter that something else keeps and each scrape reads.
        static func readCounter(_ help: String) -> Self {
            Self(kind: .counter, help: help, isRead: true)
        }

        static func gauge(_ help: String, _ labels: [Label] = []) -> Self {
            Self(kind: .gauge, help: help, labels: labels)
        }

        static func histogram(_ help: String, _ labels: [Label], _ bounds: [Double]) -> Self {
            Self(kind: .histogram, help: help, labels: labels, bounds: bounds)
        }
    }

    /// The kinds of metric, as a `# TYPE` line spells them.
    enum Kind: String {
        case counter, gauge, histogram
    }

    /// A label with its known values; any other is shown as `other`, so that no text from outside creates a series.
    struct Label {
        enum Values {
            case listed([String])
            /// The names of the configured gateways.
            case gateways
            /// Any value; the code that records it keeps their number small.
            case bounded
        }

        let name: String
        let values: Values

        init(_ name: String, _ values: Values) {
            self.name = name
            self.values = values
        }

        init(_ name: String, _ values: [String]) {
            self.init(name, .listed(values))
        }

        init<Values: CaseIterable & RawRepresentable>(_ name: String, _: Values.Type) where Values.RawValue == String {
            self.init(name, Values.allCases.map(\.rawValue))
        }

        /// The values that have a series from the start.
        func known(_ gateways: [String]) -> [String] {
            switch values {
            case .listed(let values): values
            case .gateways: gateways
            case .bounded: []
            }
        }

        /// A value as it is shown.
        func shown(_ value: String?, _ gateways: [String]) -> String {
            guard let value else { return "other" }
            if case .bounded = values { return value }
            return known(gateways).contains(value) ? value : "other"
        }

        static let gateway = Label("gateway", .gateways)
        static let fromState = Label("from", RefundState.allCases.filter { !$0.isFinal }.map(\.rawValue))
        static let queryOutcome = Label(
            "outcome",
            [
                "report", "not_found", "inconclusive", "credentials_refused", "unverified", "slowed_down",
                "unreachable",
                "interrupted",
            ]
        )
    }
}
