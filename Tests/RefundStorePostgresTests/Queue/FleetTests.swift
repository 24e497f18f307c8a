import Glibc
import RefundCore
import RefundPostgres
import RefundStore
import RefundStoreConformance
import RefundStorePostgres
import RefundStorePostgresSupport
import Testing

/// Daemons that serve one queue together: who lives, and what becomes of what the others leave.
@Suite(.timeLimit(.minutes(2)))
struct FleetTests {
    private let database: PostgresFixture
    private let provider: PostgresProvider

    init() throws {
        database = try PostgresFixture()
        provider = PostgresProvider(database.settings)
    }

    /// What a daemon that was killed or stopped leaves: its row, and a claim of every refund and webhook.
    private func leave(_ id: Int, secondsAgo: Int) throws {
        try database.execute(
            """
            INSERT INTO refund_daemons (id, host, pid, version, started, seen)
            VALUES (\(id), 'far', 4711, '1', 0, refund_now() - \(secondsAgo * 1_000));
            UPDATE refund_queue SET leased_until = \(later(75).milliseconds), claimed_by = \(id), lease = lease + 1
            WHERE state = 'pending';
            UPDATE refund_outbox SET leased_until = \(later(75).milliseconds), claimed_by = \(id), lease = lease + 1
            """
        )
    }

    private var claimed: String {
        """
        SELECT (SELECT count(*) FROM refund_queue WHERE leased_until IS NOT NULL)
        + (SELECT count(*) FROM refund_outbox WHERE leased_until IS NOT NULL)
        """
    }

