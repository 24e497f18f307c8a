import GRDB
import RefundCore
import RefundStore
import RefundStoreConformance
import RefundStoreSQLiteSupport
import Testing

@testable import RefundStoreSQLite

/// What a tool drops that rebuilds tables comes back.
struct SchemaRepairTests {
    private let database: SQLiteFixture

    init() throws {
        database = try SQLiteFixture()
        #expect(database.store.upkeep(at: now).isEmpty)
        _ = try database.store.hasForeignCommits()
    }

    private func problems() throws -> [String] {
        try database.store.read { tx throws(StoreError) in try tx.schemaProblems() }
    }

    @Test(arguments: ["TRIGGER refund_queue_delete", "INDEX refund_queue_order", "VIEW refund_events"])
    func droppedObjectIsRestoredAtTheNextLook(object: String) throws {
        try database.execute("DROP \(object)")
        #expect(try problems().count >= 1)
        #expect(try database.store.hasForeignCommits())
        #expect(try problems() == [])
        let events = database.store.upkeep(at: now)
        let names = events.flatMap { event -> [String] in
            guard case .schemaRestored(let names) = event else { return [] }
            return names
        }
        #expect(names.contains(String(object.split(separator: " ")[1])))
        #expect(database.store.upkeep(at: now).isEmpty, "it is reported once")
    }

    @Test func changedGuardIsRestored() throws {
        try database.execute(
            """
            DROP TRIGGER refund_queue_delete;
            CREATE TRIGGER refund_queue_delete BEFORE DELETE ON refund_queue BEGIN SELECT 1; END
            """
        )
        _ = try database.store.hasForeignCommits()
        #expect(throws: DatabaseError.self) {
            try database.enqueue("R-1")
            try database.execute("DELETE FROM refund_queue")
        }
    }

    @Test func applicationsOwnObjectsStay() throws {
        try database.execute(
            """
            CREATE TABLE orders (id INTEGER);
            CREATE TRIGGER watch AFTER INSERT ON refund_queue BEGIN INSERT INTO orders VALUES (NEW.id); END;
            DROP TRIGGER refund_queue_delete
            """
        )
        _ = try database.store.hasForeignCommits()
        try database.enqueue("R-1")
        #expect(try database.number("SELECT count(*) FROM orders") == 1)
    }

    @Test func cycleGoesOnWithoutAnIndexThatItNames() throws {
        try database.enqueue("R-1")
        try database.execute("DROP INDEX refund_queue_due")
        #expect(try database.daemon.due() == [1])
        #expect(database.store.upkeep(at: now) == [.schemaRestored(["refund_queue_due"])])
    }

    @Test func rebuiltTableHasItsGuardsAndRightCountsAgain() throws {
        try database.enqueue("R-1")
        try database.execute(
            """
            CREATE TABLE copy AS SELECT * FROM refund_queue;
            ALTER TABLE refund_queue RENAME TO old;
            """
        )
        let sql = try #require(try database.column("SELECT sql FROM sqlite_master WHERE name = 'old'").first ?? nil)
        try database.execute(
            """
            PRAGMA foreign_keys = OFF;
            DROP VIEW refund_events; DROP VIEW refund_webhooks; DROP VIEW refund_webhook_attempts;
            DROP TABLE IF EXISTS none;
            """
        )
        for name in try database.column("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'old'") {
            try database.execute("DROP TRIGGER \(name ?? "")")
        }
        try database.execute("DROP TABLE old")
        try database.execute(sql.replacing("\"old\"", with: "refund_queue"))
        try database.execute(
            """
            INSERT INTO refund_queue SELECT * FROM copy;
            INSERT INTO refund_queue (merchant_order_no) VALUES ('R-2');
            DROP TABLE copy
            """
        )
        #expect(try database.number("SELECT number FROM refund_counts WHERE counted = 'refund_queue'") != 2)
        _ = try database.store.hasForeignCommits()
        #expect(try problems() == [])
        #expect(
            try database.number("SELECT number FROM refund_counts WHERE counted = 'refund_queue' AND state = 'pending'")
                == 2
        )
        #expect(throws: DatabaseError.self) { try database.execute("DELETE FROM refund_queue") }
    }

    @Test func missingGuardIsRestoredAtTheStart() throws {
        try database.execute("DROP TRIGGER refund_transitions_delete")
        let store = try SQLiteStore(path: database.path, access: .readWrite)
        try store.migrate(at: now)
        #expect(try problems() == [])
        #expect(store.upkeep(at: now) == [.schemaRestored(["refund_transitions_delete"])])
    }

    @Test func indexThatCannotBeRestoredIsReported() throws {
        try database.execute("DROP INDEX refund_queue_order")
        try database.enqueue("R-1")
        try database.enqueue("R-1")
        _ = try database.store.hasForeignCommits()
        guard case .schemaBroken(let name, let reason)? = database.store.upkeep(at: now).first else {
            Issue.record("nothing was reported")
            return
        }
        #expect(name == "refund_queue_order")
        #expect(reason.contains("UNIQUE"))
    }
}
