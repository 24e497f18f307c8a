import CoreMetrics
import RefundAdmin
import RefundCore
import RefundScheduler
import RefundStore

/// The figures of the queue, counted when somebody asks for them, over a connection of their own.
struct QueueGauges: Sendable {
    let store: any QueueStore
    let registry: PrometheusRegistry
    let clock: any WallClock

    init(store: any QueueStore, registry: PrometheusRegistry, clock: any WallClock) {
        self.store = store
        self.registry = registry
        self.clock = clock
        for (name, help) in Self.help { registry.describe(name, help: help) }
    }

    private static let help = [
        ("refundd_database_readable", "Whether the queue could be counted; its gauges are missing where it could not."),
        ("refundd_refunds", "Refunds in the queue by state."),
        ("refundd_refunds_attention", "Refunds that need attention by reason."),
        ("refundd_oldest_pending_seconds", "Age of the oldest refund without a verdict."),
        ("refundd_due_lag_seconds", "How long the longest due refund has been due."),
        ("refundd_gateways_misconfigured", "Gateways that refuse our credentials or cannot be believed."),
        ("refundd_gateways_only_probed", "Gateways that are down or ask to be asked less."),
        ("refundd_webhooks", "Webhooks in the outbox by state."),
        ("refundd_endpoints", "Endpoints whose breaker is open, and disabled URLs."),
        ("refundd_wal_bytes", "Size of the database's write-ahead log."),
        ("refundd_queries_total", "Queries by gateway and outcome."),
        ("refundd_query_duration_seconds", "Time from a query to its answer, by gateway."),
        ("refundd_transitions_total", "Changes of state or attention."),
        ("refundd_webhooks_total", "Attempts to deliver a webhook by outcome."),
        ("refundd_webhook_duration_seconds", "Time an attempt to deliver a webhook took."),
    ]

    /// Counts and renders everything, which blocks on the database.
    func text() -> String {
        if let status = try? store.read({ tx throws(StoreError) in try tx.status(at: clock.now()) }) {
            set(status)
            gauge("refundd_database_readable", [], 1)
        } else {
            // Figures of another moment would be believed.
            for (name, _) in Self.help { registry.forgetGauges(name) }
            gauge("refundd_database_readable", [], 0)
        }
        return registry.text()
    }

    private func set(_ status: QueueStatus) {
        for (state, count) in status.states { gauge("refundd_refunds", [("state", state.rawValue)], Double(count)) }
        for (reason, count) in status.attention {
            gauge("refundd_refunds_attention", [("attention", reason.rawValue)], Double(count))
        }
        gauge("refundd_oldest_pending_seconds", [], status.oldestPending?.inSeconds ?? 0)
        gauge("refundd_due_lag_seconds", [], status.dueLag.inSeconds)
        gauge("refundd_gateways_misconfigured", [], Double(status.incidents.count))
        gauge("refundd_gateways_only_probed", [], Double(status.breakers.count))
        gauge("refundd_wal_bytes", [], Double(status.walBytes))
        for (state, count) in status.webhooks { gauge("refundd_webhooks", [("state", state.rawValue)], Double(count)) }
        gauge("refundd_endpoints", [("state", "open")], Double(status.endpoints.openCount))
        gauge("refundd_endpoints", [("state", "disabled")], Double(status.endpoints.disabledCount))
    }

    private func gauge(_ label: String, _ dimensions: [(String, String)], _ value: Double) {
        Gauge(label: label, dimensions: dimensions, factory: registry).record(value)
    }
}
