import Foundation
import Testing

/// A database that many daemons serve, one after the other, each of which is killed.
///
/// After each kill the queue is looked at as a copy, so that the next daemon finds exactly what the killed one left
/// behind. `run.db` keeps what must be known beside it: the lives of the daemons, what each left in flight and, at the
/// end, what simulator and receivers saw. Gateway and receivers cut off every connection that is kept alive.
final class CrashRun {
    /// When a daemon is killed.
    enum End {
        /// By itself, at a crash point, at its n-th passing.
        case atPoint(String, passing: Int)
        /// So long after it was launched.
        case afterLaunch(Duration)
        /// So long after it began to serve.
        case afterStart(Duration)
        /// As soon as the gateway has a query.
        case whenAsked
        /// As soon as a receiver has a webhook.
        case whenReceived
        /// While another process holds the lock for writing, so long after it took it.
        case whileLocked(Duration)
        /// While it stops: so long after the last of some signals to do so.
        case whileStopping(signals: Int, Duration)

        var isStop: Bool { if case .whileStopping = self { true } else { false } }
    }

    // How long a kept-alive connection lives.
    private static let idleMilliseconds = 120

    private static let clock = ContinuousClock()
    private let w: Workspace
    private let fixture: any CrashFixture
    /// One that takes everything, and one that does not.
    private let receivers: [Receiver]
    private var lives = 0

    init(_ w: Workspace, _ fixture: any CrashFixture) async throws {
        self.w = w
        self.fixture = fixture
        var receivers: [Receiver] = []
        for _ in 0..<2 {
            let receiver = try await w.startReceiver()
            let origin = "http://127.0.0.1:\(try await Self.cutConnections(w, to: receiver.origin))"
            receivers.append(Receiver(origin: origin, log: receiver.log))
        }
        self.receivers = receivers
        try w.configure("gateway", ["max_queries_per_second": "200.0"])
        try w.configure("polling", ["attention_after": "\"2s\""])
        try w.configure(
            "webhook",
            [
                "url": "\"\(receivers[0].url("take"))\"", "timeout": "\"2s\"",
                "retry_schedule": #"["100ms", "200ms"]"#,
                "events": """
                ["refund.processing", "refund.settled", "refund.failed", "refund.needs_attention", \
                "gateway.needs_attention"]
                """,
            ]
        )
        try await w.startSimulator(scenarios: CrashStages.scenarios)
        for name in ["second", "closed"] { try configureGateway(name) }
        let port = try await Self.cutConnections(w, to: "https://127.0.0.1:\(w.simulatorPort)")
        try w.configure("gateway", ["url": "\"https://127.0.0.1:\(port)\""])
        try await w.initDatabase()
        try await fixture.copy(to: w.path("killed.db"))
        try await w.sql(
            """
            CREATE TABLE lives (number INTEGER PRIMARY KEY, launched_at INTEGER, serves_at INTEGER, ended_at INTEGER);
            CREATE TABLE interrupted (life INTEGER, number TEXT, is_overtaken INTEGER, is_certain INTEGER DEFAULT 1);
            CREATE INDEX interrupted_number ON interrupted (number);
            """,
            database: w.path("run.db")
        )
    }

    // The port under which a server's idle connections are cut off.
    private static func cutConnections(_ w: Workspace, to origin: String) async throws -> String {
        let port = String(origin.split(separator: ":").last ?? "")
        let cutter = try w.startPython("cutter.py", [port, "\(idleMilliseconds)"])
        return try await cutter.outputLine(beginning: "listening on ")
    }

    // The same simulator under another name.
    private func configureGateway(_ name: String) throws {
        try w.configure(
            "gateways.\(name)",
            [
                "url": "\"https://127.0.0.1:\(w.simulatorPort)\"", "app_id": "\"wz715fc0d10ee9d156\"",
                "merchant_no": "\"312100007235\"", "private_key_file": "\"app_private_key\"",
                "public_key_files": "[\"gateway_public_key\"]", "ca_file": "\"ca.pem\"",
            ]
        )
    }

