import RefundStore
import RefundStorePostgres
import RefundStorePostgresSupport
import Testing

/// What is found out about a queue's schema.
struct SchemaCheckTests {
    private let database: PostgresFixture

    init() throws {
        database = try PostgresFixture()
    }

    private func problems() throws -> [String] {
        try database.store.read { tx throws(StoreError) in try tx.schemaProblems() }
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
                "trigger refund_queue_state is missing or disabled; somebody dropped or disabled it",
                "trigger refund_queue_delete is missing or disabled; somebody dropped or disabled it",
                "index refund_queue_turns is missing or disabled; somebody dropped or disabled it",
            ]
        )
    }

    @Test(arguments: [
        (
            "CREATE OR REPLACE FUNCTION refund_queue_state() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$",
            "function refund_queue_state is not as refundd made it; somebody changed it"
        ),
        (
            """
            DROP TRIGGER refund_queue_state ON refund_queue; CREATE TRIGGER refund_queue_state BEFORE UPDATE OF attention
            ON refund_queue FOR EACH ROW EXECUTE FUNCTION refund_queue_state()
            """, "trigger refund_queue_state is not as refundd made it; somebody changed it"
        ),
        (
            """
            DROP TRIGGER refund_queue_delete ON refund_queue; CREATE TRIGGER refund_queue_delete AFTER DELETE
            ON refund_queue FOR EACH ROW EXECUTE FUNCTION refund_keep('a refund is never deleted')
            """, "trigger refund_queue_delete is not as refundd made it; somebody changed it"
        ),
    ])
    func changedGuardIsReported(statements: String, problem: String) throws {
        try database.execute("SET search_path = \(database.settings.schema)")
        try database.execute(statements)
        #expect(try problems() == [problem])
    }
}
