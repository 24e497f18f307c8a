import Glibc
import RefundAdmin
import RefundCore
import RefundScheduler
import RefundStore
import Synchronization

/// Reads the queue's metrics at each scrape, over a connection of its own.
final class QueueGauges: Sendable {
    // The most endpoints with series of their own; their names come from applications.
    private static let endpoints = 50
    // The most ledger rows that one scrape searches for operators' changes.
    private static let changes = 20_000

    private let store: any QueueStore
    private let registry: MetricRegistry
    private let clock: any WallClock
    // The last ledger row that has been searched for operators' changes; the first scrape starts at the newest.
    private let lastTransition = Mutex<Int64?>(nil)

    init(store: any QueueStore, registry: MetricRegistry, clock: any WallClock) {
        self.store = store
        self.registry = registry
        self.clock = clock
    }

    /// Renders all metrics; blocks on the database.
    func text() -> String {
        let scrape = registry.scrape()
        ProcessMetrics.read(into: scrape)
        let result = try? store.read { tx throws(StoreError) in
            (try tx.status(at: clock.now()), try tx.endpointBacklogs())
        }
        Metric.databaseReadable.set(result == nil ? 0 : 1, in: scrape)
        if let (status, backlogs) = result {
            set(status, in: scrape)
            set(backlogs, in: scrape)
            countOperatorChanges()
        }
        return registry.text(with: scrape)
    }

    private func set(_ status: QueueStatus, in scrape: MetricRegistry) {
        for (state, count) in status.states { Metric.refunds.set(Double(count), state.rawValue, in: scrape) }
        for (reason, count) in status.attention { Metric.attention.set(Double(count), reason.rawValue, in: scrape) }
        for (state, count) in status.webhooks { Metric.webhooks.set(Double(count), state.rawValue, in: scrape) }
        // A file has no list of them, and is served by the one that says so.
        Metric.daemons.set(Double(max(status.daemons.count, 1)), in: scrape)
        Metric.walBytes.set(Double(status.walBytes), in: scrape)
        Metric.databaseBytes.set(Double(status.fileBytes), in: scrape)
        Metric.databaseFreeBytes.set(Double(status.freeBytes), in: scrape)
        if let bytes = diskAvailable { Metric.diskAvailableBytes.set(bytes, in: scrape) }
        Metric.endpoints.set(Double(status.endpoints.openCount), "open", in: scrape)
        Metric.endpoints.set(Double(status.endpoints.disabledCount), "disabled", in: scrape)
        Metric.endpoints.set(Double(status.pauses.keys.count { $0.kind == .endpoint }), "paused", in: scrape)
        setOldest(status.oldestByGateway, in: scrape)
        for gateway in registry.gateways {
            // Nobody queries the refunds of other gateways: they need attention, and would never stop being due.
            Metric.dueLag.set(status.dueLags[gateway]?.inSeconds ?? 0, gateway, in: scrape)
            let current: Metric.GatewayState =
                switch status.condition(of: gateway).kind {
                case .paused: .paused
                case .misconfigured, .unreachable: .misconfigured
                case .probed: .probing
                case .lapsed, .failing, .answering, .unqueried: .ok
                }
            for state in Metric.GatewayState.allCases {
                Metric.gatewayState.set(state == current ? 1 : 0, gateway, state.rawValue, in: scrape)
            }
            if let time = status.sightings[gateway]?.lastVerified {
                Metric.lastVerified.set(Double(time.milliseconds) / 1_000, gateway, in: scrape)
            }
        }
    }

    // Zero for configured gateways without such a refund; `other` shows the oldest of all other gateways.
    private func setOldest(_ ages: [String: Duration], in scrape: MetricRegistry) {
        let known = Set(registry.gateways)
        for gateway in known { Metric.oldestPending.set(ages[gateway]?.inSeconds ?? 0, gateway, in: scrape) }
        let others = ages.filter { !known.contains($0.key) }.values.max()
        if let others { Metric.oldestPending.set(others.inSeconds, "other", in: scrape) }
    }

    private func set(_ backlogs: [EndpointBacklog], in scrape: MetricRegistry) {
        var others = EndpointBacklog(endpoint: "other")
        for backlog in backlogs.dropFirst(Self.endpoints) {
            others.waiting += backlog.waiting
            others.dead += backlog.dead
        }
        for backlog in backlogs.prefix(Self.endpoints) + (backlogs.count > Self.endpoints ? [others] : []) {
            Metric.endpointWebhooks.set(Double(backlog.waiting), backlog.endpoint, "pending", in: scrape)
            Metric.endpointWebhooks.set(Double(backlog.dead), backlog.endpoint, "dead", in: scrape)
        }
    }

    // Operators' commands run in processes of their own; the ledger is where the daemon learns of them.
    private func countOperatorChanges() {
        lastTransition.withLock { last in
            guard let start = last else {
                last = try? store.read { tx throws(StoreError) in try tx.lastTransition() }
                return
            }
            let found = try? store.read { tx throws(StoreError) in
                try tx.operatorChanges(after: start, limit: Self.changes)
            }
            guard let found else { return }
            for change in found.changes { Metric.transitions.increment(change.from, change.to, in: registry) }
            last = found.last
        }
    }

    private var diskAvailable: Double? {
        var disk = statvfs()
        guard unsafe statvfs(store.location, &disk) == 0 else { return nil }
        return Double(disk.f_bavail) * Double(disk.f_frsize)
    }
}
