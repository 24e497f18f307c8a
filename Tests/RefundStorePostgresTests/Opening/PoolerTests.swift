import Dispatch
import RefundCore
import RefundPostgres
import RefundPostgresSupport
import RefundStore
import RefundStoreConformance
import RefundStorePostgresSupport
import Synchronization
import Testing

@testable import RefundStorePostgres

/// A queue that refundd reaches through PgBouncer, as other programs do.
@Suite(.timeLimit(.minutes(2)))
struct PoolerTests {
    private let modes = PgBouncer.Mode.allCases

    /// The same queue, by another way.
    private func settings(of database: PostgresFixture, behind pooler: PgBouncer) -> PostgresSettings {
        PostgresSettings(parameters: pooler.parameters, schema: database.settings.schema, location: "postgresql://x")
    }

    private func value(_ sql: String, through pooler: PgBouncer) throws -> String? {
        let deadline = ContinuousClock.now.advanced(by: .seconds(30))
        var value: String?
        try PostgresConnection(pooler.parameters, until: deadline, Interruption()).execute(sql, until: deadline) {
            row in
            value = row.text()
        }
        return value
    }

    // MARK: - What it is

    @Test func poolerThatSharesSessionsIsRecognised() throws {
        for mode in modes {
            let database = try PostgresFixture(behind: .shared(mode))
            for _ in 0..<3 { #expect(try Session(database.settings).connect().isPooled == (mode == .transaction)) }
        }
        #expect(try !Session(PostgresFixture().settings).connect().isPooled)
    }

    @Test func poolerThatSharesSessionsIsRecognisedWhileOthersKeepItBusy() throws {
        let pooler = try PgBouncer(before: .shared(), .transaction, size: 3)
        let database = try PostgresFixture(behind: pooler)
        var settings = database.settings
        settings.connectTimeout = .seconds(2)
        let isOver = Atomic(false)
        let answers = Atomic(0)
        let others = DispatchGroup()
        for number in 0..<3 {
            DispatchQueue(label: "other \(number)").async(group: others) {
                while !isOver.load(ordering: .relaxed) {
                    if (try? value("SELECT 1", through: pooler)) == "1" { answers.add(1, ordering: .relaxed) }
                }
            }
        }
        defer {
            isOver.store(true, ordering: .relaxed)
            others.wait()
        }
        for _ in 0..<50 { #expect(try Session(settings).connect().isPooled) }
        #expect(answers.load(ordering: .relaxed) > 50)
    }

    /// NOTIFY takes a lock that a commit keeps while it waits for a standby.
    @Test func lostStandbyKeepsNobodyFromConnecting() async throws {
        let server = try PostgresServer(settings: ["synchronous_standby_names=lost", "synchronous_commit=local"])
        let pooler = try PgBouncer(before: server, .session)
        let database = try PostgresFixture(on: server, behind: pooler)
        let application = DispatchGroup()
        DispatchQueue(label: "application").async(group: application) {
            let sql = "SET synchronous_commit = on; BEGIN; CREATE TABLE notes (); NOTIFY shop; COMMIT"
            try? server.connect().execute(sql, until: .now.advanced(by: .seconds(60)))
        }
        defer {
            try? server.execute("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
            application.wait()
        }
        while try database.number("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'") == 0 {
            try await Task.sleep(for: .milliseconds(10))
        }
        #expect(try Session(database.settings).connect().isPooled)
    }

    @Test func wakeUpIsJudgedByThePooler() throws {
        for mode in modes {
            let found = PostgresProvider(try PostgresFixture(behind: .shared(mode)).settings).wakeFinding()
            #expect(found.gravity == (mode == .session ? .fine : .warning), "\(found)")
            #expect(found.text.contains("pool_mode = session") == (mode == .transaction), "\(found)")
        }
    }

    @Test func daemonLeavesNothingInASessionThatOthersGetNext() throws {
        let pooler = try PgBouncer(before: .shared(), .transaction, size: 1)
        let planner = try value("SHOW enable_seqscan", through: pooler)
        let database = try PostgresFixture(behind: pooler)
        try Daemon(database).happen(to: try database.enqueue("R-1")) { $0.answered(.settled) }
        #expect(try value("SHOW enable_seqscan", through: pooler) == planner)
        #expect(try value("SHOW search_path", through: pooler) == "\"$user\", public")
        #expect(try value("SELECT count(*) FROM pg_prepared_statements", through: pooler) == "0")
        #expect(
            try value(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()",
                through: pooler
            ) == "0"
        )
    }

    @Test func poolWithoutAFreeSessionIsNamed() throws {
        let pooler = try PgBouncer(before: .shared(), .session, size: 1)
        let deadline = ContinuousClock.now.advanced(by: .seconds(30))
        let other = try PostgresConnection(pooler.parameters, until: deadline, Interruption())
        try other.execute("SELECT 1", until: deadline)
        var settings = PostgresSettings(parameters: pooler.parameters, location: "postgresql://x")
        settings.connectTimeout = .milliseconds(200)
        let error = try #require(throws: StoreError.self) { try PostgresStore(settings) }
        #expect(error.description.contains("raise default_pool_size of the pooler"), "\(error)")
        settings.servers = settings.servers.map { $0 + [(name: "options", value: "-c geqo=off")] }
        let refused = try #require(throws: StoreError.self) { try PostgresStore(settings) }
        #expect(refused.description.contains("name it in ignore_startup_parameters"), "\(refused)")
        withExtendedLifetime(other) {}
    }

    // MARK: - What it does to a daemon

    @Test func listenerBehindAPoolerThatSharesSessionsLooksOftenAndSaysSo() async throws {
        let database = try PostgresFixture(behind: .shared(.transaction))
        let (wakes, continuation) = AsyncStream.makeStream(of: Void.self)
        let source = database.store.makeWakeSource { continuation.yield() }
        defer { source.stop() }
        #expect(database.store.upkeep(at: now) == [.commitsUnwatched(reason: Pooler.reason, remedy: Pooler.remedy)])
        let begin = ContinuousClock.now
        var looks = wakes.makeAsyncIterator()
        for _ in 0..<8 { await looks.next() }
        #expect(ContinuousClock.now - begin < .seconds(20), "without waiting for heartbeats")
        #expect(try database.number("SELECT count(*) FROM refund_daemons WHERE wakes_at > 0") == 0, "it hears nothing")
    }

    @Test func listenerBehindAPoolerThatKeepsSessionsIsNotified() async throws {
        let database = try PostgresFixture(behind: .shared(.session))
        let (wakes, continuation) = AsyncStream.makeStream(of: Void.self)
        let source = database.store.makeWakeSource { continuation.yield() }
        defer { source.stop() }
        var looks = wakes.makeAsyncIterator()
        for _ in 0..<2 { await looks.next() }
        #expect(database.store.upkeep(at: now).isEmpty)
        #expect(try database.number("SELECT count(*) FROM refund_daemons WHERE wakes_at > refund_now()") == 1)
        try database.enqueue("R-1")
        await looks.next()
    }

    @Test func daemonWithoutALockLivesWhileItIsSeen() async throws {
        let database = try PostgresFixture()
        let pooled = try PostgresStore(settings(of: database, behind: .shared(.transaction)))
        let sources = [pooled.makeWakeSource {}, database.store.makeWakeSource {}]
        defer {
            for source in sources { source.stop() }
            pooled.close()
        }
        #expect(PostgresProvider(database.settings).daemons.map(\.isPooled) == [true, false])
        let end = ContinuousClock.now + .seconds(2)
        while ContinuousClock.now < end {
            try #require(try database.number("SELECT count(*) FROM refund_daemons") == 2, "nobody took over")
            try await Task.sleep(for: .milliseconds(50))
        }
        while try database.number("SELECT count(*) FROM refund_actions") == 0 {
            // Its next heartbeat would make it live again.
            try database.execute("UPDATE refund_daemons SET seen = refund_now() - 16000 WHERE NOT locks")
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    @Test func commandKeepsDaemonsOutUntilItEnds() async throws {
        for mode in modes {
            let database = try PostgresFixture(behind: .shared(mode))
            let provider = PostgresProvider(database.settings)
            do {
                let lock = try #require(try database.store.lockForCommand())
                guard case .heldByCommand = try provider.lock() else {
                    Issue.record("a daemon does not wait")
                    return
                }
                withExtendedLifetime(lock) {}
            }
            var attempt = try provider.lock()
            while case .heldByCommand = attempt {
                try await Task.sleep(for: .milliseconds(10))
                attempt = try provider.lock()
            }
            guard case .taken(let lock) = attempt else {
                Issue.record("\(attempt)")
                return
            }
            #expect(try database.store.lockForCommand() == nil, "a daemon starts")
            lock.noteServing(ServingDaemon(pid: 1, version: "", since: now))
        }
    }

    /// A pooler keeps a daemon's connection while it leads to a promoted standby.
    @Test func positionsContinueBeyondAGapWhereTheConnectionStays() throws {
        let database = try PostgresFixture(behind: .shared(.transaction))
        let daemon = Daemon(database)
        try daemon.happen(to: try database.enqueue("R-1")) { $0.answered(.settled) }
        try database.execute("UPDATE refund_event_position SET timeline = 0")
        for number in 2...3 { try daemon.happen(to: try database.enqueue("R-\(number)")) { $0.answered(.settled) } }
        #expect(try database.column("SELECT position FROM refund_events") == ["1", "1000002", "1000003"])
        #expect(try database.store.read { tx throws(StoreError) in try tx.schemaProblems() } == [])
    }

    @Test func storeGoesOnAfterThePoolerRestarts() throws {
        for mode in modes {
            let pooler = try PgBouncer(before: .shared(), mode)
            let database = try PostgresFixture(behind: pooler)
            let daemon = Daemon(database)
            try database.enqueue("R-1")
            #expect(try daemon.due() == [1])
            try pooler.restart()
            #expect(try daemon.due() == [1])
        }
    }
}
