import RefundCore
import RefundPostgres
import RefundStoreConformance
import RefundStorePostgresSupport
import Testing

/// What nobody may do to a refund that is in the queue, or delete; the owner of the tables included.
struct QueueGuardTests {
    private let database: PostgresFixture

    init() throws {
        database = try PostgresFixture()
        try database.makeHistory()
    }

    @Test func nothingIsEverDeleted() throws {
        for (table, message) in [
            ("refund_queue", "a refund is never deleted; run refundd abandon to stop polling"),
            ("refund_transitions", "append-only; a row is never deleted"),
            ("refund_event_log", "append-only; an event is never deleted"),
            ("refund_outbox", "a webhook is never deleted"),
            ("refund_outbox_attempts", "append-only; a row is never deleted"),
            ("refund_migrations", "refundd alone writes it"),
        ] {
            try database.expectRefused(
                "\(table): \(message)",
                ["DELETE FROM \(table)"] + (table == "refund_queue" ? [] : ["TRUNCATE \(table)"])
            )
        }
        try database.expectRefused("never deleted", ["TRUNCATE refund_queue CASCADE"])
        try database.expectRefused(
            "a refund is never deleted",
            ["MERGE INTO refund_queue q USING (SELECT 1) x ON q.id = 1 WHEN MATCHED THEN DELETE"]
        )
        try database.expectRefused("positions only ever rise", ["DELETE FROM refund_event_position"])
    }

    @Test func identityOfARefundNeverChanges() throws {
        try database.expectRefused(
            "refund_queue: the identity and the expected amount of a refund never change",
            [
                "id = 9", "merchant_order_no = 'x'", "trans_no = 'x'", "merchant_no = 'x'", "gateway = 'x'",
                "expected_amount = '1'", "expected_currency = 'EUR'", "created_at = 0",
            ].map { "UPDATE refund_queue SET \($0) WHERE id = 3" }
        )
    }

    @Test func stateChangesOnlyWithItsLedgerRow() throws {
        let message = """
            refund_queue: state and attention change only together with their row in refund_transitions, \
            which refundd writes
            """
        try database.expectRefused(
            message,
            [
                "UPDATE refund_queue SET state = 'settled' WHERE id = 3",
                "UPDATE refund_queue SET attention = 'overdue' WHERE id = 3",
                "UPDATE refund_queue SET attention = NULL WHERE id = 2",
                """
                INSERT INTO refund_queue (merchant_order_no) VALUES ('R-3')
                ON CONFLICT (gateway, coalesce(merchant_no, ''), merchant_order_no)
                WHERE merchant_order_no IS NOT NULL AND state <> 'abandoned' DO UPDATE SET state = 'settled'
                """,
            ]
        )
        try database.expectRefused(
            "refund_queue: unknown state",
            ["NULL", "'lost'", "''"].map { "UPDATE refund_queue SET state = \($0) WHERE id = 3" }
        )
        try database.expectRefused(
            "refund_queue: a final state never changes",
            ["UPDATE refund_queue SET state = 'processing' WHERE id = 1"]
        )
    }
}
