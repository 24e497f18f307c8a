import Foundation
import Testing

/// SIGTERM, SIGINT and SIGHUP in every phase of the daemon's life.
struct LifecycleTests {
    /// Phases in which the database is not open yet.
    enum Opening: CaseIterable {
        /// A command holds the daemon's lock.
        case waitingForTheLock
        /// The last daemon did not trust the database.
        case checkingTheDatabase
        /// Another process holds the database, which has no queue yet.
        case migrating
    }

    private static let scenarios = """
        [prefixes."SLOW-"]
        settles_after_queries = 1
        latency = "1500ms"
        [prefixes."HANG-"]
        fault = "hang"
        [prefixes."LONG-"]
        never = true
        """

    // MARK: - Before the database is open

    @Test(.endToEnd, arguments: Opening.allCases, [SIGTERM, SIGINT])
    func signalEndsAStartAtOnceAndChangesNothing(_ phase: Opening, _ signal: Int32) async throws {
        try await withWorkspace { w in
            let obstacle = try await Self.enter(phase, w)
            let daemon = try #require(w.daemon)
            daemon.signal(signal)
            #expect(try await daemon.exitCode(within: .seconds(2)) == 0)
            #expect(daemon.errors.contains("stopping before the database is open"))
            #expect(!daemon.errors.contains(" error "), "\(daemon.errors)")
            obstacle?.kill()
            try await Self.expectUnchanged(w, phase)
        }
    }

    @Test(.endToEnd, arguments: Opening.allCases)
    func secondSignalDuringAStartChangesNothing(_ phase: Opening) async throws {
        try await withWorkspace { w in
            let obstacle = try await Self.enter(phase, w)
            let daemon = try #require(w.daemon)
            daemon.signal(SIGTERM)
            daemon.signal(SIGINT)
            daemon.signal(SIGTERM)
            #expect(try await daemon.exitCode(within: .seconds(2)) == 0)
            obstacle?.kill()
            try await Self.expectUnchanged(w, phase)
        }
    }

    @Test(.endToEnd, arguments: Opening.allCases)
    func configurationReloadedDuringAStartIsServedAfterIt(_ phase: Opening) async throws {
        try await withWorkspace { w in
            let receiver = try await w.startReceiver()
            let obstacle = try await Self.enter(phase, w)
            let daemon = try #require(w.daemon)
            try w.configure("polling", ["initial_interval": "\"soon\""])
            daemon.signal(SIGHUP)
            try await daemon.waitForErrors(containing: "reload failed, keeping the current configuration")
            try w.configure("polling", ["initial_interval": "\"100ms\""])
            try w.configure("webhook", ["url": "\"\(receiver.url("take"))\""])
            daemon.signal(SIGHUP)
            try await daemon.waitForErrors(containing: "configuration reloaded")
            #expect(!daemon.errors.contains("started"))
            obstacle?.kill()
            try await daemon.waitForErrors(containing: "started")
            try await w.enqueue("OK-1")
            try await eventually("the webhook that the new configuration asks for") {
                try receiver.requests().map(\.type) == ["refund.settled"]
            }
        }
    }

    @Test(.endToEnd) func longStartIsShownToTheServiceManagerWithMoreTime() async throws {
        try await withWorkspace { w in
            let manager = try w.startPython("notified.py", [w.path("notify")])
            _ = try await manager.outputLine(beginning: "listening")
            let command = try await Self.enter(.waitingForTheLock, w, ["NOTIFY_SOCKET": w.path("notify")])
            _ = try await manager.outputLine(beginning: "STATUS=waiting for a refundd command to finish (5s)")
            _ = try await manager.outputLine(beginning: "EXTEND_TIMEOUT_USEC=")
            command?.kill()
            _ = try await manager.outputLine(beginning: "READY=1")
        }
    }

