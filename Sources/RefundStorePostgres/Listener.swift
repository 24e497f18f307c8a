import Foundation
import RefundCore
import RefundPostgres
import RefundStore
import Synchronization

/// Wakes the daemon when another process has committed, on a connection and a thread of its own.
///
/// `NOTIFY` slows every insert of every application down, so the server sends it only while a daemon says that it
/// sleeps. A daemon that runs one cycle after the other sees whatever is committed anyway.
final class Listener: WakeSource {
    // A daemon without a cycle for so long sleeps.
    private static let restAfter: Duration = .milliseconds(25)
    // A commit that asked just before the daemon said that it sleeps ends within this time.
    private static let secondLook: Duration = .milliseconds(30)
    private static let heartbeat: Duration = .seconds(5)
    private static let reconnectAfter: Duration = .milliseconds(250)
    // So many cycles between two heartbeats are work.
    private static let busyCycles = 100

    private let session: Session
    private let wake: @Sendable () -> Void
    private let report: @Sendable (StoreEvent) -> Void
    private let doorbell = Interruption()
    private let isStopped = Atomic(false)
    private let cycles = Atomic(0)

    /// Begins to listen.
    ///
    /// - Parameters:
    ///   - session: Makes connections.
    ///   - wake: Called after a commit, now and then without one, and often while there is no connection.
    ///   - report: Called when the connection is lost, once until there is one again.
    init(
        _ session: Session,
        wake: @escaping @Sendable () -> Void,
        report: @escaping @Sendable (StoreEvent) -> Void
    ) {
        (self.session, self.wake, self.report) = (session, wake, report)
        let thread = Thread { [self] in run() }
        thread.name = "refundd.listener"
        thread.start()
    }

    /// A cycle reads the queue anyway, and its own commit sends no notification: only other cycles' rows do.
    func pause() {}

    func resume(looks: Bool) { cycles.add(1, ordering: .relaxed) }

    func stop() {
        isStopped.store(true, ordering: .relaxed)
        doorbell.interrupt()
    }

    // MARK: - The thread

    private var mayRun: Bool { !isStopped.load(ordering: .relaxed) }

    private func run() {
        var isReported = false
        while mayRun {
            do {
                try listen { isReported = false }
            } catch {
                if mayRun, !isReported {
                    report(.commitsUnwatched(reason: "\(error)"))
                    isReported = true
                }
                if mayRun { wake() }
                Thread.sleep(forTimeInterval: Self.reconnectAfter.inSeconds)
            }
        }
    }

    private func listen(_ connected: () -> Void) throws(PostgresError) {
        let connection = try session.connect(doorbell)
        let daemon = Registration(connection)
        try daemon.begin()
        connected()
        defer { try? daemon.end() }
        while mayRun {
            try awaitRest(connection)
            try daemon.sleep()
            wake()
            try awaitWork(connection, Self.secondLook)
            wake()
            var seen = cycles.load(ordering: .relaxed)
            while mayRun {
                try awaitWork(connection, Self.heartbeat)
                // Looks even if nothing was heard: a lost notification costs five seconds, not a refund.
                wake()
                let now = cycles.load(ordering: .relaxed)
                if now - seen > Self.busyCycles { break }
                seen = now
                try daemon.sleep()
            }
            try daemon.wakeUp()
        }
    }

    // Waits until no cycle has run for a while.
    private func awaitRest(_ connection: PostgresConnection) throws(PostgresError) {
        var seen = cycles.load(ordering: .relaxed)
        while mayRun {
            _ = try connection.awaitNotification(until: .now.advanced(by: Self.restAfter))
            let now = cycles.load(ordering: .relaxed)
            if now == seen { return }
            seen = now
        }
    }

    // Passes notifications on until a time is over.
    private func awaitWork(_ connection: PostgresConnection, _ time: Duration) throws(PostgresError) {
        let end = ContinuousClock.now.advanced(by: time)
        while mayRun, try connection.awaitNotification(until: end) { wake() }
    }
}

/// The row of a daemon in `refund_daemons`, as other processes see it.
///
/// Its id is drawn at random: a sequence may repeat itself after a failover to a standby that lagged behind.
struct Registration {
    // Longer than a heartbeat, so that a sleeping daemon stays asleep between two.
    private static let sleepMilliseconds: Int64 = 15_000

    let connection: PostgresConnection
    let id = Int64.random(in: 1...Int64(Int32.max))

    init(_ connection: PostgresConnection) {
        self.connection = connection
    }

    /// Registers the daemon, and listens.
    func begin() throws(PostgresError) {
        let insert = """
            INSERT INTO refund_daemons (id, host, pid, version, started, seen)
            VALUES ($1, $2, $3, $4, refund_now(), refund_now())
            """
        try run { flight in
            flight.add("LISTEN refund_queue")
            flight.add("DELETE FROM refund_daemons WHERE seen < refund_now() - 3600000")
            flight.add(insert).bind(id).bind(ProcessInfo.processInfo.hostName).bind(Int(getpid())).bind("")
        }
    }

    /// Has the server send notifications.
    func sleep() throws(PostgresError) { try mark("refund_now() + \(Self.sleepMilliseconds)") }

    /// Has the server send none.
    func wakeUp() throws(PostgresError) { try mark("0") }

    /// Removes the row.
    func end() throws(PostgresError) {
        try run { $0.add("DELETE FROM refund_daemons WHERE id = $1").bind(id) }
    }

    private func mark(_ time: String) throws(PostgresError) {
        try run { flight in
            flight.add("UPDATE refund_daemons SET seen = refund_now(), wakes_at = \(time) WHERE id = $1").bind(id)
        }
    }

    private func run(_ body: (Flight) -> Void) throws(PostgresError) {
        let flight = Flight()
        body(flight)
        try connection.run(flight, until: .now.advanced(by: .seconds(10)))
    }
}
