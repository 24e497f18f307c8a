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
        daemon?.unknownGatewaysDue = nil
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
        guard let decision = try cycle(daemon) else { return wake(daemon, at: clock.time.advanced(by: .seconds(1))) }
        if crash == .afterCommit, !decision.effects.isEmpty { return try kill() }
        try require(!daemon.state.isDraining || decision.effects.isEmpty, "a draining daemon claims something")
        daemon.perform(decision, at: clock.wall)
        for effect in decision.effects {
            switch effect {
            case .query(let claim): try send(claim, from: daemon)
            case .deliver(let delivery): try send(delivery, from: daemon)
            }
        }
        if daemon.isDrained { return try end("the daemon is drained", isGraceful: true) }
        if let next = [decision.nextWake, try prune(decision, daemon)].compactMap(\.self).min() {
            wake(daemon, at: clock.time.advanced(by: max(next.duration(since: clock.wall), .zero)))
        }
        try wakeForUnknownGateways(daemon)
    }

    /// Takes a step of retention.
    ///
    /// - Returns: When to run again.
    private func prune(_ decision: Decision, _ daemon: SimulatedDaemon) throws -> Timestamp? {
        if let request = decision.pruning {
            let age = request.what == .webhooks ? scenario.retention.webhooks : scenario.retention.ledger
            let youngest = clock.time.advanced(by: .minutes(15) - (age ?? .zero))
            try require(request.until <= youngest, "retention prunes what the clock alone makes old")
        }
        let (events, next) = try daemon.prune(decision, at: clock.wall)
        for event in events {
            switch event {
            case .pruned(let rows):
                summary.pruned += rows.refunds + rows.bodies
                note("\(rows.refunds) refunds and \(rows.bodies) bodies are pruned")
            case .rejected(let what, let reason): throw Violation("the database rejected \(what): \(reason)")
            default: break
            }
        }
        return next
    }

    /// Runs one cycle.
    ///
    /// - Returns: The decision, or nil if another process kept it from being written.
    private func cycle(_ daemon: SimulatedDaemon) throws -> Decision? {
        summary.cycles += 1
        let results = daemon.results.queries
        let own = results.filter { !daemon.isOrphan($0.claim) }
        let decision: Decision
        let decidedAt: VirtualClock
        do {
            (decision, decidedAt) = try decide(daemon)
        } catch let error as StoreError where error.kind == .busy {
            note("the database is busy")
            return nil
        }
        if !daemon.hasOrphans { try checkOrder(decision.queries, after: results) }
        if decision.touchesLedger { for line in try ledger.check() { note(line) } }
        try check(decision, at: decidedAt, results, daemon)
        for result in own { try pacing.stored(result, fixture, daemon, decidedAt) }
        return decision
    }

    // While another process holds the lock, time passes before the decision and before anything is sent.
    private func decide(_ daemon: SimulatedDaemon) throws -> (Decision, at: VirtualClock) {
        var decidedAt = clock
        var wait = (before: Duration.zero, after: Duration.zero)
        if case .waits(let before, let after)? = lock { wait = (before, after) }
        // Without results, the first decision is made while only reading, which no lock holds up.
        var readings = daemon.results.queries.isEmpty && daemon.results.deliveries.isEmpty ? 1 : 0
        let decision = try daemon.cycle(clock, isBusy: isLockedOut) {
            if readings == 0 { clock.advance(to: clock.time.advanced(by: wait.before)) }
            readings -= 1
            decidedAt = clock
            return clock.wall
        }
        if readings < 0 {
            clock.advance(to: clock.time.advanced(by: wait.after))
            lock = nil
        }
        pacing.clockWasRead()
        return (decision, decidedAt)
    }

    /// Checks what nobody reported: what operators did, and what was not to be expected.
    func checkLedger() throws {
        for line in try ledger.check() { note(line) }
        try require(ledger.reportedIncidents.isEmpty, "\(ledger.reportedIncidents) are events that nobody reported")
    }

    // The scheduler's timer fires at least every 30 s. Of those cycles, only the ones that find refunds of gateways that
    // are not configured make a difference.
    private func wakeForUnknownGateways(_ daemon: SimulatedDaemon) throws {
        guard !daemon.state.isDraining else { return }
        let due = try daemon.unknownGatewaysDue.flatMap { $0 > clock.time ? $0 : nil } ?? nextUnknown(daemon)
        daemon.unknownGatewaysDue = due
        wake(daemon, at: due)
    }

    private func nextUnknown(_ daemon: SimulatedDaemon) throws -> Timestamp {
        let known = daemon.configuration.limits.keys.map { "'\($0)'" }.joined(separator: ", ")
        let next = try fixture.records(
            "min(next_query_at) AS due",
            "FROM refund_queue WHERE state IN ('pending', 'processing') AND gateway NOT IN (\(known))"
        )
        guard let due = next.first?.number("due") else { return clock.time.advanced(by: .days(1)) }
        let wait = max(Timestamp(milliseconds: due).duration(since: clock.wall), .zero)
        return clock.time.advanced(by: wait + .seconds(60))
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
                "id, next_query_at, merchant_no",
                """
                FROM refund_queue WHERE state IN ('pending', 'processing') AND leased_until IS NULL
                AND gateway = '\(gateway)' AND next_query_at BETWEEN 0 AND ?
                """,
                now
            ).filter { !released.contains($0.id) }
            let unclaimedTimes = unclaimed.map { $0.number("next_query_at") ?? 0 }
            try require(
                !zip(unclaimed, unclaimedTimes).contains { $1 > 0 && $1 < latest[$0["merchant_no"]] ?? 0 },
                "\(unclaimed) have been due longer than what is queried"
            )
            guard unhinted.count == claims.count, unclaimedTimes.contains(0), unclaimedTimes.contains(where: { $0 > 0 })
            else { continue }
            try require(abs(waiting * 2 - claims.count) <= 1, "new and waiting refunds do not share the permits")
        }
    }

    private func check(
        _ decision: Decision,
        at decidedAt: VirtualClock,
        _ results: [QueryResult],
        _ daemon: SimulatedDaemon
    ) throws {
        var incidents: [String] = []
        for event in decision.events {
            switch event {
            case .rejected(let what, let reason): throw Violation("the database rejected \(what): \(reason)")
            case .incident(let gateway, let incident):
                note("\(gateway) has an incident: \(incident.code)")
                incidents.append(gateway)
                try pacing.incidentBegan(gateway, incident.kind)
                try checkCause(of: incident, at: gateway)
            case .gatewayRecovered(let gateway):
                note("\(gateway) recovered")
                try pacing.incidentEnded(gateway, results)
            case .urlDisabled(let delivery, _):
                note("\(delivery.url) is disabled")
                receivers.disabled.insert(delivery.url)
            case .attempted(let delivery, _, .retry(let time), _) where !daemon.isOrphan(delivery):
                let wait = time.duration(since: decidedAt.wall)
                pacing.retryPlanned(delivery, decidedAt.time.advanced(by: wait))
            case .releasedClaims(let count): try released(count, daemon)
            default: break
            }
        }
        guard decision.touchesLedger else { return try require(incidents.isEmpty, "\(incidents) are not recorded") }
        try require(incidents == ledger.reportedIncidents, "\(incidents) are reported as \(ledger.reportedIncidents)")
    }

    // However many refunds of a merchant are refused, that is one cause, which a daemon reports at most once.
    private func checkCause(of incident: GatewayIncident, at name: String) throws {
        guard incident.kind == .misconfigured, clock.isRight, let daemon, let gateway = gateways[name],
            gateway.refusedMerchant.condition(at: clock.time) != nil
        else { return }
        let start = gateway.refusedMerchant.periodStart(at: clock.time)
        let since = max(start, daemon.startedAt, daemon.configuredAt, clock.lastSet)
        guard let healthy = gateway.healthySince(at: clock.time), healthy.advanced(by: .minutes(1)) <= since else {
            return
        }
        try require(
            refusalsReported[name] != since,
            "the refusal of one merchant by \(name) is reported as its incident twice"
        )
        refusalsReported[name] = since
    }

    // A claim lasts longer than any send, unless the clock is set or the rows are older ones.
    private func released(_ count: Int, _ daemon: SimulatedDaemon) throws {
        note("\(count) claims are released")
        let last = max(clock.lastSet, restoredAt)
        try require(clock.time.duration(since: last) < .minutes(2), "\(count) claims ran out")
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
        // A second signal, or a short limit, cuts off what is in flight.
        let limit = random.pick([Duration.zero, .milliseconds(random.integer(1...3_000)), .seconds(20)])
        note("the daemon drains for \(limit)")
        daemon.drain()
        crashMaybe()
        wake(daemon, at: clock.time)
        after(limit) {
            guard daemon === self.daemon else { return }
            try self.interrupt(daemon)
        }
    }

    private func interrupt(_ daemon: SimulatedDaemon) throws {
        let (refunds, webhooks) = daemon.interrupt(clock)
        summary.interruptions += refunds.count + webhooks.count
        let before = try attempts(refunds, webhooks)
        let isWritten = try cycle(daemon) != nil
        if isWritten, clock.time.duration(since: max(restoredAt, clock.lastSet)) > .minutes(2) {
            try require(try attempts(refunds, webhooks) == before, "what was interrupted counts as an attempt")
        }
        try end("the daemon ran out of time to drain", isGraceful: isWritten)
    }

    private func attempts(_ refunds: [Int64], _ webhooks: [String]) throws -> [[String?]] {
        let ids = refunds.map(String.init).joined(separator: ", ")
        let names = webhooks.map { "'\($0)'" }.joined(separator: ", ")
        return try fixture.rows(
            "SELECT id, attempts, next_query_at, last_query_at FROM refund_queue WHERE id IN (\(ids)) ORDER BY id"
        ) + fixture.rows("SELECT id, attempts FROM refund_outbox WHERE id IN (\(names)) ORDER BY id")
    }

    private func end(_ how: String, isGraceful: Bool) throws {
        crash = nil
        guard let daemon else { return }
        note(how)
        pacing.daemonEnded()
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
        // Claims of the daemon that the copy is from have yet to run out.
        guard clock.time.duration(since: restoredAt) > .minutes(2) else { return }
        for table in ["refund_queue", "refund_outbox"] {
            let claims = try fixture.records(
                "id, state, lease, leased_until",
                "FROM \(table) WHERE leased_until IS NOT NULL"
            )
            try require(claims.isEmpty, "a daemon that shut down leaves claims in \(table): \(claims)")
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

extension Decision {
    /// Whether it adds rows to the ledger or to the events.
    fileprivate var touchesLedger: Bool {
        writes.contains { write in
            switch write.action {
            case .change, .incident: true
            default: false
            }
        }
    }
}