    /// Starts a daemon and waits until it is in a phase.
    ///
    /// - Returns: The process that keeps it there; without one, the phase ends by itself.
    private static func enter(
        _ phase: Opening,
        _ w: Workspace,
        _ environment: [String: String] = [:]
    ) async throws -> RunningProcess? {
        try w.configure("gateway", ["timeout": "\"60s\""])
        try await w.startSimulator(scenarios: scenarios)
        switch phase {
        case .waitingForTheLock:
            try await w.initDatabase()
            try await w.enqueue("HANG-1")
            let command = try w.begin("query", "HANG-1")
            try await eventually("HANG-1 in flight") { try await w.queriesInSimulator()["HANG-1"] == 1 }
            let daemon = try w.launchDaemon(environment: environment)
            try await daemon.waitForErrors(containing: "waiting for a refundd command to finish")
            return command
        case .checkingTheDatabase:
            try await w.initDatabase()
            try await w.sql(
                """
                CREATE TABLE refund_ballast (id INTEGER PRIMARY KEY, a BLOB, b BLOB);
                INSERT INTO refund_ballast (a, b)
                    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 400000)
                    SELECT randomblob(8), randomblob(8) FROM n;
                CREATE INDEX ballast_a ON refund_ballast (a);
                CREATE INDEX ballast_b ON refund_ballast (b);
                CREATE INDEX ballast_ab ON refund_ballast (a, b);
                """
            )
            try w.write("damaged\n", to: "refundd.db.lock")
            let daemon = try w.launchDaemon(environment: environment)
            try await daemon.waitForErrors(containing: "checking the database")
            return nil
        case .migrating:
            try await w.sql("PRAGMA journal_mode = WAL; CREATE TABLE shop (id INTEGER)")
            let holder = try w.startPython("hold.py", [w.database, "IMMEDIATE"])
            _ = try await holder.outputLine(beginning: "holding")
            _ = try w.launchDaemon(environment: environment)
            try await eventually("the lock") { FileManager.default.fileExists(atPath: w.database + ".lock") }
            return holder
        }
    }

    private static func expectUnchanged(_ w: Workspace, _ phase: Opening) async throws {
        let lock = try String(contentsOfFile: w.database + ".lock", encoding: .utf8)
        switch phase {
        case .waitingForTheLock:
            let refund = try await w.refund("HANG-1")
            #expect(refund["state"].text == "pending")
            #expect(refund["attempts"].integer == 0)
        case .checkingTheDatabase:
            #expect(lock == "damaged\n", "the next daemon checks it")
        case .migrating:
            #expect(lock == "", "nobody has served it")
            #expect(try await w.sql("SELECT name FROM sqlite_master WHERE name LIKE 'refund_%'").isEmpty)
        }
    }

    // MARK: - While the database is served

    @Test(.endToEnd, arguments: [SIGTERM, SIGINT])
    func idleDaemonStopsAtTheFirstSignal(_ signal: Int32) async throws {
        try await withWorkspace(on: .every) { w in
            try await w.startEverything()
            try await w.enqueue("OK-1")
            try await w.refund("OK-1", is: "settled")
            try await Self.expectCleanExit(w, signal, within: .seconds(2), saying: "drained")
            #expect(try await w.ledger("OK-1") == ["pending>settled"])
        }
    }

    @Test(.endToEnd, arguments: [SIGTERM, SIGINT])
    func drainFinishesWhatIsInFlightAndBeginsNothing(_ signal: Int32) async throws {
        try await withWorkspace(on: .every) { w in
            let receiver = try await w.startReceiver()
            try await w.startEverything(scenarios: Self.scenarios)
            try await w.enqueue("SLOW-1")
            try await w.enqueue("OK-1", ["callback_url": receiver.url("slow/1500")])
            try await eventually("SLOW-1 in flight") { try await w.queriesInSimulator()["SLOW-1"] == 1 }
            try await eventually("the webhook in flight") { try !receiver.requests().isEmpty }
            let daemon = try #require(w.daemon)
            daemon.signal(signal)
            try await daemon.waitForErrors(containing: "draining")
            daemon.signal(SIGHUP)
            try await w.enqueue("OK-2")
            #expect(try await daemon.exitCode(within: .seconds(10)) == 0)
            #expect(daemon.errors.contains("drained"))
            #expect(daemon.errors.contains("ignoring SIGHUP while stopping"))

            #expect(try await w.refund("SLOW-1")["state"].text == "settled")
            #expect(try await w.ledger("SLOW-1") == ["pending>settled"])
            #expect(try await w.webhooks("OK-1").map { $0["state"].text } == ["delivered"])
            #expect(try receiver.requests().count == 1)
            #expect(try await w.refund("OK-2")["state"].text == "pending")
            #expect(try w.asked("OK-2").isEmpty)
        }
    }

    /// How a drain ends that waits for something that takes longer.
    enum Hurry: CaseIterable {
        case secondSignal
        case drainLimit
    }