    /// Starts a daemon, lets an application insert a batch, kills the daemon and looks at what it left.
    ///
    /// - Parameters:
    ///   - end: When to kill it.
    ///   - isCalm: Whether it may first ask again for everything that the one before left in flight.
    /// - Throws: When something takes too long.
    func life(endingBy end: End, isCalm: Bool = false) async throws {
        let interrupted = isCalm ? try await interruptedRefunds() : []
        let launchedAt = Self.now
        let logs = try sizes()
        var environment: [String: String] = [:]
        if case .atPoint(let point, let passing) = end { environment = ["CRASH_POINT": "\(point):\(passing)"] }
        let daemon = try w.launchDaemon(environment: environment)
        let insert = CrashStages.insert(batch: lives, origin: receivers[1].origin)
        let application = try w.startShell(insert)
        if isCalm {
            try await eventually("the interrupted refunds are asked for again", within: .seconds(30)) {
                let log = String(decoding: try simulatorLog().dropFirst(logs[0]), as: UTF8.self)
                return interrupted.allSatisfy { log.contains("\"\($0)\"") }
            }
        }
        let holder = try await wait(for: end, of: daemon, logs)
        daemon.kill()
        let endedAt = Self.now
        holder?.kill()
        let exitCode = try await daemon.exitCode()
        let wasStopped = end.isStop && exitCode == 0
        #expect(exitCode == 128 + SIGKILL || wasStopped, "life \(lives): \(daemon.errors)")
        #expect(try await application.exitCode() == 0, "\(application.errors)")
        try await note(daemon, launchedAt: launchedAt, endedAt: endedAt)
        try await audit()
        if end.isStop { try await noteStopped() }
    }

    // What a daemon that stops in a hurry cuts off is released, so its rows do not show it.
    private func noteStopped() async throws {
        try await w.sql(
            """
            ATTACH '\(w.path("run.db"))' AS run;
            INSERT INTO interrupted SELECT \(lives), ifnull(merchant_order_no, trans_no), 0, 0 FROM refund_queue
                WHERE leased_until IS NULL;
            INSERT INTO interrupted SELECT \(lives), id, 0, 0 FROM refund_outbox WHERE leased_until IS NULL;
            """,
            database: w.path("killed.db")
        )
    }

    private func note(_ daemon: RunningProcess, launchedAt: Int64, endedAt: Int64) async throws {
        lives += 1
        let begin = daemon.errors.split(separator: "\n").first { $0.contains("started") }?.prefix { $0 != " " }
        let servesAt = try begin.map { Self.milliseconds(try Self.logTime.parse(String($0))) }
        let life = [Int64(lives), launchedAt, servesAt, endedAt].map { $0.map(String.init) ?? "NULL" }
        try await w.sql("INSERT INTO lives VALUES (\(life.joined(separator: ", ")))", database: w.path("run.db"))
    }

    /// Waits until it is time for the end.
    ///
    /// - Returns: The process that holds the lock, if one does.
    private func wait(for end: End, of daemon: RunningProcess, _ logs: [Int]) async throws -> RunningProcess? {
        switch end {
        case .atPoint: _ = try await daemon.exitCode(within: .seconds(30))
        case .afterLaunch(let time): try await Self.clock.sleep(for: time)
        case .afterStart(let time):
            try await daemon.waitForErrors(containing: "started")
            try await Self.clock.sleep(for: time)
        case .whenAsked: try await waitForGrowth { try self.sizes()[0] > logs[0] }
        case .whenReceived: try await waitForGrowth { try self.sizes()[1...].reduce(0, +) > logs[1...].reduce(0, +) }
        case .whileLocked(let time):
            try await daemon.waitForErrors(containing: "started")
            let holder = try await fixture.lock()
            try await Self.clock.sleep(for: time)
            return holder
        case .whileStopping(let signals, let time):
            try await daemon.waitForErrors(containing: "started")
            for _ in 0..<signals {
                try await Self.clock.sleep(for: time)
                daemon.signal(SIGTERM)
            }
            try await Self.clock.sleep(for: time)
        }
        return nil
    }

    // Looked for at short intervals: what matters is what happens in the next milliseconds.
    private func waitForGrowth(_ hasGrown: () throws -> Bool) async throws {
        let deadline = Self.clock.now + .seconds(30)
        while try !hasGrown() {
            guard Self.clock.now < deadline else { throw TimedOut("something to see", within: .seconds(30)) }
            try await Self.clock.sleep(for: .milliseconds(1))
        }
    }

    // MARK: What is seen from outside

    private static let logTime = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
    private static var now: Int64 { milliseconds(Date()) }

    private static func milliseconds(_ date: Date) -> Int64 { Int64(date.timeIntervalSince1970 * 1_000) }

    private func simulatorLog() throws -> Data {
        FileManager.default.contents(atPath: w.path("simulator.log")) ?? Data()
    }

    /// The sizes of the simulator's log and the receivers'.
    private func sizes() throws -> [Int] {
        ([w.path("simulator.log")] + receivers.map(\.log)).map { path in
            let size = try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int
            return size ?? 0
        }
    }

