package import CoreMetrics
import RefundCore

/// Every metric that refundd exposes, each declared here and nowhere else.
///
/// To add one, add a case with its ``declaration`` and record it where it happens. Names follow
/// <https://prometheus.io/docs/practices/naming/>; OpenMetrics strips `_total`, so no gauge bears the name that is left
/// of a counter.
package enum Metric: String, CaseIterable, Sendable {
    case attention = "refundd_refunds_attention"
    case databaseReadable = "refundd_database_readable"
    case dueLag = "refundd_due_lag_seconds"
    case endpoints = "refundd_endpoints"
    case gatewayState = "refundd_gateway_state"
    case lastReloadSuccessful = "refundd_config_last_reload_successful"
    case oldestPending = "refundd_oldest_pending_seconds"
    case queries = "refundd_queries_total"
    case queryDuration = "refundd_query_duration_seconds"
    case refunds = "refundd_refunds"
    case schedulerProgress = "refundd_scheduler_progress_timestamp_seconds"
    case settleDuration = "refundd_settle_duration_seconds"
    case transitions = "refundd_transitions_total"
    case walBytes = "refundd_wal_bytes"
    case webhookAttempts = "refundd_webhook_attempts_total"
    case webhookDuration = "refundd_webhook_duration_seconds"
    case webhooks = "refundd_webhooks"

    var declaration: Declaration {
        switch self {
        case .attention: .gauge("Refunds that need attention, by reason.", [Label("attention", Attention.self)])
        case .databaseReadable: .gauge("1 if this scrape could read the queue. If 0, the queue's gauges are missing.")
        case .dueLag: .gauge("Time since the refund that is due longest became due.")
        case .endpoints:
            .gauge("Endpoints that are only probed, and disabled URLs.", [Label("state", ["open", "disabled"])])
        case .gatewayState:
            .gauge("1 for the state that a gateway is in, else 0.", [.gateway, Label("state", GatewayState.self)])
        case .lastReloadSuccessful: .gauge("0 if the last reload of the configuration failed, else 1.")
        case .oldestPending: .gauge("Age of the oldest refund without a verdict.")
        case .queries: .counter("Queries, by gateway and outcome.", [.gateway, .queryOutcome])
        case .queryDuration:
            .histogram("Time from sending a query to the end of its answer.", [.gateway], Self.exchange)
        case .refunds: .gauge("Refunds in the queue, by state.", [Label("state", RefundState.self)])
        case .schedulerProgress: .gauge("Unix time at which the scheduler last completed a cycle.")
        case .settleDuration:
            .histogram("Time from enqueueing a refund to the gateway's verdict.", [.gateway], Self.settling)
        case .transitions:
            .counter("Changes of a refund's state or attention.", [.fromState, Label("to", RefundState.self)])
        case .walBytes: .gauge("Size of the database's write-ahead log.")
        case .webhookAttempts:
            .counter("Attempts to deliver a webhook, by outcome.", [Label("outcome", AttemptOutcome.self)])
        case .webhookDuration: .histogram("Duration of an attempt to deliver a webhook.", [], Self.exchange)
        case .webhooks: .gauge("Webhooks in the outbox, by state.", [Label("state", WebhookState.self)])
        }
    }

    /// Seconds, from a receiver on the same machine to the longest timeout that makes sense.
    private static let exchange = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
    /// Seconds, from 10 s (a wallet) to 30 days (a bank transfer that an operator had to chase).
    private static let settling: [Double] = [
        10, 30, 60, 300, 1_800, 3_600, 21_600, 86_400, 259_200, 604_800, 2_592_000,
    ]
}

extension Metric {
    /// The values of `state` of ``gatewayState``.
    package enum GatewayState: String, CaseIterable, Sendable {
        case ok, probing, misconfigured
    }

    /// The values of `outcome` of ``webhookAttempts``.
    package enum AttemptOutcome: String, CaseIterable, Sendable {
        case delivered, failed, dead
    }

    /// Adds one to a counter.
    ///
    /// - Parameters:
    ///   - labels: A value for each declared label, in their order.
    ///   - factory: The backend.
    package func increment(_ labels: String..., in factory: any MetricsFactory) {
        Counter(label: rawValue, dimensions: dimensions(labels), factory: factory).increment()
    }

    /// Sets a gauge.
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
        /// The upper bounds of a histogram's buckets, in ascending order, without infinity.
        var bounds: [Double] = []

        static func counter(_ help: String, _ labels: [Label] = []) -> Self {
            Self(kind: .counter, help: help, labels: labels)
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

    /// A label with the values it may have; any other is shown as `other`, so that no text from outside makes series.
    struct Label {
        let name: String
        /// Nil for the names of the configured gateways.
        let values: [String]?

        init(_ name: String, _ values: [String]?) {
            self.name = name
            self.values = values
        }

        init<Values: CaseIterable & RawRepresentable>(_ name: String, _: Values.Type) where Values.RawValue == String {
            self.init(name, Values.allCases.map(\.rawValue))
        }

        static let gateway = Label("gateway", nil)
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
