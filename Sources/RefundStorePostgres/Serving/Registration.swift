import Foundation
import RefundCore
import RefundPostgres
import RefundStore
import Synchronization

/// A daemon's row in `refund_daemons`, and the lock by which others know that it lives.
///
/// Behind a pooler that shares sessions it has no lock, and others only notice that it is no longer seen.
final class Registration {
    /// How long a daemon may be silent before the others take it for dead.
    static let patience: Duration = .seconds(15)
    /// The first number of the locks, which the second one, the daemon's id, completes.
    static let lockClass = "hashtext('refundd daemon ' || current_schema())"
    // Longer than a heartbeat, so that a sleeping daemon stays asleep between two.
    private static let sleepMilliseconds: Int64 = 15_000

    private let connection: PostgresConnection
    private let description: ServingNote
    let id: Int64

    /// Joins the daemons that serve the queue, or goes on as one of them.
    ///
    /// - Parameters:
    ///   - connection: Holds the lock, and hears notifications.
    ///   - description: What the daemon says about itself.
    ///   - id: The daemon's id, the same on every connection.
    /// - Throws: `PostgresError` if the connection fails.
    init(_ connection: PostgresConnection, _ description: ServingNote, id: Int64) throws(PostgresError) {
        (self.connection, self.description, self.id) = (connection, description, id)
        if !connection.isPooled {
            try run { flight in
                flight.add("LISTEN refund_queue")
                // Waits for the server to notice the end of an earlier connection.
                flight.add("SELECT pg_advisory_lock(\(Self.lockClass), $1::integer)").bind(id)
            }
        }
        try join()
    }

    /// Inserts the row, if it is not there.
    func join() throws(PostgresError) {
        let insert = """
            INSERT INTO refund_daemons (id, host, pid, version, started, seen, locks)
            VALUES ($1, $2, $3, $4, refund_now(), refund_now(), \(!connection.isPooled))
            ON CONFLICT (id) DO UPDATE SET seen = refund_now(), locks = excluded.locks
            """
        try run { flight in
            flight.add(insert).bind(id).bind(ProcessInfo.processInfo.hostName).bind(Int(getpid()))
                .bind(description.value?.version ?? "")
            flight.add(Self.notification)
        }
    }

    private static let notification = "SELECT pg_notify('refund_queue', current_schema())"

    /// Whether notifications arrive.
    func isListening() throws(PostgresError) -> Bool {
        if connection.isPooled { return false }
        var channels = 0
        try run { $0.add("SELECT count(*) FROM pg_listening_channels()").read { row in channels = row.count() } }
        return channels > 0
    }

    /// Says that the daemon lives, and whether the server is to notify it.
    ///
    /// - Returns: Whether it is still registered; otherwise the others took it for dead.
    func beat(isAsleep: Bool) throws(PostgresError) -> Bool {
        var isRegistered = false
        let wake = isAsleep ? "refund_now() + \(Self.sleepMilliseconds)" : "0"
        try run { flight in
            flight.add("UPDATE refund_daemons SET seen = refund_now(), wakes_at = \(wake), reloaded = $2 WHERE id = $1")
                .bind(id).bind(description.value?.reloaded).count { isRegistered = $0 == 1 }
        }
        return isRegistered
    }

    /// How many other daemons are registered.
    func others() throws(PostgresError) -> Int {
        var count = 0
        try run { flight in
            flight.add("SELECT count(*) FROM refund_daemons WHERE id <> $1").bind(id).read { count = $0.count() }
        }
        return count
    }

    /// Takes over from daemons that are gone.
    ///
    /// - Returns: Their names, and how many claims each had at most.
    func takeOver() throws(PostgresError) -> [(name: String, claims: Int)] {
        var dead: [(id: Int64, name: String)] = []
        var claims = 0
        do throws(PostgresError) {
            try run { flight in
                flight.add("BEGIN")
                flight.add(TakeOver.deletion(returning: "d.id, d.host, d.pid")).bind(id).read { row in
                    let (id, host, pid) = (row.integer() ?? 0, row.text() ?? "", row.integer() ?? 0)
                    dead.append((id, "\(host) (process \(pid))"))
                }
            }
            try run { flight in
                if !dead.isEmpty {
                    for sql in TakeOver.releases("claimed_by = ANY ($1)") {
                        flight.add(sql).bind(list: dead.map(\.id)).count { claims += $0 }
                    }
                    for daemon in dead {
                        flight.add("INSERT INTO refund_actions (at, actor, action) VALUES (refund_now(), $1, $2)")
                            .bind(Transition.refundd).bind(TakeOver.action + daemon.name)
                    }
                    flight.add(Self.notification)
                }
                flight.add("COMMIT")
            }
        } catch {
            if case .refused = error.kind { try connection.execute("ROLLBACK", until: .now.advanced(by: Self.timeout)) }
            throw error
        }
        return dead.map { ($0.name, claims) }
    }

    /// Leaves.
    func end() throws(PostgresError) {
        try run { flight in
            flight.add("DELETE FROM refund_daemons WHERE id = $1").bind(id)
            flight.add(Self.notification)
        }
    }

    private static let timeout: Duration = .seconds(10)

    private func run(_ body: (Flight) -> Void) throws(PostgresError) {
        let flight = Flight()
        body(flight)
        try connection.run(flight, until: .now.advanced(by: Self.timeout))
    }
}

/// What a daemon says about itself to other processes.
final class ServingNote: Sendable {
    private let note = Mutex<ServingDaemon?>(nil)

    /// The latest; nil until it has said anything.
    var value: ServingDaemon? {
        get { note.withLock { $0 } }
        set { note.withLock { $0 = newValue } }
    }
}
