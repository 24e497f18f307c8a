import Dispatch
import RefundCore
import RefundPostgres
import RefundStore
import RefundStoreConformance
import RefundStorePostgres
import RefundStorePostgresSupport
import Synchronization
import Testing

/// How a queue comes into being, and what is found out about its schema.
struct MigrationTests {
    private let database: PostgresFixture

    init() throws {
        database = try PostgresFixture()
    }

    private func store(_ schema: String) throws -> PostgresStore {
        var settings = database.settings
        settings.schema = schema
        return try PostgresStore(settings)
    }

    private func problems() throws -> [String] {
        try database.store.read { tx throws(StoreError) in try tx.schemaProblems() }
    }

    @Test func migratingAgainChangesNothing() throws {
        try database.store.migrate(at: now)
        try database.store.checkSchema()
        #expect(try database.column("SELECT id FROM refund_migrations") == ["1"])
        #expect(try problems() == [])
    }

    @Test func severalMayMigrateAtOnce() throws {
        let schema = database.settings.schema + " \"at once\""
        let stores = try (0..<4).map { _ in try store(schema) }
        let failures = Mutex<[String]>([])
        DispatchQueue.concurrentPerform(iterations: stores.count) { index in
            do throws(StoreError) {
                try stores[index].migrate(at: now)
            } catch {
                failures.withLock { $0.append("\(error)") }
            }
        }
        #expect(failures.withLock { $0 } == [])
        try stores[0].checkSchema()
    }

    @Test func missingQueueIsReported() throws {
        let error = #expect(throws: StoreError.self) { try store("nothing here").checkSchema() }
        #expect(error?.kind == .notInitialised)
    }

    @Test func queueOfANewerVersionIsReported() throws {
        try database.execute("INSERT INTO refund_migrations (id, name, applied_at) VALUES (99, 'x', 0)")
        for use in [{ try database.store.checkSchema() }, { try database.store.migrate(at: now) }] {
            let error = #expect(throws: StoreError.self) { try use() }
            #expect(error?.kind == .newerSchema)
        }
    }

    @Test func foreignTableIsNotTakenOver() throws {
        let schema = database.settings.schema + "_foreign"
        try database.execute("CREATE SCHEMA \(schema); CREATE TABLE \(schema).refund_queue (i int)")
        let error = #expect(throws: StoreError.self) { try store(schema).migrate(at: now) }
        #expect(error?.kind == .namesTaken)
        #expect(
            try database.number("SELECT count(*) FROM pg_tables WHERE schemaname = '\(schema)'") == 1,
            "nothing is left of it"
        )
    }

    @Test func missingAndDisabledGuardsAreReported() throws {
        try database.execute(
            """
            ALTER TABLE refund_queue DISABLE TRIGGER refund_queue_state; DROP TRIGGER refund_queue_delete ON refund_queue;
            DROP INDEX refund_queue_turns
            """
        )
        #expect(
            try Set(problems()) == [
                "trigger refund_queue_state is missing or disabled",
                "trigger refund_queue_delete is missing or disabled", "index refund_queue_turns is missing or disabled",
            ]
        )
    }

    @Test(arguments: [
        (
            "CREATE OR REPLACE FUNCTION refund_queue_state() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$",
            "function refund_queue_state is changed"
        ),
        (
            """
            DROP TRIGGER refund_queue_state ON refund_queue; CREATE TRIGGER refund_queue_state BEFORE UPDATE OF attention
            ON refund_queue FOR EACH ROW EXECUTE FUNCTION refund_queue_state()
            """, "trigger refund_queue_state is changed"
        ),
        (
            """
            DROP TRIGGER refund_queue_delete ON refund_queue; CREATE TRIGGER refund_queue_delete AFTER DELETE
            ON refund_queue FOR EACH ROW EXECUTE FUNCTION refund_keep('a refund is never deleted')
            """, "trigger refund_queue_delete is changed"
        ),
    ])
    func changedGuardIsReported(statements: String, problem: String) throws {
        try database.execute("SET search_path = \(database.settings.schema)")
        try database.execute(statements)
        #expect(try problems() == [problem])
    }

    @Test func positionsJumpAsSoonAsAnotherServerIsReached() throws {
        let daemon = Daemon(database)
        try daemon.happen(to: try database.enqueue("R-1")) { $0.answered(.settled) }
        try database.execute("UPDATE refund_event_position SET timeline = 0")
        // A new connection may lead to another server.
        let other = try PostgresStore(database.settings)
        defer { other.close() }
        try daemon.happen(to: try database.enqueue("R-2")) { $0.answered(.settled) }
        #expect(try database.column("SELECT position FROM refund_events") == ["1", "1000002"])
        #expect(try problems() == [])
    }

    @Test func positionsContinueBeyondAGapOnAnotherServer() throws {
        let daemon = Daemon(database)
        try daemon.happen(to: try database.enqueue("R-1")) { $0.answered(.settled) }
        try database.execute("UPDATE refund_event_position SET timeline = 0")
        for _ in 0..<2 { try database.store.migrate(at: now) }
        try daemon.happen(to: try database.enqueue("R-2")) { $0.answered(.settled) }
        #expect(try database.column("SELECT position FROM refund_events") == ["1", "1000002"])
        #expect(try database.rows("SELECT after, before FROM refund_event_gaps") == [["1", "1000002"]])
        #expect(try problems() == [])
    }

    @Test func countsAreTheSameOnceTheyAreFolded() throws {
        let daemon = Daemon(database)
        for number in 1...3 { try database.enqueue("R-\(number)") }
        try daemon.happen(to: 1) { $0.answered(.settled) }
        let counted = "SELECT counted, state, number FROM refund_counted ORDER BY 1, 2"
        let before = try database.rows(counted)
        _ = database.store.upkeep(at: now)
        #expect(try database.number("SELECT count(*) FROM refund_count_changes") == 0)
        #expect(try database.rows(counted) == before)
        #expect(try problems() == [])
    }
}
