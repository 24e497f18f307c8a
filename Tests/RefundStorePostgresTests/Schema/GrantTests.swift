import RefundCore
import RefundPostgres
import RefundStore
import RefundStoreConformance
import RefundStorePostgres
import RefundStorePostgresSupport
import Testing

/// What roles may do that `refundd init` granted their rights.
struct GrantTests {
    private let database: PostgresFixture
    private let application: String
    private let daemon: String

    init() throws {
        database = try PostgresFixture()
        (application, daemon) = ("shop \(database.settings.schema)", "daemon \"\(database.settings.schema)\"")
        for role in [application, daemon] {
            try database.execute("CREATE ROLE \"\(role.replacing("\"", with: "\"\""))\" LOGIN")
        }
        try provider().grant(toApplications: [application], toDaemons: [daemon])
    }

    private func provider(as role: String? = nil) -> PostgresProvider {
        var settings = database.settings
        if let role { settings.servers = settings.servers.map { $0 + [(name: "user", value: role)] } }
        return PostgresProvider(settings)
    }

    /// Returns the state of the error that a statement of the application's role meets; nil if it may run it.
    private func refusal(of sql: String) throws -> String? {
        let connection = try database.connect()
        let soon = ContinuousClock.now.advanced(by: .seconds(30))
        try connection.execute("SET SESSION AUTHORIZATION \"\(application)\"", until: soon)
        do throws(PostgresError) {
            try connection.execute(sql, until: soon)
            return nil
        } catch {
            return error.state?.rawValue
        }
    }

    @Test(arguments: [
        "INSERT INTO refund_queue (merchant_order_no, metadata) VALUES ('R-1', '{\"a\":1}') RETURNING id",
        "INSERT INTO refund_queue (merchant_order_no) VALUES ('R-1') ON CONFLICT DO NOTHING",
        "INSERT INTO refund_queue (merchant_order_no) VALUES ('R-1'); INSERT INTO refund_hints (merchant_order_no) VALUES ('R-1')",
        "SELECT * FROM refund_queue", "SELECT * FROM refund_transitions", "SELECT * FROM refund_events",
        "SELECT * FROM refund_webhooks", "SELECT * FROM refund_webhook_attempts",
    ])
    func applicationInsertsAndReads(sql: String) throws {
        #expect(try refusal(of: sql) == nil)
    }

    @Test(arguments: [
        "UPDATE refund_queue SET callback_url = NULL", "DELETE FROM refund_queue", "TRUNCATE refund_queue CASCADE",
        "SELECT * FROM refund_queue FOR UPDATE", "DELETE FROM refund_hints",
        "INSERT INTO refund_transitions (refund_id, sequence, at, from_state, to_state, actor) VALUES (1, 1, 1, 'a', 'b', 'c')",
        "UPDATE refund_event_position SET position = 7", "DELETE FROM refund_events",
        "UPDATE refund_webhooks SET url = ''",
        "ALTER TABLE refund_queue DISABLE TRIGGER refund_queue_state", "DELETE FROM refund_daemons",
        "SELECT setval('refund_queue_ids', 1)", "CREATE TABLE refund_mine ()",
    ])
    func applicationMayDoNothingElse(sql: String) throws {
        #expect(try refusal(of: sql) == "42501")
    }

    @Test func daemonServesWithoutOwningTheQueue() throws {
        try database.execute("INSERT INTO refund_queue (merchant_order_no) VALUES ('R-1')")
        let store = try provider(as: daemon).open(.readWrite)
        defer { store.close() }
        try store.migrate(at: now)
        try store.checkSchema()
        _ = store.upkeep(at: now)
        _ = try store.write { tx throws(StoreError) in
            try tx.enqueue(NewRefund(columns: [(.merchantOrderNo, "R-2")]))
        }
        try store.write { tx throws(StoreError) in try tx.requestQuery(1, by: "ada", at: now) }
        #expect(try store.read { tx throws(StoreError) in try tx.status(at: now) }.states[.pending] == 2)
    }

    @Test func daemonCannotDisableAGuard() throws {
        let store = try provider(as: daemon).open(.readWrite)
        defer { store.close() }
        let connection = try database.connect()
        let soon = ContinuousClock.now.advanced(by: .seconds(30))
        try connection.execute("SET SESSION AUTHORIZATION \(quoted(daemon))", until: soon)
        for sql in [
            "ALTER TABLE refund_queue DISABLE TRIGGER ALL", "UPDATE refund_queue SET merchant_order_no = 'R-9'",
            "UPDATE refund_outbox SET url = ''", "TRUNCATE refund_transitions", "DROP TABLE refund_hints",
            "UPDATE refund_transitions SET reason = ''", "UPDATE refund_actions SET actor = ''",
        ] {
            let error = #expect(throws: PostgresError.self) { try connection.execute(sql, until: soon) }
            #expect(error?.state == "42501", "\(sql)")
        }
    }

    private func quoted(_ name: String) -> String { "\"\(name.replacing("\"", with: "\"\""))\"" }

    @Test func grantingAgainChangesNothing() throws {
        try provider().grant(toApplications: [application], toDaemons: [daemon, application])
        try provider().grant(toApplications: [], toDaemons: [])
    }

    @Test func unknownRoleIsNamedWithItsRemedy() throws {
        let error = #expect(throws: StoreError.self) { try provider().grant(toApplications: ["sohp"], toDaemons: []) }
        #expect(error?.description.contains("no role \"sohp\"; create it there: CREATE ROLE \"sohp\" LOGIN") == true)
    }

    @Test func roleWithoutARightIsToldHowToGetIt() throws {
        let serving = #expect(throws: StoreError.self) {
            let store = try provider(as: application).open(.readWrite)
            defer { store.close() }
            try store.write { tx throws(StoreError) in try tx.requestQuery(1, by: "ada", at: now) }
        }
        #expect(serving?.kind == .readOnly)
        #expect(
            serving?.description.hasSuffix("as the owner of the schema, run refundd init --grant-daemon ROLE") == true
        )
        var settings = database.settings
        settings.schema += "_new"
        settings.servers = settings.servers.map { $0 + [(name: "user", value: daemon)] }
        let creating = #expect(throws: StoreError.self) {
            try PostgresProvider(settings).initialize(at: now, acceptingRestoredFor: nil)
        }
        #expect(
            creating?.description.hasSuffix("let the role create its schema: GRANT CREATE ON DATABASE … TO …") == true
        )
    }
}