    private func interruptedRefunds() async throws -> [String] {
        let rows = try await w.sql(
            """
            SELECT ifnull(merchant_order_no, trans_no) AS number FROM refund_queue
            WHERE leased_until IS NOT NULL AND gateway = 'default'
            """,
            database: w.path("killed.db")
        )
        return rows.compactMap { $0["number"].text }
    }

    // MARK: What must hold

    private func audit() async throws {
        let files = FileManager.default
        let (killed, earlier) = (w.path("killed.db"), w.path("earlier.db"))
        if files.fileExists(atPath: earlier) { try files.removeItem(atPath: earlier) }
        try files.moveItem(atPath: killed, toPath: earlier)
        try await fixture.copy(to: killed)
        try await expectNone(CrashInvariant.inDatabase)
        let verification = try await fixture.verify(killed)
        try #require(verification.exitCode == 0, "life \(lives): \(verification.output) \(verification.errors)")
        try await w.sql(
            """
            ATTACH '\(w.path("run.db"))' AS run;
            INSERT INTO interrupted SELECT \(lives), ifnull(merchant_order_no, trans_no), 0, 1 FROM refund_queue
                WHERE leased_until IS NOT NULL;
            INSERT INTO interrupted SELECT \(lives), id, EXISTS (SELECT 1 FROM refund_event_log e
                WHERE e.refund_id = w.refund_id AND e.position > w.position), 1
                FROM refund_outbox w WHERE leased_until IS NOT NULL;
            """,
            database: killed
        )
    }

    private func expectNone(_ invariants: [CrashInvariant]) async throws {
        let rows = try await w.sql(
            """
            ATTACH '\(w.path("earlier.db"))' AS earlier;
            ATTACH '\(w.path("run.db"))' AS run;
            \(CrashInvariant.views)
            \(CrashInvariant.query(for: invariants))
            """,
            database: w.path("killed.db")
        )
        let broken = rows.map { "\($0["invariant"].text ?? ""): \($0["what"].text ?? "")" }
        try #require(broken == [], "life \(lives)")
    }

    /// Lets the last daemon bring everything to its end, and looks at all that simulator and receivers saw.
    ///
    /// - Returns: The run in figures.
    /// - Throws: When not everything ends.
    func finish() async throws -> String {
        w.stopSimulator()
        try await w.startSimulator(scenarios: CrashStages.endings, port: w.simulatorPort)
        try configureGateway("elsewhere")
        try w.configure("polling", ["slow_interval": "\"1s\""])
        let launchedAt = Self.now
        let daemon = try await w.startDaemon()
        try await eventually("the end of everything", within: .seconds(180)) {
            try await w.sql(
                """
                SELECT 1 FROM refund_queue WHERE state IN ('pending', 'processing')
                UNION ALL SELECT 1 FROM refund_webhooks WHERE state = 'pending'
                """
            ).isEmpty
        }
        daemon.signal(SIGTERM)
        #expect(try await daemon.exitCode() == 0)
        try await note(daemon, launchedAt: launchedAt, endedAt: Self.now)
        try await audit()
        try await noteStopped()
        try await importLogs()
        try await expectNone(CrashInvariant.atTheEnd)
        return try await figures()
    }

    private func importLogs() async throws {
        let imports = receivers.map { ".import \($0.log) receiver_log" }
        let shell = try await w.run(
            "sqlite3",
            [
                "-batch", "-bail", w.path("run.db"),
                "CREATE TABLE simulator_log (line TEXT); CREATE TABLE receiver_log (line TEXT);",
                ".mode ascii", #".separator "\037" "\n""#, ".import \(w.path("simulator.log")) simulator_log",
            ] + imports + [CrashInvariant.logTables]
        )
        try #require(shell.exitCode == 0, "\(shell.errors)")
    }

    private func figures() async throws -> String {
        let rows = try await w.sql(
            """
            ATTACH '\(w.path("run.db"))' AS run;
            SELECT (SELECT count(*) FROM refund_queue) AS refunds,
                (SELECT count(*) FROM asked) AS queries, (SELECT count(*) FROM received) AS received,
                (SELECT count(DISTINCT id) FROM received) AS webhooks,
                (SELECT count(*) FROM interrupted WHERE is_certain) AS interrupted,
                (SELECT max(delay) FROM (\(CrashInvariant.delays))) AS delay
            """,
            database: w.path("killed.db")
        )
        func figure(_ name: String) -> String { rows[0][name].integer.map(String.init) ?? "none" }
        return """
            \(lives - 1) kills, \(figure("refunds")) refunds, \(figure("queries")) queries, \(figure("received")) \
            deliveries of \(figure("webhooks")) webhooks, \(figure("interrupted")) queries and deliveries interrupted, \
            next query of an interrupted refund at most \(figure("delay")) ms after the restart
            """
    }
}
