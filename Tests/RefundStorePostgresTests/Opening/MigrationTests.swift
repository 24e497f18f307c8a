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
