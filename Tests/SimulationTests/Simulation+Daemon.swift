import RefundCore
import RefundStore
import RefundStoreConformance
import RefundTestSupport

@testable import RefundScheduler

// The daemon's process: start, cycles, sends, and every way to end.
extension Simulation {
    func start() throws {
        guard daemon == nil else { return }
        note("the daemon starts")
        summary.lives += 1
        pacing.daemonStarted(configuration)
        let daemon = try SimulatedDaemon(
            try fixture.openStore(),
            configuration,
            scenario,
            clock,
            seed: random.next()
        )
        self.daemon = daemon
        wake(daemon, at: clock.time)
    }

    /// Another process committed something, which the daemon notices at once.
    func noticeCommit() {
        if let daemon { wake(daemon, at: clock.time.advanced(by: .milliseconds(random.integer(0...3)))) }
    }

    /// Lets a daemon run a cycle at a time, or earlier if one is planned already.
    func wake(_ daemon: SimulatedDaemon, at time: Timestamp) {
        if let planned = daemon.nextRun, planned <= time { return }
        daemon.nextRun = time
        queue.add(at: time) {
            guard daemon === self.daemon, daemon.nextRun == time else { return }
            daemon.nextRun = nil
            try self.run(daemon)
        }
    }

    private func run(_ daemon: SimulatedDaemon) throws {
        try countCycle(daemon)
        let decision = try cycle(daemon)
        if crash == .afterCommit, !decision.effects.isEmpty { return try kill() }
        try require(!daemon.state.isDraining || decision.effects.isEmpty, "a draining daemon claims something")
        for effect in decision.effects {
            switch effect {
            case .query(let claim): try send(claim, from: daemon)
            case .deliver(let delivery): try send(delivery, from: daemon)
            }
        }
        if daemon.isDrained { return try end("the daemon is drained", isGraceful: true) }
        if let next = decision.nextWake {
            wake(daemon, at: clock.time.advanced(by: max(next.duration(since: clock.wall), .zero)))
        }
        try wakeForUnknownGateways(daemon)
    }

    private func cycle(_ daemon: SimulatedDaemon) throws -> Decision {
        let results = daemon.results
        let decision = try daemon.cycle(clock)
        try checkOrder(decision.queries, after: results.queries)
        for line in try ledger.check() { note(line) }
        for result in results.queries { try pacing.stored(result, fixture, daemon, clock) }
        try check(decision.events, results.queries, daemon)
        return decision
    }

    // The scheduler's timer fires at least every 30 s. Of those cycles, only the ones that find refunds of gateways that
    // are not configured make a difference.
    private func wakeForUnknownGateways(_ daemon: SimulatedDaemon) throws {
        let known = daemon.configuration.limits.keys.map { "'\($0)'" }.joined(separator: ", ")
        let next = try fixture.records(
            "min(next_query_at) AS due",
            "FROM refund_queue WHERE state IN ('pending', 'processing') AND gateway NOT IN (\(known))"
        )
        guard !daemon.state.isDraining, let due = next.first?.number("due") else { return }
        let wait = max(Timestamp(milliseconds: due).duration(since: clock.wall), .zero)
        wake(daemon, at: clock.time.advanced(by: wait + .seconds(60)))
    }

    // A daemon that runs again and again while no time passes would burn a core for nothing.
    private func countCycle(_ daemon: SimulatedDaemon) throws {
        let isAtOnce = daemon.cyclesAtOnce.at == clock.time
        daemon.cyclesAtOnce = (isAtOnce ? daemon.cyclesAtOnce.count + 1 : 1, clock.time)
        try require(daemon.cyclesAtOnce.count < 20, "the scheduler spins")
    }

