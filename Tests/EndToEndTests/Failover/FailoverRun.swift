import Foundation
import RefundPostgresSupport
import Testing

/// Three daemons on a PostgreSQL server with a standby, while applications enqueue all along, until the server is lost.
final class FailoverRun {
    /// How much there is to do, which `TEST_FAILOVER_REFUNDS` sets.
    struct Size {
        let refunds: Int
        /// How long a daemon is stopped: longer than the others wait before they take it for dead.
        let stop: Duration
        /// How long applications enqueue.
        let seconds: Int
    }

    /// What became of everything, as `audit.py` prints it.
    struct Audit {
        fileprivate let json: JSON

        /// What is in one of its lists, the first few of them.
        func list(_ name: String) -> [String] { json[name].items.prefix(5).map { $0.text ?? "" } }

        func count(_ name: String) -> Int64 { json[name].integer ?? Int64(json[name].items.count) }
    }

    private static let clock = ContinuousClock()
    private static let gone = "another daemon is gone"
    static let takenForDead = "took this one for dead"

    private let w: Workspace
    private let (primary, standby): (PostgresServer, PostgresServer)
    private let receiver: Receiver
    private let isSynchronous: Bool
    private let size: Size
    private let shop: RunningProcess
    private let begin = clock.now
    private(set) var daemons: [RunningProcess] = []

    /// Makes the servers, and runs a body with daemons and applications at work.
    ///
    /// - Parameters:
    ///   - isSynchronous: Whether commits wait for the standby.
    ///   - size: How much there is to do.
    ///   - body: The rest.
    /// - Throws: Whatever the body throws.
    static func perform(isSynchronous: Bool, _ size: Size, _ body: (FailoverRun) async throws -> Void) async throws {
        let primary = try PostgresServer(settings: ["wal_keep_size=1GB"])
        let standby = try PostgresServer(settings: ["wal_keep_size=1GB"], following: primary)
        if isSynchronous { try primary.waitForStandby() }
        try await withWorkspace(try ServerQueue(on: primary, standby: standby), slots: 2, isLong: true) { w in
            try await body(try await FailoverRun(w, primary, standby, isSynchronous, size))
        }
    }

    private init(
        _ w: Workspace,
        _ primary: PostgresServer,
        _ standby: PostgresServer,
        _ isSynchronous: Bool,
        _ size: Size
    ) async throws {
        (self.w, self.primary, self.standby) = (w, primary, standby)
        (self.isSynchronous, self.size) = (isSynchronous, size)
        receiver = try await w.startReceiver()
        let events = #"["refund.processing", "refund.settled", "refund.failed"]"#
        try w.configure("webhook", ["url": "\"\(receiver.url("take"))\"", "events": events])
        try await w.startSimulator()
        try await w.initDatabase()
        for _ in 0..<3 { daemons.append(try await w.startDaemon()) }
        let place = try #require(w.server).place
        shop = try w.startPython("shop.py", [place, "\(size.refunds)", "\(size.seconds)", w.path("shop.log")])
    }

    // MARK: - What happens to them

    /// Kills a daemon, and starts another one in its place.
    ///
    /// - Returns: How long it took until its work was taken over.
    func killDaemon() async throws -> Duration {
        try await settle(size.refunds / 40)
        let daemon = daemons.removeFirst()
        let start = Self.clock.now
        daemon.kill()
        let time = try await takeOver(of: daemon, since: start)
        daemons.append(try await w.startDaemon())
        return time
    }

    /// Stops a daemon for a while, which learns then that it was taken for dead.
    ///
    /// - Returns: How long it took until its work was taken over.
    func stopDaemon() async throws -> Duration {
        let daemon = daemons[0]
        let start = Self.clock.now
        daemon.signal(SIGSTOP)
        let time = try await takeOver(of: daemon, since: start)
        try await Self.clock.sleep(until: start + size.stop)
        daemon.signal(SIGCONT)
        try await daemon.waitForErrors(containing: Self.takenForDead)
        return time
    }

    private func takeOver(of daemon: RunningProcess, since start: ContinuousClock.Instant) async throws -> Duration {
        try await eventually("process \(daemon.id) is taken over") {
            daemons.contains { other in
                other.errors.split(separator: "\n").contains {
                    $0.contains(Self.gone) && $0.contains("(process \(daemon.id))")
                }
            }
        }
        return start.duration(to: Self.clock.now)
    }

    /// Ends the primary, and promotes the standby; one that nothing waits for is half a second behind.
    ///
    /// - Returns: How long after the promotion the next refund was settled.
    func failOver() async throws -> Duration {
        try await settle(size.refunds / 10)
        if !isSynchronous {
            try standby.cutOff()
            try await Self.clock.sleep(for: .milliseconds(500))
        }
        try primary.kill()
        try standby.promote()
        let promoted = Self.clock.now
        try await eventually("a refund settled on the new primary") {
            try await w.sql("SELECT 1 FROM refund_event_log WHERE position > 1000000 LIMIT 1").count == 1
        }
        return promoted.duration(to: Self.clock.now)
    }

    private func settle(_ count: Int) async throws {
        try await eventually("\(count) refunds settled") {
            try await w.sql("SELECT 1 FROM refund_queue WHERE state = 'settled' LIMIT \(count)").count == count
        }
    }

    // MARK: - The end

    /// Waits for the end of everything, and looks at it.
    ///
    /// - Returns: What became of everything, and the refunds per second.
    func finish() async throws -> (audit: Audit, pace: Int) {
        // A claim of the old primary whose end an asynchronous standby has not received runs out after 75 seconds.
        let limit = Duration.seconds(180 + size.refunds / 50)
        #expect(try await shop.exitCode(within: limit) == 0, "\(shop.errors)")
        try await eventually("the end of everything", within: limit) {
            let open = try await w.sql(
                """
                SELECT 1 FROM refund_queue WHERE state IN ('pending', 'processing')
                UNION ALL SELECT 1 FROM refund_webhooks WHERE state = 'pending' LIMIT 1
                """
            )
            return open.isEmpty
        }
        let seconds = begin.duration(to: Self.clock.now) / .seconds(1)
        for daemon in daemons {
            daemon.signal(SIGTERM)
            #expect(try await daemon.exitCode() == 0, "\(daemon.errors)")
        }
        let verify = try await w.refundd("verify")
        #expect(verify.exitCode == 0, "\(verify.output)")
        let place = try #require(w.server).place
        let audit = try await w.runPython("audit.py", [place, w.path("shop.log"), receiver.log])
        try #require(audit.exitCode == 0, "\(audit.errors)")
        return (Audit(json: try audit.json), Int(Double(size.refunds) / seconds))
    }

    /// The gaps between positions that were recorded.
    func gaps() async throws -> [Int64] {
        try await w.sql("SELECT before - after AS width FROM refund_event_gaps").compactMap { $0["width"].integer }
    }
}
