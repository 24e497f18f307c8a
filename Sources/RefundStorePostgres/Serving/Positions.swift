import RefundCore
import RefundPostgres
package import RefundStore
import Synchronization

/// Keeps the positions of events rising when another server takes over.
enum Positions {
    // Readers have seen positions whose events the new server may lack, so the next ones lie beyond them.
    private static let step = 1_000_000
    // A dump may be days old.
    private static let stepOfACopy = 1_000_000_000

    /// What identifies the server that a connection leads to, and its history.
    private static let server = """
        SELECT ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::integer AS timeline,
        system_identifier AS system FROM pg_control_system()
        """

    /// Moves the positions on, if another server gave the last one, and records the gap.
    static let jump = move(by: step, if: "(p.timeline, p.system) <> (s.timeline, s.system)")

    private static func move(by step: Int, if condition: String) -> String {
        """
        WITH server AS (\(server)), moved AS (
            UPDATE refund_event_position p SET position = p.position + \(step), timeline = s.timeline, system = s.system
            FROM server s WHERE \(condition)
            RETURNING p.position, p.timeline, p.system
        )
        INSERT INTO refund_event_gaps (after, before, at, timeline, system)
        SELECT m.position - \(step), m.position + 1, refund_now(), m.timeline, m.system FROM moved m
        """
    }

    /// Continues positions and the numbers of refunds beyond those used before an older copy was restored, and records it.
    ///
    /// - Returns: The number of the next refund.
    static func accept(by actor: String, at now: Timestamp, _ tx: PostgresTransaction) throws -> Int64 {
        var skipped: [(table: String, after: Int64, through: Int64)] = []
        func note(_ sql: String, of table: String) {
            tx.flight.add(sql).read { row in skipped.append((table, row.integer() ?? 0, row.integer() ?? 0)) }
        }
        note("\(move(by: stepOfACopy, if: "true")) RETURNING after, before - 1", of: "refund_event_log")
        let ids = "'refund_queue_ids'"
        note("SELECT n - 1, setval(\(ids), n - 1 + \(stepOfACopy)) FROM nextval(\(ids)) n", of: "refund_queue")
        try tx.send()
        for (table, after, through) in skipped {
            tx.flight.add("INSERT INTO refund_actions (at, actor, action) VALUES ($1, $2, $3)")
                .bind(now).bind(actor).bind("skip \(table) \(after) \(through)")
        }
        return (skipped.last?.through ?? 0) + 1
    }

    // The highest timeline of each system that this process has seen.
    private static let timelines = Mutex<[Int64: Int64]>([:])

    /// Looks at the server of a new connection, and moves the positions on if it is another one than before.
    ///
    /// - Parameters:
    ///   - connection: The connection.
    ///   - settings: Where the queue is; it need not exist.
    ///   - deadline: When to give up.
    /// - Throws: `PostgresError`; as for a lost connection if the server is a former primary, which lacks what has
    ///   happened since.
    static func follow(
        _ connection: PostgresConnection,
        _ settings: PostgresSettings,
        until deadline: ContinuousClock.Instant
    ) throws(PostgresError) {
        var (system, timeline, exists): (Int64, Int64, Bool) = (0, 0, false)
        let look = Flight()
        look.add(
            "SELECT s.system, s.timeline, to_regclass($1 || '.refund_event_position') IS NOT NULL FROM (\(server)) s"
        )
        .bind(settings.quotedSchema).read { row in
            (system, timeline, exists) = (row.integer() ?? 0, row.integer() ?? 0, row.integer() == 1)
        }
        try connection.run(look, until: deadline)
        let newest = timelines.withLock { known in
            known[system] = max(known[system] ?? 0, timeline)
            return known[system] ?? 0
        }
        guard timeline >= newest else {
            let reason = "the server is a former primary: its timeline is \(timeline), and \(newest) is known"
            throw PostgresError(.disconnected, reason)
        }
        guard exists else { return }
        var isOther = false
        let compare = Flight()
        // A role that only reads may look.
        compare.add("SELECT (timeline, system) <> ($1, $2) FROM refund_event_position").bind(timeline).bind(system)
            .read { isOther = $0.integer() == 1 }
        try connection.run(compare, until: deadline)
        guard isOther else { return }
        let move = Flight()
        move.add(jump)
        try connection.run(move, until: deadline)
    }
}

extension PostgresStore {
    // Each new connection has been checked, and a restored database continues beyond a gap.
    package func checkPositions() throws(StoreError) {}
}
