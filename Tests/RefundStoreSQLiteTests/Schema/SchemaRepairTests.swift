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

    // MARK: - Tables

    private static let tables = [
        "refund_queue", "refund_transitions", "refund_event_log", "refund_outbox", "refund_outbox_attempts",
        "refund_actions", "refund_hints", "refund_gateways", "refund_incidents", "refund_endpoints", "refund_breakers",
        "refund_counts", "refund_replaced", "refund_pauses", "refund_heartbeat",
    ]

    /// A queue with rows in its most important tables.
    private func fill() throws {
        for number in 1...3 { try database.enqueue("R-\(number)") }
        try database.daemon.happen(to: 1) { $0.answered(.settled) }
        try database.daemon.finish(try #require(try database.daemon.claim().first), .failed, retryAt: later(5))
        try database.store.write { tx throws(StoreError) in try tx.requestQuery(2, by: "ada", at: now) }
    }

    /// Rebuilds a table without its keys, defaults, indexes and guards, as a careless tool does.
    private func rebuild(_ table: String, columns: String = "*") throws {
        try database.execute(
            """
            PRAGMA foreign_keys = OFF;
            PRAGMA legacy_alter_table = ON;
            CREATE TABLE rebuilt AS SELECT \(columns) FROM \(table);
            DROP TABLE \(table);
            ALTER TABLE rebuilt RENAME TO \(table);
            PRAGMA legacy_alter_table = OFF;
            """
        )
    }

    private func expectRepaired() throws {
        #expect(try problems() == [])
        #expect(try database.store.read { tx throws(StoreError) in try tx.integrity(limit: 10) } == Integrity())
        try database.enqueue("R-9", ["expected_amount": "'1.50'", "expected_currency": "'EUR'"])
        #expect(throws: DatabaseError.self) { try database.enqueue("R-9") }
        #expect(throws: DatabaseError.self) { try database.execute("DELETE FROM refund_queue") }
        let id = Int64(try database.number("SELECT max(id) FROM refund_queue"))
        try database.daemon.happen(to: id) { $0.answered(.failed) }
        #expect(try problems() == [])
    }

    @Test(arguments: tables)
    func rebuiltTableHasItsKeysAndDefaultsAgain(table: String) throws {
        try fill()
        let rows = try Set(database.texts("SELECT * FROM \(table)"))
        try rebuild(table)
        #expect(try database.store.hasForeignCommits())
        #expect(try Set(database.texts("SELECT * FROM \(table)")) == rows)
        try expectRepaired()
    }

    @Test func everyTableRebuiltAtOnceIsRestoredAtTheStart() throws {
        try fill()
        for table in Self.tables { try rebuild(table) }
        let store = try SQLiteStore(path: database.path, access: .readWrite)
        try store.migrate(at: now)
        store.close()
        try expectRepaired()
    }

    @Test func rowsThatCameInWithoutDefaultsAreServed() throws {
        try rebuild("refund_queue")
        try database.execute("INSERT INTO refund_queue (merchant_order_no) VALUES ('R-1')")
        _ = try database.store.hasForeignCommits()
        #expect(try database.daemon.due() == [1])
        #expect(
            try database.texts("SELECT state, gateway, attempts, lease, typeof(created_at) FROM refund_queue")
                == [["pending", "default", "0", "0", "integer"]]
        )
        try expectRepaired()
    }

    @Test func numbersAreNotUsedAgainAfterARebuild() throws {
        try fill()
        try database.execute(
            """
            PRAGMA legacy_alter_table = ON;
            CREATE TABLE rebuilt (id INTEGER PRIMARY KEY AUTOINCREMENT, merchant_order_no, trans_no, merchant_no, gateway,
                created_at);
            INSERT INTO rebuilt SELECT * FROM refund_hints;
            DROP TABLE refund_hints;
            ALTER TABLE rebuilt RENAME TO refund_hints;
            PRAGMA legacy_alter_table = OFF;
            UPDATE sqlite_sequence SET seq = 70 WHERE name = 'refund_hints'
            """
        )
        _ = try database.store.hasForeignCommits()
        try database.execute("INSERT INTO refund_hints (merchant_order_no) VALUES ('R-1')")
        #expect(try database.number("SELECT max(id) FROM refund_hints") == 71)
    }

    @Test func columnsAndTriggersThatTheApplicationAddedSurviveARebuild() throws {
        try fill()
        try database.execute(
            """
            CREATE TABLE audit (id INTEGER);
            ALTER TABLE refund_queue ADD COLUMN "shop's own" TEXT;
            UPDATE refund_queue SET "shop's own" = 'x' || id;
            """
        )
        try rebuild("refund_queue")
        try database.execute(
            """
            CREATE TRIGGER watch AFTER INSERT ON refund_queue BEGIN INSERT INTO audit VALUES (NEW.id); END;
            CREATE INDEX shop ON refund_queue ("shop's own")
            """
        )
        _ = try database.store.hasForeignCommits()
        #expect(try database.column("SELECT \"shop's own\" FROM refund_queue ORDER BY id") == ["x1", "x2", "x3"])
        try expectRepaired()
        #expect(try database.number("SELECT count(*) FROM audit") == 1)
        #expect(try database.number("SELECT count(*) FROM sqlite_master WHERE name = 'shop'") == 1)
    }

    @Test(arguments: [
        "refund_hints", "refund_counts", "refund_breakers", "refund_gateways", "refund_replaced", "refund_pauses",
        "refund_heartbeat",
    ])
    func droppedTableThatRefunddCanFillAgainIsRestored(table: String) throws {
        try fill()
        try database.execute("DROP TABLE \(table)")
        _ = try database.store.hasForeignCommits()
        // A connection that has seen the table go notices its return only with a statement that runs.
        #expect(try database.number("SELECT count(*) FROM refund_queue") == 3)
        try expectRepaired()
    }

    @Test(arguments: [
        ("ALTER TABLE refund_queue RENAME COLUMN trans_no TO gateway_no", "has no column trans_no"),
        ("ALTER TABLE refund_transitions RENAME TO ledger", "refund_transitions is missing"),
    ])
    func renamedTableOrColumnIsNamedAndServedOnceItIsBack(change: String, problem: String) throws {
        try fill()
        try database.execute(change)
        let error = #expect(throws: StoreError.self) {
            _ = try database.store.hasForeignCommits()
            _ = try database.daemon.due()
        }
        #expect(error.map { !$0.isFatal } == true)
        #expect(try problems().contains { $0.contains(problem) })
        try database.execute(
            change.contains("COLUMN")
                ? "ALTER TABLE refund_queue RENAME COLUMN gateway_no TO trans_no"
                : "ALTER TABLE ledger RENAME TO refund_transitions"
        )
        _ = try database.store.hasForeignCommits()
        try expectRepaired()
    }

    // MARK: - Rows

    @Test func rowsThatCameInWithoutTheGuardAreReported() throws {
        try database.execute(
            """
            DROP TRIGGER refund_queue_insert;
            DROP TRIGGER refund_queue_counted;
            INSERT INTO refund_queue (merchant_order_no) VALUES ('R-1'), ('no blank');
            INSERT INTO refund_queue (metadata) VALUES ('{}');
            INSERT INTO refund_queue (merchant_order_no, metadata) VALUES ('R-4', '{"a":1,"a":2}');
            INSERT INTO refund_queue (merchant_order_no, metadata) VALUES ('R-5', 'nonsense');
            INSERT INTO refund_queue (merchant_order_no, callback_url) VALUES ('R-6', 'shop');
            INSERT INTO refund_queue (merchant_order_no, state) VALUES ('R-7', 'lost');
            INSERT INTO refund_queue (merchant_order_no, expected_amount) VALUES ('R-8', '1.50');
            INSERT INTO refund_queue (merchant_order_no, created_at) VALUES ('R-9', 'now');
            INSERT INTO refund_queue (merchant_order_no, state, attention) VALUES ('R-10', 'settled', 'overdue');
            """
        )
        _ = try database.store.hasForeignCommits()
        let reports = database.store.upkeep(at: now).compactMap { event in
            if case .unservable(let refund) = event { refund } else { String?.none }
        }
        let expected = [
            "refund #7 came in past the guards with state lost; it is pending now",
            "refund #9 came in past the guards with no created_at; it is pending now",
            "refund #10 came in past the guards with state settled; it is pending now",
            "refund #2 came in past the guards: merchant_order_no must be text of 1 to 32 characters",
            "refund #3 came in past the guards: give merchant_order_no or trans_no",
            "refund #4 came in past the guards: metadata must not repeat a member within an object",
            "refund #5 came in past the guards: metadata must be the text of a JSON object",
            "refund #6 came in past the guards: callback_url must start with https:// or http://",
            "refund #8 came in past the guards: give expected_amount and expected_currency together",
        ]
        #expect(reports.count == expected.count, "\(reports)")
        for (report, beginning) in zip(reports, expected) { #expect(report.hasPrefix(beginning), "\(report)") }
        #expect(try Set(problems()) == Set(reports.dropFirst(3)))
        let status = try database.store.read { tx throws(StoreError) in try tx.status(at: now) }
        #expect(status.states[.pending] == 10)
        #expect(status.states[.settled] == 0)
        for id in [2, 3, 4, 5, 6, 8] as [Int64] {
            try database.daemon.happen(to: id) { $0.abandoned(reason: "unservable", actor: "ada", at: now) }
        }
        #expect(try problems() == [])
    }

    @Test func guardsThatWereAwayForAWhileLeaveRightCounts() throws {
        try fill()
        let guards = try database.column("SELECT sql FROM sqlite_master WHERE name IN ('refund_queue_delete')")
        try database.execute("DROP TRIGGER refund_queue_delete; DELETE FROM refund_queue WHERE id = 3")
        for sql in guards { try database.execute(sql ?? "") }
        _ = try database.store.hasForeignCommits()
        #expect(try problems() == [])
    }

    @Test func missingCountIsFound() throws {
        try fill()
        try database.execute("DELETE FROM refund_counts WHERE state = 'pending'")
        #expect(try problems() == ["2 number(s) in refund_counts are wrong"])
    }

    @Test func duplicateRefundsAreNamedUntilOneIsAbandoned() throws {
        try database.execute("DROP INDEX refund_queue_order")
        try database.enqueue("R-1")
        try database.enqueue("R-1")
        _ = try database.store.hasForeignCommits()
        guard case .schemaBroken(_, let reason)? = database.store.upkeep(at: now).last else {
            Issue.record("nothing was reported")
            return
        }
        #expect(reason.contains("abandon all but one of #1, #2"))
        try database.daemon.happen(to: 2) { $0.abandoned(reason: "twice", actor: "ada", at: now) }
        try database.sqlite.migrate(at: now)
        try expectRepaired()
    }
}