    // New and waiting refunds share the permits; among its own kind and merchant, nobody is passed over who has been due
    // longer. While a gateway is only probed, its refunds take turns instead.
    private func checkOrder(_ claims: [QueryClaim], after results: [QueryResult]) throws {
        let wanted = simulatedOperator.wanted
        // What a cycle releases is claimed by a later one.
        let released = Set(results.map(\.claim.refund.id))
        let now = clock.wall.milliseconds
        for (gateway, claims) in Dictionary(grouping: claims, by: \.refund.gateway)
        where !claims.contains(where: \.isProbe) {
            let unhinted = claims.filter { wanted[$0.refund.id] == nil }
            var (latest, waiting) = ([:] as [String: Int64], 0)
            for refund in unhinted.map(\.refund) {
                guard let due = refund.nextQueryAt?.milliseconds, due > 0, due <= now else { continue }
                latest[refund.merchantKey] = max(latest[refund.merchantKey] ?? 0, due)
                waiting += 1
            }
            let unclaimed = try fixture.records(
                "id, next_query_at, ifnull(merchant_no, '') AS merchant",
                """
                FROM refund_queue WHERE state IN ('pending', 'processing') AND leased_until IS NULL
                AND gateway = '\(gateway)' AND next_query_at BETWEEN 0 AND ?
                """,
                now
            ).filter { !released.contains($0.id) }
            let unclaimedTimes = unclaimed.map { $0.number("next_query_at") ?? 0 }
            try require(
                !zip(unclaimed, unclaimedTimes).contains { $1 > 0 && $1 < latest[$0["merchant"]] ?? 0 },
                "\(unclaimed) have been due longer than what is queried"
            )
            guard unhinted.count == claims.count, unclaimedTimes.contains(0), unclaimedTimes.contains(where: { $0 > 0 })
            else { continue }
            try require(abs(waiting * 2 - claims.count) <= 1, "new and waiting refunds do not share the permits")
        }
    }

    private func check(_ events: [SchedulerEvent], _ results: [QueryResult], _ daemon: SimulatedDaemon) throws {
        var incidents: [String] = []
        for event in events {
            switch event {
            case .rejected(let what, let reason): throw Violation("the database rejected \(what): \(reason)")
            case .incident(let gateway, let incident):
                note("\(gateway) has an incident: \(incident.code)")
                incidents.append(gateway)
                try pacing.incidentBegan(gateway, incident.kind)
            case .gatewayRecovered(let gateway):
                note("\(gateway) recovered")
                try pacing.incidentEnded(gateway, results)
            case .urlDisabled(let delivery, _):
                note("\(delivery.url) is disabled")
                receivers.disabled.insert(delivery.url)
            case .releasedClaims(let count): try released(count, daemon)
            default: break
            }
        }
        try require(incidents == ledger.reportedIncidents, "\(incidents) are reported as \(ledger.reportedIncidents)")
    }

    // A claim lasts longer than any send, unless the clock is set.
    private func released(_ count: Int, _ daemon: SimulatedDaemon) throws {
        note("\(count) claims are released")
        try require(clock.time.duration(since: clock.lastSet) < .minutes(2), "\(count) claims ran out")
        let refunds = try fixture.records("id", "FROM refund_queue WHERE leased_until IS NULL")
        let webhooks = try fixture.records("id", "FROM refund_outbox WHERE leased_until IS NULL")
        daemon.forget(queries: Set(refunds.map(\.id)), deliveries: Set(webhooks.map { $0["id"] }))
    }

    // MARK: - Ends

    func kill() throws {
        try end("the daemon is killed", isGraceful: false)
    }

    func drain() throws {
        guard let daemon, !daemon.state.isDraining else { return }
        note("the daemon drains")
        daemon.drain()
        wake(daemon, at: clock.time)
        after(.seconds(20)) {
            guard daemon === self.daemon else { return }
            daemon.interrupt(self.clock)
            _ = try self.cycle(daemon)
            try self.end("the daemon ran out of time to drain", isGraceful: true)
        }
    }

    private func end(_ how: String, isGraceful: Bool) throws {
        crash = nil
        guard let daemon else { return }
        note(how)
        let before = try CommittedRows(fixture)
        if isGraceful { try checkNoClaims() }
        daemon.close()
        self.daemon = nil
        let pause = random.chance(0.5) ? Duration.milliseconds(random.integer(0...3_000)) : .hours(random.number(0...9))
        after(pause) {
            try self.start()
            try before.check(self.fixture)
        }
    }

    private func checkNoClaims() throws {
        for table in ["refund_queue", "refund_outbox"] {
            let claims = try fixture.number("SELECT count(*) FROM \(table) WHERE leased_until IS NOT NULL")
            try require(claims == 0, "a daemon that shut down leaves \(claims) claims in \(table)")
        }
    }

    func reload(_ configuration: SimulatedConfiguration) throws {
        note("the configuration changes")
        self.configuration = configuration
        guard let daemon, !daemon.state.isDraining else { return }
        pacing.configurationChanged(configuration)
        try daemon.apply(configuration, clock)
        wake(daemon, at: clock.time)
    }
}
