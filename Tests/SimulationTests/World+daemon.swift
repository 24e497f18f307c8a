import GRDB
import RefundCore
import RefundTestSupport

@testable import RefundDaemon

// What the process does around its engine: start, cycles, sends, and every way to end.
extension World {
    func start() throws {
        guard daemon == nil else { return }
        note("the daemon starts")
        summary.lives += 1
        pace.daemonStarted(setup)
        let daemon = try SimulatedDaemon(
            path: database.path,
            setup: setup,
            scenario: scenario,
            clock: clock,
            random: SeededRandom(seed: random.next())
        )
        self.daemon = daemon
        wake(daemon, at: clock.time)
    }

    /// Another program committed something, which the daemon notices at once.
    func noticeCommit() {
        if let daemon { wake(daemon, at: clock.time.advanced(by: .milliseconds(random.integer(0...3)))) }
    }

    /// Lets a daemon run a cycle at a time, or earlier if one is planned already.
    func wake(_ daemon: SimulatedDaemon, at time: Timestamp) {
        if let planned = daemon.nextRun, planned <= time { return }
        daemon.nextRun = time
        agenda.add(at: time) {
            guard daemon === self.daemon, daemon.nextRun == time else { return }
            daemon.nextRun = nil
            try self.run(daemon)
        }
    }

    private func run(_ daemon: SimulatedDaemon) throws {
        try countRun(daemon)
        let arrivals = daemon.takeArrivals()
        let cycle = try daemon.engine.cycle(at: clock.wall, arrivals)
        try checkOrder(cycle, daemon)
        for line in try ledger.look() { note(line) }
        try checkWritten(arrivals, daemon)
        try check(cycle.notes, arrivals)
        if doom == .afterCommit, !cycle.queries.isEmpty || !cycle.deliveries.isEmpty { return try kill() }
        try promise(
            !daemon.engine.isDraining || cycle.queries.isEmpty && cycle.deliveries.isEmpty,
            "a daemon that drains claims something"
        )
        for (refund, query, send) in cycle.queries { try self.send(query, of: refund, by: send, from: daemon) }
        for (delivery, endpoint) in cycle.deliveries { try self.send(delivery, endpoint, from: daemon) }
        if daemon.engine.isDraining, daemon.engine.isIdle { return try end("the daemon is drained") }
        if let next = cycle.nextWake {
            wake(daemon, at: clock.time.advanced(by: max(next.duration(since: clock.wall), .zero)))
        }
    }

    // A daemon that runs again and again while no time passes would burn a core for nothing.
    private func countRun(_ daemon: SimulatedDaemon) throws {
        let isAtOnce = daemon.runsAtOnce.at == clock.time
        daemon.runsAtOnce = (isAtOnce ? daemon.runsAtOnce.count + 1 : 1, clock.time)
        try promise(daemon.runsAtOnce.count < 20, "the engine spins")
    }

    // Nobody is passed over who has been due longer; while a gateway is only probed, its refunds take turns instead.
    private func checkOrder(_ cycle: Cycle, _ daemon: SimulatedDaemon) throws {
        for (gateway, asked) in Dictionary(grouping: cycle.queries.map(\.refund), by: \.gateway) {
            guard daemon.engine.desks[gateway]?.isProbed == false, let latest = asked.compactMap(\.nextQueryAt).max()
            else { continue }
            let sql = """
                SELECT id FROM refund_queue WHERE state IN ('pending', 'processing') AND leased_until IS NULL
                AND gateway = ? AND next_query_at < ?
                """
            let passedOver = try database.rows(sql, [gateway, latest.milliseconds])
            try promise(passedOver.isEmpty, "\(passedOver) have been due longer than what is asked for")
        }
    }

    private func checkWritten(_ arrivals: Arrivals, _ daemon: SimulatedDaemon) throws {
        for answer in arrivals.answers {
            let rows = try database.rows("SELECT * FROM refund_queue WHERE id = ?", [answer.refund.id])
            for row in rows { try pace.written(answer, row, daemon.setup.polling, clock) }
        }
    }

    private func check(_ notes: [EngineNote], _ arrivals: Arrivals) throws {
        var troubles: [String] = []
        for engineNote in notes {
            switch engineNote {
            case .refused(let what, let reason): throw Violation("the database refused \(what): \(reason)")
            case .gatewayTrouble(let gateway, let trouble):
                note("\(gateway) is in trouble: \(trouble.code)")
                troubles.append(gateway)
                try pace.troubleBegan(gateway)
            case .gatewayRecovered(let gateway):
                note("\(gateway) recovered")
                try pace.troubleEnded(gateway, arrivals.answers)
            case .urlDisabled(let delivery, _):
                note("\(delivery.url) is disabled")
                mailroom.disabled.insert(delivery.url)
            default: break
            }
        }
        try promise(troubles == ledger.troublesTold, "troubles \(troubles) are told as \(ledger.troublesTold)")
    }

    // MARK: - Ends

    func kill() throws {
        try end("the daemon is killed")
    }

    func drain() throws {
        guard let daemon, !daemon.engine.isDraining else { return }
        note("the daemon drains")
        daemon.engine.isDraining = true
        wake(daemon, at: clock.time)
        after(.seconds(20)) {
            if daemon === self.daemon { try self.end("the daemon ran out of time to drain") }
        }
    }

    private func end(_ how: String) throws {
        doom = nil
        guard let daemon else { return }
        note(how)
        let before = try Snapshot(database)
        daemon.end()
        self.daemon = nil
        let pause = random.chance(0.5) ? Duration.milliseconds(random.integer(0...3_000)) : .hours(random.number(0...9))
        after(pause) {
            try self.start()
            try before.check(self.database)
        }
    }

    func reload(_ setup: Setup) throws {
        note("the configuration changes")
        self.setup = setup
        guard let daemon, !daemon.engine.isDraining else { return }
        pace.configurationChanged(setup)
        try daemon.reload(setup, clock)
        wake(daemon, at: clock.time)
    }
}
