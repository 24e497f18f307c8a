import RefundCore
import RefundStore
import RefundStoreConformance
import RefundStorePostgres
import RefundStorePostgresSupport

/// A schema on a PostgreSQL server, where the application's inserts happen at the simulated time.
final class PostgresSimulationFixture: SimulationFixture {
    private let base: PostgresFixture

    init() throws {
        base = try PostgresFixture()
        let schema = base.settings.schema
        // Runs after the guard of the insert, which wants the server's time.
        try base.execute(
            """
            CREATE FUNCTION \(schema).simulated_time() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                NEW.created_at := current_setting('simulated.now')::bigint;
                NEW.updated_at := NEW.created_at;
                RETURN NEW;
            END $$;
            CREATE TRIGGER simulated_time BEFORE INSERT ON refund_queue FOR EACH ROW
            EXECUTE FUNCTION \(schema).simulated_time()
            """
        )
        setTime(VirtualClock.start)
    }

    var store: any QueueStore { base.store }

    /// Nobody can: a server's database is not a file that is replaced under the daemon.
    var canRestore: Bool { false }

    func openStore() throws -> any QueueStore { try base.openStore() }

    func setTime(_ now: Timestamp) { try? base.execute("SET simulated.now = '\(now.milliseconds)'") }

    func save() throws {}

    func restore() throws {}

    func execute(_ sql: String) throws { try base.execute(sql) }

    func rows(_ sql: String) throws -> [[String?]] { try base.rows(sql) }

    func rows(_ sql: String, _ numbers: [Int64]) throws -> [[String?]] {
        var text = sql
        for number in numbers {
            guard let mark = text.firstIndex(of: "?") else { break }
            text.replaceSubrange(mark...mark, with: "\(number)")
        }
        return try base.rows(text)
    }

    func reject(_ writes: String, of table: String, when condition: String?, _ message: String) throws {
        try base.reject(writes, of: table, when: condition, message)
    }

    func removeGuard(_ name: String, of table: String) throws { try base.removeGuard(name, of: table) }

    func whileLocked(_ body: () throws -> Void) throws { try base.whileLocked(body) }
}