    @Test(.endToEnd, arguments: Hurry.allCases)
    func whatIsStillInFlightWhenADrainEndsIsReleasedAndSentAgain(_ hurry: Hurry) async throws {
        try await withWorkspace(on: .every) { w in
            let receiver = try await w.startReceiver()
            try w.configure("gateway", ["timeout": "\"60s\""])
            // One failed attempt would be the last.
            try w.configure("webhook", ["timeout": "\"60s\"", "retry_schedule": "[]"])
            try await w.startEverything(scenarios: Self.scenarios)
            let url = receiver.url("hang")
            try await w.enqueue("HANG-1")
            try await w.enqueue("OK-1", ["callback_url": url])
            try await eventually("HANG-1 in flight") { try await w.queriesInSimulator()["HANG-1"] == 1 }
            try await eventually("the webhook in flight") { try receiver.requests().count == 1 }
            let daemon = try #require(w.daemon)
            let begin = ContinuousClock.now
            daemon.signal(SIGTERM)
            try await daemon.waitForErrors(containing: "draining")
            switch hurry {
            case .secondSignal:
                daemon.signal(SIGTERM)
                #expect(try await daemon.exitCode(within: .seconds(3)) == 0)
                #expect(daemon.errors.contains("stopping at once"))
            case .drainLimit:
                #expect(try await daemon.exitCode(within: .seconds(25)) == 0)
                #expect(ContinuousClock.now - begin > .seconds(15))
                #expect(daemon.errors.contains("drain limit reached"))
            }
            try await Self.expectNoDamage(w)
            let refund = try await w.refund("HANG-1")
            #expect(refund["attempts"].integer == 0)
            #expect(refund["last_error"] == .null)
            #expect(refund["leased_until"] == .null)
            let webhook = try await w.sql("SELECT state, attempts, leased_until FROM refund_outbox")[0]
            #expect(webhook["state"].text == "pending")
            #expect(webhook["attempts"].integer == 0)
            #expect(webhook["leased_until"] == .null)
            #expect(try await w.sql("SELECT * FROM refund_webhook_attempts").isEmpty)

            try await w.startDaemon()
            try await eventually("HANG-1 is queried again") { try await w.queriesInSimulator()["HANG-1"] == 2 }
            try await eventually("the webhook is sent again") {
                let ids = try receiver.requests().map(\.id)
                return ids.count == 2 && Set(ids).count == 1
            }
        }
    }

    @Test(.endToEnd) func stopsInTheMiddleOfWorkAreNeverTakenForALostDatabase() async throws {
        try await withWorkspace(on: .every) { w in
            let receiver = try await w.startReceiver()
            try w.configure("webhook", ["url": "\"\(receiver.url("take"))\""])
            try await w.startSimulator()
            try await w.initDatabase()
            for round in 0..<12 {
                try await w.startDaemon()
                try await w.enqueue((1...20).map { "OK3-\(round)-\($0)" })
                try await ContinuousClock().sleep(for: .milliseconds(round * 15))
                w.daemon?.signal(SIGTERM)
                if round % 3 == 2 { w.daemon?.signal(SIGTERM) }
                let exitCode = try await w.daemon?.exitCode(within: .seconds(10))
                #expect(exitCode == 0)
                try await Self.expectNoDamage(w)
            }
            let unclear = "SELECT id FROM refund_webhooks WHERE state = 'dead' OR last_error IS NOT NULL"
            #expect(try await w.sql(unclear).isEmpty)
        }
    }

    // MARK: - While another process holds the database

    @Test(.endToEnd) func heldDatabaseKeepsNoDaemonFromStopping() async throws {
        try await withWorkspace { w in
            let holder = try await Self.holdServedDatabase(w, orders: ["LONG-1"])
            let daemon = try #require(w.daemon)
            daemon.signal(SIGTERM)
            #expect(try await daemon.exitCode(within: .seconds(8)) == 0)
            holder.kill()
            #expect(try await w.refund("LONG-1")["state"].text == "processing")
            #expect(!daemon.errors.contains("critical"))
            #expect(try await w.refundd("verify").exitCode == 0)
        }
    }

