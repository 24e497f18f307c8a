import RefundAdmin
import RefundCore
import RefundScheduler
import RefundStore

/// Reads the queue's gauges at each scrape, over a connection of its own.
struct QueueGauges: Sendable {
    let store: any QueueStore
    let registry: MetricRegistry
    let clock: any WallClock

    /// Renders all metrics; blocks on the database.
    func text() -> String {
        let scrape = registry.scrape()
        let status = try? store.read { tx throws(StoreError) in try tx.status(at: clock.now()) }
        Metric.databaseReadable.set(status == nil ? 0 : 1, in: scrape)
        if let status { set(status, in: scrape) }
        return registry.text(with: scrape)
    }

    private func set(_ status: QueueStatus, in scrape: MetricRegistry) {
        for (state, count) in status.states { Metric.refunds.set(Double(count), state.rawValue, in: scrape) }
        for (reason, count) in status.attention { Metric.attention.set(Double(count), reason.rawValue, in: scrape) }
        for (state, count) in status.webhooks { Metric.webhooks.set(Double(count), state.rawValue, in: scrape) }
        Metric.oldestPending.set(status.oldestPending?.inSeconds ?? 0, in: scrape)
        Metric.dueLag.set(status.dueLag.inSeconds, in: scrape)
        Metric.walBytes.set(Double(status.walBytes), in: scrape)
        Metric.endpoints.set(Double(status.endpoints.openCount), "open", in: scrape)
        Metric.endpoints.set(Double(status.endpoints.disabledCount), "disabled", in: scrape)
        for gateway in registry.gateways {
            let current: Metric.GatewayState =
                status.incidents[gateway] != nil ? .misconfigured : status.breakers[gateway] != nil ? .probing : .ok
            for state in Metric.GatewayState.allCases {
                Metric.gatewayState.set(state == current ? 1 : 0, gateway, state.rawValue, in: scrape)
            }
        }
    }
}
