import RefundCore
import RefundStore
import RefundStoreConformance

@testable import RefundScheduler

/// Checks the whole queue while the daemon runs: no refund is silently forgotten, and none starves.
struct ContinuousInvariants {
    /// How long recovery takes once the last fault is over: probes of a gateway or receiver that was away.
    static let recovery: Duration = .minutes(10)

    let fixture: any SimulationFixture
    let gateways: [String: SimulatedGateway]
    let receivers: ReceiverPool
    let daemon: SimulatedDaemon
    let application: SimulatedApplication
    let simulatedOperator: SimulatedOperator
    let pauses: SimulatedPauses
    let pacing: PacingInvariants
    let clock: VirtualClock
    let restoredAt: Timestamp
    let unlockedAt: Timestamp

    func check() throws {
        let open = try fixture.records(
            "id, gateway, attention, attempts, created_at, next_query_at, leased_until",
            "FROM refund_queue WHERE state IN ('pending', 'processing')"
        )
        for row in open {
            try checkClaim(row)
            try checkAttention(row)
            try checkDue(row, openCount: open.count)
        }
        try checkWebhooks()
    }

    /// Since when nothing has changed that the daemon needs time to adapt to.
    private var steadySince: Timestamp {
        max(daemon.startedAt, daemon.configuredAt, clock.lastSet, restoredAt, unlockedAt)
    }

    private func isSteady(for duration: Duration, _ others: Timestamp...) -> Bool {
        others.reduce(steadySince, max).advanced(by: duration) <= clock.time
    }

    // The claims in an older copy of the database end by themselves.
    private var isRestored: Bool { clock.time.duration(since: restoredAt) < .minutes(2) }

    // A claim that nothing in flight stands behind would never end.
    private func checkClaim(_ row: Record) throws {
        let isClaimed = row.number("leased_until") != nil
        let isInFlight = daemon.queries[row["gateway"]]?[row.id] != nil
        guard !isClaimed || !isRestored else { return }
        try require(
            isClaimed == isInFlight,
            "#\(row.id) is \(isClaimed ? "" : "not ")claimed and its query is \(isInFlight ? "" : "not ")in flight"
        )
    }

    private func checkAttention(_ row: Record) throws {
        let attention = row.text("attention")
        let age = clock.wall.duration(since: row.time("created_at"))
        let polling = daemon.configuration.polling
        if age >= polling.attentionAfter + .minutes(2), isSteady(for: .minutes(2)) {
            try require(
                attention != nil && attention != "undeliverable",
                "#\(row.id) is \(age) old and needs no attention"
            )
        }
        if daemon.configuration.limits[row["gateway"]] == nil, age >= .minutes(2),
            let freeSince = pauses.freeSince(.gateway(row["gateway"])),
            isSteady(for: polling.longestDelay + .minutes(2), freeSince)
        {
            try require(
                ["misconfigured", "mismatch"].contains(attention),
                "#\(row.id) has no gateway and needs no attention"
            )
        }
    }

    private func checkDue(_ row: Record, openCount: Int) throws {
        guard row.number("leased_until") == nil else { return }
        let name = row["gateway"]
        let due = max(row.time("next_query_at"), simulatedOperator.wanted[row.id] ?? row.time("created_at"))
        guard daemon.configuration.limits[name] == nil else {
            return try checkLateness(row.id, at: name, due: due, attempts: row.number("attempts"), openCount: openCount)
        }
        guard let freeSince = pauses.freeSince(.gateway(name)), isSteady(for: .minutes(2), freeSince) else { return }
        let late = clock.wall.duration(since: due)
        try require(late <= .minutes(2), "#\(row.id) is forgotten, its gateway unknown")
    }

    /// Checks that a refund is not queried later than its gateway and the limits allow.
    func checkLateness(_ id: Int64, at name: String, due: Timestamp, attempts: Int64?, openCount: Int) throws {
        guard let limits = daemon.configuration.limits[name], let gateway = gateways[name], clock.isRight,
            let merchant = application.script(of: id)?.merchantNo,
            let servesSince = gateway.servesSince(merchant, at: clock.time),
            let freeSince = pauses.freeSince(.gateway(name)), isSteady(for: Self.recovery, servesSince, freeSince)
        else { return }
        let perSecond = min(limits.maxQueriesPerSecond, Double(limits.maxInFlight) / 2)
        var bound = Duration.seconds(60) + .seconds(2 * Double(openCount) / perSecond)
        // If only refunds of a refused merchant were due for a while, they are probed in turn with the others.
        let isIncident = daemon.state.gateways[name]?.health.incident != nil
        if isIncident { bound += GatewayHealth.probeInterval * openCount }
        let late = clock.wall.duration(since: due)
        try require(late <= bound, "#\(id) has been due for \(late) though \(name) is healthy")
        if let due = pacing.due(refund: id, attempts: attempts) {
            let late = clock.time.duration(since: due)
            try require(late <= bound, "#\(id) should have been due \(late) ago, whatever the clock says")
        }
    }

    private func checkWebhooks() throws {
        let pending = try fixture.records(
            "id, url, next_attempt_at, leased_until",
            "FROM refund_outbox WHERE state = 'pending'"
        )
        for row in pending {
            let id = row["id"]
            let isClaimed = row.number("leased_until") != nil
            if !isClaimed || !isRestored {
                try require(
                    isClaimed == (daemon.deliveries[id] != nil),
                    "webhook \(id): nothing in flight stands behind its claim"
                )
            }
            guard !isClaimed, daemon.configuration.hasSecret,
                let healthySince = receivers.receiver(of: row["url"])?.healthySince(at: clock.time),
                let freeSince = pauses.freeSince(.endpoint(HTTPURL.endpoint(of: row["url"]))),
                isSteady(for: Self.recovery, healthySince, freeSince)
            else { continue }
            let late = clock.wall.duration(since: row.time("next_attempt_at"))
            try require(late <= .minutes(2), "webhook \(id) has been due for \(late) though its receiver is healthy")
            if let due = pacing.due(webhook: id) {
                let late = clock.time.duration(since: due)
                try require(late <= .minutes(2), "webhook \(id) should have been due \(late) ago")
            }
        }
    }
}
