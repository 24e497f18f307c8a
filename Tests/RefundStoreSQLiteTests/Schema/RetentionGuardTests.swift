import GRDB
import RefundCore
import RefundStore
import RefundStoreConformance
import RefundStoreSQLite
import RefundStoreSQLiteSupport
import Testing

/// Retention deletes what is finished and old, and records it; nobody deletes anything else.
struct RetentionGuardTests {
    private let database: SQLiteFixture
    private static let day: Int64 = 86_400_000

    /// Refund 1 is settled and reported, 2 is settled and its webhook waits, 3 is pending, 4 is settled without webhooks.
    init() throws {
        database = try SQLiteFixture()
        for number in 1...4 { try database.enqueue("R-\(number)") }
        try database.daemon.happen(to: 1) { $0.answered(.settled) }
        try database.daemon.finish(try #require(try database.daemon.claim().first), .accepted)
        try database.daemon.happen(to: 2) { $0.answered(.settled) }
        try database.daemon.happen(to: 4, url: nil) { $0.answered(.settled) }
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
        created_at) SELECT id, (SELECT max(id) FROM refund_pruned), gateway, merchant_no, merchant_order_no, trans_no,
        \(state), created_at FROM refund_queue WHERE id = \(id);
        """
    }

    private func message(_ sql: String) -> String? {
        do {
            try database.application.inDatabase { db in
                try db.inTransaction(.immediate) {
                    try db.execute(sql: sql)
                    return .commit
                }
            }
            return nil
        } catch {
            return "\(error)"
        }
    }

    private static let deletions = [
        ("DELETE FROM refund_queue", "refund_queue: a refund is never deleted; run refundd abandon to stop polling"),
        ("DELETE FROM refund_transitions", "refund_transitions: append-only; a row is never deleted"),
        ("DELETE FROM refund_event_log", "refund_event_log: append-only; an event is never deleted"),
        ("DELETE FROM refund_outbox", "refund_outbox: a webhook is never deleted"),
        ("DELETE FROM refund_outbox_attempts", "refund_outbox_attempts: append-only; a row is never deleted"),
        ("UPDATE refund_event_log SET body = ''", "refund_event_log: append-only; an event is never changed"),
    ]

    @Test(arguments: [false, true], ["", record("webhooks"), record("ledger")])
    func recordAloneLetsNothingGo(recurses: Bool, record: String) throws {
        try database.execute("PRAGMA recursive_triggers = \(recurses); PRAGMA foreign_keys = \(recurses)")
        let before = try database.contents()
        for (statement, expected) in Self.deletions {
            #expect(try #require(message(record + statement), "\(statement)").contains(expected))
        }
        #expect(try database.contents() == before)
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
            Forgery(
                description: "newer verdict",
                sql: record("ledger", age: 7 * day) + tombstone(4),
                expected: prunes
            ),
            Forgery(description: "webhook without a record", sql: "\(marks)", expected: ""),
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
        let before = try database.contents()
        // Marking nothing changes nothing.
        guard !forgery.expected.isEmpty else { return #expect(message(forgery.sql) == nil) }
        #expect(try #require(message(forgery.sql), "accepted").contains(forgery.expected))
        #expect(try database.contents() == before)
        #expect(try database.column("SELECT count(*) FROM refund_pruned") == ["0"])
    }

    @Test(arguments: ["INSERT OR IGNORE", "INSERT OR REPLACE"])
    func numberOfAPrunedRefundIsRefusedHoweverConflictsEnd(verb: String) throws {
        try database.daemon.prune(.ledger, after: 0)
        let message = message("\(verb) INTO refund_queue (merchant_order_no) VALUES ('R-1')")
        #expect(try #require(message).contains("this refund was finished and pruned long ago"))
    }

    @Test func recordsStay() throws {
        try database.daemon.prune(.ledger, after: 0)
        for (table, column) in [("refund_pruned", "refunds"), ("refund_pruned_refunds", "pruning")] {
            for statement in [
                "UPDATE \(table) SET \(column) = 9", "DELETE FROM \(table)",
                "REPLACE INTO \(table) SELECT * FROM \(table)",
            ] {
                #expect(try #require(message(statement), "\(statement)").contains("\(table): append-only"))
            }
        }
    }

    @Test func prunedWebhookStaysAsItIs() throws {
        try database.daemon.prune(.webhooks, after: 0)
        for (statement, expected) in [
            ("UPDATE refund_outbox SET state = 'pending' WHERE pruned_at IS NOT NULL", "it is never sent again"),
            ("UPDATE refund_outbox SET pruned_at = NULL WHERE pruned_at IS NOT NULL", "retention alone prunes"),
            ("UPDATE refund_event_log SET body = 'x' WHERE refund_id = 1", "an event is never changed"),
            ("UPDATE refund_event_log SET body = '', at = 1 WHERE refund_id = 1", "an event is never changed"),
            ("DELETE FROM refund_event_log WHERE refund_id = 1", "an event is never deleted"),
            ("DELETE FROM refund_outbox WHERE refund_id = 1", "a webhook is never deleted"),
        ] {
            #expect(try #require(message(statement), "\(statement)").contains(expected))
        }
    }

    @Test func vanishedRowsAreFoundBesidePrunedOnes() throws {
        #expect(try database.daemon.prune(.ledger, after: 0).rows.refunds == 2)
        func problems() throws -> [String] {
            try database.store.read { tx throws(StoreError) in try tx.schemaProblems() }
        }
        #expect(try problems() == [])
        try database.execute("DROP TRIGGER refund_transitions_delete; DELETE FROM refund_transitions")
        #expect(try problems().contains("refund_transitions lacks 1 of its 3 rows; somebody deleted them"))
        try database.execute("DROP TRIGGER refund_pruned_refunds_delete")
        try database.execute("DELETE FROM refund_pruned_refunds WHERE refund_id = 1")
        let lost = "refund_pruned counts 2 pruned refunds, but refund_pruned_refunds has 1"
        #expect(try problems().contains(lost))
        try database.execute("DROP TRIGGER refund_pruned_delete; DELETE FROM refund_pruned")
        #expect(try problems().contains("refund_pruned lacks 1 of its 1 rows; somebody deleted them"))
    }
}
