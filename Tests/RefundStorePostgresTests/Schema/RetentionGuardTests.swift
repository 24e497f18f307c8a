import RefundCore
import RefundPostgres
import RefundStore
import RefundStoreConformance
import RefundStorePostgresSupport
import Testing

/// Retention deletes what is finished and old, and records it; nobody deletes anything else.
struct RetentionGuardTests {
    private let database: PostgresFixture
    private let daemon: Daemon
    private static let day: Int64 = 86_400_000
    private static let tables = [
        "refund_queue", "refund_transitions", "refund_event_log", "refund_outbox", "refund_outbox_attempts",
        "refund_pruned", "refund_pruned_refunds",
    ]

    /// Refund 1 is settled and reported, 2 is settled and its webhook waits, 3 is pending, 4 is settled without webhooks.
    init() throws {
        database = try PostgresFixture()
        daemon = Daemon(database)
        for number in 1...4 { try database.enqueue("R-\(number)") }
        try daemon.happen(to: 1) { $0.answered(.settled) }
        try daemon.finish(try #require(try daemon.claim().first), .accepted)
        try daemon.happen(to: 2) { $0.answered(.settled) }
        try daemon.happen(to: 4, url: nil) { $0.answered(.settled) }
    }

    /// An application's record, which lets nothing young or unfinished go.
    private static func record(_ what: String, age: Int64 = 30 * day, keptFor kept: Int64 = 8 * day) -> String {
        let at = now.milliseconds + age
        return """
            INSERT INTO refund_pruned (at, what, until, actor, refunds, transitions, events, webhooks, bodies, attempts)
            VALUES (\(at), '\(what)', \(at - kept), 'mallory', 1, 1, 1, 1, 1, 1);
            """
    }

    private static func tombstone(_ id: Int64, state: String = "state") -> String {
        """
        INSERT INTO refund_pruned_refunds (refund_id, pruning, gateway, merchant_no, merchant_order_no, trans_no, state,
        created_at) SELECT id, coalesce((SELECT max(id) FROM refund_pruned), 0), gateway, merchant_no, merchant_order_no,
        trans_no, \(state), created_at FROM refund_queue WHERE id = \(id);
        """
    }

    // Several statements of one text are one transaction.
    private func message(_ sql: String) -> String? {
        do {
            try database.execute(sql)
            return nil
        } catch {
            return "\(error)"
        }
    }

    private func contents() throws -> [[[String?]]] {
        try Self.tables.map { try database.rows("SELECT * FROM \($0) ORDER BY 1, 2") }
    }

    private static let deletions = [
        ("DELETE FROM refund_queue", "refund_queue: a refund is never deleted; run refundd abandon to stop polling"),
        ("DELETE FROM refund_transitions", "refund_transitions: append-only; a row is never deleted"),
        ("DELETE FROM refund_event_log", "refund_event_log: append-only; an event is never deleted"),
        ("DELETE FROM refund_outbox", "refund_outbox: a webhook is never deleted"),
        ("DELETE FROM refund_outbox_attempts", "refund_outbox_attempts: append-only; a row is never deleted"),
        ("UPDATE refund_event_log SET body = ''", "refund_event_log: append-only; an event is never changed"),
    ]

    @Test(arguments: ["", record("webhooks"), record("ledger")])
    func recordAloneLetsNothingGo(record: String) throws {
        let before = try contents()
        for (statement, expected) in Self.deletions {
            #expect(try #require(message(record + statement), "\(statement)").contains(expected))
        }
        #expect(try contents() == before)
    }

    struct Forgery: CustomStringConvertible {
        var description: String
        var sql: String
        var expected: String
    }

    static let forgeries: [Forgery] = {
        let marks = "UPDATE refund_outbox SET pruned_at = (SELECT at FROM refund_pruned ORDER BY id DESC LIMIT 1)"
        let prunes = "retention alone prunes"
        return [
            Forgery(description: "too young", sql: record("ledger", keptFor: 6 * day), expected: "at least 7 days ago"),
            Forgery(description: "no such thing", sql: record("everything"), expected: "webhooks or ledger"),
            Forgery(description: "refund without a record", sql: tombstone(4), expected: prunes),
            Forgery(description: "another record", sql: record("webhooks") + tombstone(4), expected: prunes),
            Forgery(
                description: "older record",
                sql: record("ledger") + record("webhooks") + tombstone(4),
                expected: prunes
            ),
            Forgery(description: "pending refund", sql: record("ledger") + tombstone(3), expected: prunes),
            Forgery(
                description: "state that it is not in",
                sql: record("ledger") + tombstone(3, state: "'settled'"),
                expected: prunes
            ),
            Forgery(description: "webhook that waits", sql: record("ledger") + tombstone(2), expected: prunes),
            Forgery(description: "newer verdict", sql: record("ledger", age: 7 * day) + tombstone(4), expected: prunes),
            Forgery(description: "mark by hand", sql: "UPDATE refund_outbox SET pruned_at = 1", expected: prunes),
            Forgery(description: "every webhook", sql: record("webhooks") + marks, expected: prunes),
            Forgery(
                description: "unreported webhook",
                sql: record("webhooks") + "\(marks) WHERE refund_id = 2",
                expected: prunes
            ),
            Forgery(
                description: "newer delivery",
                sql: record("webhooks", age: 7 * day) + "\(marks) WHERE refund_id = 1",
                expected: prunes
            ),
            Forgery(
                description: "state at once",
                sql: record("webhooks") + "\(marks), state = 'delivered', delivered_at = 1 WHERE refund_id = 2",
                expected: prunes
            ),
            Forgery(
                description: "wrong record",
                sql: record("ledger") + "\(marks) WHERE refund_id = 1",
                expected: prunes
            ),
            Forgery(
                description: "webhook that comes pruned",
                sql: """
                    INSERT INTO refund_outbox (position, id, refund_id, type, url, endpoint, pruned_at)
                    SELECT position, 'msg', refund_id, type, 'https://a', 'a', 1 FROM refund_event_log WHERE refund_id = 4
                    """,
                expected: "leave pruned_at out"
            ),
        ]
    }()

    @Test(arguments: forgeries)
    func forgedRecordsAreRefused(forgery: Forgery) throws {
        let before = try contents()
        #expect(try #require(message(forgery.sql), "accepted").contains(forgery.expected))
        #expect(try contents() == before)
    }

    @Test func recordsStay() throws {
        try daemon.prune(.ledger, after: 0)
        for table in ["refund_pruned", "refund_pruned_refunds"] {
            for (statement, expected) in [
                ("UPDATE \(table) SET \(table == "refund_pruned" ? "at" : "created_at") = 0", "a row is never changed"),
                ("DELETE FROM \(table)", "a row is never deleted"), ("TRUNCATE \(table)", "a row is never deleted"),
            ] {
                #expect(try #require(message(statement), "\(statement)").contains("\(table): append-only; \(expected)"))
            }
        }
        let refusal = try #require(message(Self.tombstone(3)))
        #expect(refusal.contains("retention alone prunes"), "\(refusal)")
    }

    @Test func pauseIsNeverDeleted() throws {
        try daemon.pause(.gateway("default"))
        for statement in ["DELETE FROM refund_pauses", "TRUNCATE refund_pauses"] {
            let expected = "refund_pauses: a pause is never deleted; run refundd resume to end it"
            #expect(try #require(message(statement)).contains(expected))
        }
    }
}