    private func awaitEvents(_ store: any QueueStore) async throws -> [StoreEvent] {
        while true {
            let events = store.upkeep(at: now)
            if !events.isEmpty { return events }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    @Test func killedDaemonIsTakenOverAtOnce() async throws {
        let daemon = Daemon(database)
        try daemon.happen(to: try database.enqueue("R-1")) { $0.answered(.settled) }
        for number in 2...4 { try database.enqueue("R-\(number)") }
        let source = database.store.makeWakeSource {}
        defer { source.stop() }
        try leave(7, secondsAgo: 0)
        let begin = try database.number("SELECT refund_now()")
        // As the daemon did when it joined.
        try database.execute("NOTIFY refund_queue, '\(database.settings.schema)'")
        let events = try await awaitEvents(database.store)
        let taken = try database.number("SELECT max(at) FROM refund_actions") - begin
        #expect(taken < 10_000, "before its silence would tell")
        #expect(events == [.tookOver(daemon: "far (process 4711)", claims: 4)])
        #expect(try database.number(claimed) == 0)
        #expect(try daemon.due() == [2, 3, 4])
        #expect(try database.column("SELECT host FROM refund_daemons") != ["far"])
    }

    @Test func stoppedDaemonIsTakenOverOnceItHasNotBeenSeenForAWhile() async throws {
        let id = try database.enqueue("R-1")
        try database.execute("SELECT pg_advisory_lock(hashtext('refundd daemon \(database.settings.schema)'), 7)")
        let source = database.store.makeWakeSource {}
        defer { source.stop() }
        try leave(7, secondsAgo: 5)
        try database.execute("NOTIFY refund_queue, '\(database.settings.schema)'")
        // Whoever holds its lock lives, unless it is silent for long.
        #expect(try Daemon(database).claims().fleet.count == 2)
        #expect(try database.number(claimed) == 1)
        try database.execute("UPDATE refund_daemons SET seen = refund_now() - 16000 WHERE id = 7")
        #expect(try await awaitEvents(database.store) == [.tookOver(daemon: "far (process 4711)", claims: 1)])
        #expect(try Daemon(database).due() == [id])
    }

    @Test func refundThatAnOperatorEndsInFlightIsTakenOverToo() async throws {
        let daemon = Daemon(database)
        let id = try database.enqueue("R-1")
        let source = database.store.makeWakeSource {}
        defer { source.stop() }
        try leave(7, secondsAgo: 0)
        var change = daemon.change(of: try daemon.row(id)) { $0.abandoned(reason: "lost", actor: "ada", at: now) }
        (change.endsLease, change.lease) = (false, nil)
        try database.store.write { tx throws(StoreError) in try tx.write(change) }
        #expect(try await awaitEvents(database.store) == [.tookOver(daemon: "far (process 4711)", claims: 1)])
        #expect(try database.column("SELECT state FROM refund_queue") == ["abandoned"])
        #expect(try database.number(claimed) == 0)
    }

    @Test func daemonTakenForDeadWritesNothingAndGoesOn() async throws {
        let id = try database.enqueue("R-1")
        let daemon = Daemon(database)
        let source = database.store.makeWakeSource {}
        defer { source.stop() }
        try daemon.write(.claimRefunds([RefundClaim(id: id, lease: 1)], until: later(75)))
        let number = try #require(try database.column("SELECT claimed_by FROM refund_queue").first ?? nil)
        let row = try daemon.row(id)
        let other = try PostgresStore(database.settings)
        let others = other.makeWakeSource {}
        defer {
            others.stop()
            other.close()
        }
        try database.execute("UPDATE refund_daemons SET seen = 0 WHERE id = \(number)")
        guard case .tookOver(_, claims: 1) = try await awaitEvents(other).first else {
            Issue.record("nobody took over")
            return
        }
        let change = daemon.change(of: row) { $0.answered(.settled) }
        try daemon.write(.change(change), .poll(RefundPoll(refund: row.refund, lease: 1)))
        try daemon.write(.releaseRefund(RefundClaim(id: id, lease: 1)))
        #expect(try database.rows("SELECT state, lease FROM refund_queue") == [["pending", "2"]])
        #expect(try await awaitEvents(database.store) == [.takenForDead])
        while try database.number("SELECT count(*) FROM refund_daemons") != 2 { await Task.yield() }
    }

    /// It may be its machine's clock that was ahead.
    @Test func recordsTellTheTimeOnceTheirDaemonIsGone() throws {
        let daemon = Daemon(database)
        try daemon.happen(to: try database.enqueue("R-1")) { $0.answered(.settled) }
        func last() throws -> Timestamp? {
            try database.store.read { tx throws(StoreError) in try tx.lastRecordedAt() }
        }
        try leave(7, secondsAgo: 0)
        #expect(try last() == now, "nobody holds its lock")
        let lock = "hashtext('refundd daemon \(database.settings.schema)'), 7"
        try database.execute("SELECT pg_advisory_lock(\(lock))")
        #expect(try last() == nil)
        try database.execute("UPDATE refund_daemons SET seen = 0")
        #expect(try last() == now, "it hangs")
    }

    @Test func statusNamesWhoServesAndWhoIsGone() async throws {
        let source = database.store.makeWakeSource {}
        defer { source.stop() }
        try leave(7, secondsAgo: 0)
        try database.execute("NOTIFY refund_queue, '\(database.settings.schema)'")
        _ = try await awaitEvents(database.store)
        func status() throws -> QueueStatus {
            // The server has the time of the machine's clock.
            let time = try #require(try database.column("SELECT refund_now()").first ?? nil)
            return try database.store.read { tx throws(StoreError) in
                try tx.status(at: Timestamp(milliseconds: Int64(time) ?? 0))
            }
        }
        let found = try status()
        let daemon = try #require(found.daemons.first)
        #expect(found.daemons.count == 1)
        #expect(daemon.pid == getpid() && daemon.host != nil && daemon.id != 7 && daemon.lastSeen != nil)
        #expect(found.gone.map(\.name) == ["far (process 4711)"])
        try database.execute("UPDATE refund_daemons SET seen = seen - 20000")
        #expect(try status().daemons.isEmpty, "nobody has heard from it")
    }

    @Test func endpointIsProbedByOneAtATime() throws {
        let daemon = Daemon(database)
        for number in 1...2 { try daemon.happen(to: try database.enqueue("R-\(number)")) { $0.answered(.settled) } }
        let open = OpenBreaker(since: now, reason: "down", nextProbe: now)
        try daemon.write(.breaker(.endpoint, name: "hooks.example", open))
        var limiter = EndpointLimiter(capacity: 16)
        func request() -> CycleRequest {
            var request = CycleRequest(now: now)
            request.claims = ClaimRequest([:], endpoints: limiter)
            return request
        }
        func read(_ store: any QueueStore, _ body: (DueEndpoint?) -> [Write] = { _ in [] }) throws {
            _ = try store.cycle(request()) { input in body(input.endpoints.first) }
        }
        // A daemon that has not known that the breaker is open has not locked it.
        try read(database.store) { due in
            #expect(due?.breaker == open && due?.deliveries.isEmpty == true && due?.isProbedElsewhere == true)
            return []
        }
        _ = limiter.adopt("hooks.example", (since: now, reason: "down", nextProbe: now), at: now)
        let other = try PostgresStore(database.settings)
        defer { other.close() }
        let next = OpenBreaker(since: now, reason: "down", nextProbe: later(1))
        try read(database.store) { due in
            #expect(due?.deliveries.count == 1)
            try? read(other) { due in
                #expect(due?.deliveries.isEmpty == true && due?.isProbedElsewhere == true)
                return []
            }
            return [Write(.breaker(.endpoint, name: "hooks.example", next))]
        }
        try read(other) { due in
            #expect(due?.breaker == next && due?.deliveries.isEmpty == true && due?.isProbedElsewhere == false)
            return []
        }
        try daemon.write(.breaker(.endpoint, name: "hooks.example", nil))
        try read(other) { due in
            #expect(due?.breaker == nil && due?.deliveries.count == 2, "it accepts webhooks again")
            return []
        }
    }

    /// After a failover, whoever is the first to connect again finds the locks of all others free.
    @Test func daemonsHaveTimeToConnectAgainAfterTheirServerIsLost() async throws {
        let source = database.store.makeWakeSource {}
        defer { source.stop() }
        let before = try database.column("SELECT seen FROM refund_daemons")
        try database.execute(
            """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '\(database.settings.schema)'
            """
        )
        try leave(7, secondsAgo: 0)
        while try database.column("SELECT seen FROM refund_daemons WHERE id <> 7") == before { await Task.yield() }
        let end = ContinuousClock.now + .seconds(2)
        while ContinuousClock.now < end {
            try #require(try database.number("SELECT count(*) FROM refund_daemons WHERE id = 7") == 1)
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    @Test func oneOfTheDaemonsIsTheLeader() throws {
        let other = try PostgresStore(database.settings)
        let sources = [database.store.makeWakeSource {}, other.makeWakeSource {}]
        defer {
            for source in sources { source.stop() }
            other.close()
        }
        var fleets: [Fleet] = []
        for store in [database.store, other] {
            var request = CycleRequest(now: now)
            request.claims = ClaimRequest([:])
            _ = try store.cycle(request) { input in
                fleets.append(input.fleet)
                return []
            }
        }
        #expect(fleets.map(\.count) == [2, 2])
        #expect(fleets.map(\.isLeader).sorted { $0 && !$1 } == [true, false])
        #expect(provider.daemons.count == 2)
        #expect(try database.store.lockForCommand() == nil, "no command does what a daemon does")
    }

    @Test func daemonsServeTogetherAndWaitForACommand() throws {
        let locks = try (0..<2).map { _ in try provider.lock() }
        for lock in locks { guard case .taken = lock else { return #expect(Bool(false), "\(lock)") } }
        #expect(try database.store.lockForCommand() == nil)
        let another = try PostgresFixture()
        let lock = try #require(try another.store.lockForCommand())
        let kept = PostgresProvider(another.settings)
        guard case .heldByCommand = try kept.lock() else {
            Issue.record("a daemon does not wait")
            return
        }
        #expect(kept.alreadyServed.description.contains("is held by another refundd command"))
        withExtendedLifetime(lock) {}
    }

    @Test func incidentThatTwoFindHasOneEvent() throws {
        let daemon = Daemon(database)
        for second in 0..<2 {
            let incident = GatewayIncident(
                kind: .misconfigured,
                code: "A1",
                message: "refused",
                isVerified: true,
                since: later(second)
            )
            var random = SplitMix64(seed: .random(in: 0 ... .max))
            let event = EventRecord(of: "default", incident, daemon.context(), using: &random)
            try daemon.write(.incident(gateway: "default", IncidentRecord(incident: incident, event: event)))
        }
        #expect(try database.number("SELECT count(*) FROM refund_events") == 1)
        #expect(try database.number("SELECT count(*) FROM refund_webhooks") == 1)
        #expect(try database.number("SELECT since FROM refund_incidents") == Int(now.milliseconds))
    }

    @Test func gatewayIsProbedByOneAtATime() throws {
        for number in 1...2 { try database.enqueue("R-\(number)") }
        let daemon = Daemon(database)
        try daemon.write(.breaker(.gateway, name: "default", OpenBreaker(since: now, reason: "down", nextProbe: now)))
        var request = CycleRequest(now: now)
        request.claims = ClaimRequest(["default": .init(permits: 1, probe: .init())])
        let other = try PostgresStore(database.settings)
        defer { other.close() }
        var seen: [Int] = []
        _ = try database.store.cycle(request) { input in
            seen.append(input.gateways["default"]?.waiting.count ?? 0)
            _ = try? other.cycle(request) { input in
                seen.append(input.gateways["default"]?.waiting.count ?? 0)
                return []
            }
            let next = OpenBreaker(since: now, reason: "down", nextProbe: later(1))
            return [Write(.breaker(.gateway, name: "default", next))]
        }
        #expect(seen == [1, 0])
        _ = try other.cycle(request) { input in
            #expect(input.shared?.breakers["default"]?.nextProbe == later(1))
            return []
        }
    }
}