    @Test(.endToEnd) func secondSignalEndsADaemonAtOnceThoughTheDatabaseIsHeld() async throws {
        try await withWorkspace { w in
            try w.configure("gateway", ["timeout": "\"60s\""])
            let holder = try await Self.holdServedDatabase(w, orders: ["HANG-1", "LONG-1"])
            let daemon = try #require(w.daemon)
            daemon.signal(SIGTERM)
            try await daemon.waitForErrors(containing: "draining")
            daemon.signal(SIGTERM)
            #expect(try await daemon.exitCode(within: .seconds(4)) == 0)
            #expect(daemon.errors.contains("claims are only released at the next start"))
            holder.kill()
            #expect(try await w.refund("HANG-1")["attempts"].integer == 0)
            try await w.startDaemon()
            try await eventually("HANG-1 is queried again") { try await w.queriesInSimulator()["HANG-1"] == 2 }
        }
    }

    @Test(.endToEnd) func reloadWaitsForAHeldDatabaseAndTheNewestConfigurationWins() async throws {
        try await withWorkspace { w in
            let receiver = try await w.startReceiver()
            let holder = try await Self.holdServedDatabase(w, orders: ["LONG-1"])
            let daemon = try #require(w.daemon)
            try w.configure("webhook", ["url": "\"\(receiver.url("take/old"))\""])
            daemon.signal(SIGHUP)
            try await daemon.waitForErrors(containing: "the reload waits for the database")
            try w.configure("webhook", ["url": "\"\(receiver.url("take/new"))\""])
            daemon.signal(SIGHUP)
            try await ContinuousClock().sleep(for: .milliseconds(200))
            #expect(!daemon.errors.contains("configuration reloaded"))
            holder.kill()
            try await daemon.waitForErrors(containing: "configuration reloaded")
            try await w.enqueue("OK-1")
            try await eventually("the webhook") { try receiver.requests(to: "take/new").count == 1 }
            #expect(try receiver.requests(to: "take/old").isEmpty)
            #expect(daemon.errors.components(separatedBy: "the reload waits").count == 2, "said once")
        }
    }

    @Test(.endToEnd) func daemonWhoseReloadWaitsStopsWithTheConfigurationItHas() async throws {
        try await withWorkspace { w in
            let holder = try await Self.holdServedDatabase(w, orders: ["LONG-1"])
            let daemon = try #require(w.daemon)
            try w.configure("log", ["level": "\"debug\""])
            daemon.signal(SIGHUP)
            try await daemon.waitForErrors(containing: "the reload waits for the database")
            daemon.signal(SIGTERM)
            #expect(try await daemon.exitCode(within: .seconds(12)) == 0)
            holder.kill()
            #expect(!daemon.errors.contains("configuration reloaded"))
            #expect(try await w.refundd("verify").exitCode == 0)
        }
    }

    /// Starts a daemon that queries LONG-1 every two seconds, and has another process hold the database in between.
    ///
    /// - Returns: The other process, at a time when the scheduler waits for it to claim LONG-1 again.
    private static func holdServedDatabase(_ w: Workspace, orders: [String]) async throws -> RunningProcess {
        try w.configure("polling", ["initial_interval": "\"2s\"", "max_interval": "\"2s\"", "jitter": "0.0"])
        try await w.startEverything(scenarios: scenarios)
        try await w.enqueue(orders)
        for order in orders {
            try await eventually("\(order) is queried") { try await w.queriesInSimulator()[order] != nil }
        }
        try await w.refund("LONG-1", is: "processing")
        let holder = try w.startPython("hold.py", [w.database, "IMMEDIATE"])
        _ = try await holder.outputLine(beginning: "holding")
        try await ContinuousClock().sleep(for: .milliseconds(2_200))
        return holder
    }

    // MARK: - What must hold after a stop

    private static func expectCleanExit(
        _ w: Workspace,
        _ signal: Int32,
        within limit: Duration,
        saying text: String
    ) async throws {
        let daemon = try #require(w.daemon)
        daemon.signal(signal)
        #expect(try await daemon.exitCode(within: limit) == 0)
        #expect(daemon.errors.contains(text))
        try await expectNoDamage(w)
    }

    private static func expectNoDamage(_ w: Workspace) async throws {
        let errors = w.daemon?.errors ?? ""
        #expect(!errors.contains(" error ") && !errors.contains(" critical "), "\(errors)")
        if w.server == nil {
            #expect(try String(contentsOfFile: w.database + ".lock", encoding: .utf8).contains("\nserved\n"))
        }
        let verification = try await w.refundd("verify")
        #expect(verification.exitCode == 0, "\(verification.output)")
    }
}
