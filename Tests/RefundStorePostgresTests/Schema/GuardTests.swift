import RefundCore
import RefundPostgres
import RefundStoreConformance
import RefundStorePostgresSupport
import Testing

/// What nobody may do to refunds, ledger, events and webhooks, the owner of the tables included.
struct GuardTests {
    private let database: PostgresFixture

    /// A refund that was settled, one that needs attention, and one that is pending.
    init() throws {
        database = try PostgresFixture()
        let daemon = Daemon(database)
        for number in 1...3 { try database.enqueue("R-\(number)") }
        try daemon.happen(to: 1) { $0.answered(.settled) }
        try daemon.happen(to: 2, isOld: true) { $0.aged(at: now) }
        for delivery in try daemon.claim() { try daemon.finish(delivery, .accepted) }
    }

    private func expectRefused(_ message: String, _ statements: [String]) throws {
        for statement in statements {
            let error = #expect(throws: PostgresError.self, "\(statement)") { try database.execute(statement) }
            #expect(error?.message.contains(message) == true, "\(statement): \(error?.message ?? "")")
        }
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
            try expectRefused(
                "\(table): \(message)",
                ["DELETE FROM \(table)"] + (table == "refund_queue" ? [] : ["TRUNCATE \(table)"])
            )
        }
        try expectRefused("never deleted", ["TRUNCATE refund_queue CASCADE"])
        try expectRefused(
            "a refund is never deleted",
            ["MERGE INTO refund_queue q USING (SELECT 1) x ON q.id = 1 WHEN MATCHED THEN DELETE"]
        )
        try expectRefused("positions only ever rise", ["DELETE FROM refund_event_position"])
    }

    @Test func identityOfARefundNeverChanges() throws {
        try expectRefused(
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
        try expectRefused(
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
        try expectRefused(
            "refund_queue: unknown state",
            ["NULL", "'lost'", "''"].map { "UPDATE refund_queue SET state = \($0) WHERE id = 3" }
        )
        try expectRefused(
            "refund_queue: a final state never changes",
            ["UPDATE refund_queue SET state = 'processing' WHERE id = 1"]
        )
    }

    private func ledger(_ values: String) -> String {
        let columns = "refund_id, sequence, at, from_state, to_state, actor, reason, verdict, response"
        let (id, rest) = (values.prefix { $0 != "," }, values)
        return """
            INSERT INTO refund_transitions (\(columns), enqueued_at, number)
            SELECT \(rest), (SELECT created_at FROM refund_queue WHERE id = \(id)), 'R-\(id)'
            """
    }

    @Test func ledgerTakesOnlyWhatIsTrue() throws {
        for (values, message) in [
            ("3, 2, 0, 'pending', 'processing', 'refundd', NULL, NULL, NULL", "the next row of a refund has the next"),
            ("3, 1, 0, 'processing', 'settled', 'refundd', NULL, 'settled', ''", "from_state is not the state"),
            ("99, 1, 0, 'pending', 'settled', 'refundd', NULL, 'settled', ''", "from_state is not the state"),
            ("3, 1, 0, 'pending', 'settled', 'refundd', NULL, 'settled', NULL", "carries the signed answer"),
            ("3, 1, 0, 'pending', 'settled', 'refundd', NULL, 'failed', ''", "carries the signed answer"),
            ("3, 1, 0, 'pending', 'abandoned', 'refundd', NULL, NULL, ''", "carries the signed answer"),
            ("3, 1, 0, 'pending', 'settled', 'refundd', NULL, 'lost', ''", "unknown verdict"),
            ("3, 1, 0, 'pending', 'abandoned', ' ', 'lost', NULL, NULL", "names the operator and the reason"),
            ("3, 1, 0, 'pending', 'abandoned', 'eve', '', NULL, NULL", "names the operator and the reason"),
            ("3, 1, 0, 'pending', 'settled', 'eve', 'so', NULL, NULL", "only a refund that needs attention"),
            ("1, 2, 0, 'settled', 'pending', 'refundd', NULL, NULL, NULL", "a final state is never left"),
        ] {
            try expectRefused("refund_transitions: ", [ledger(values)])
            try expectRefused(message, [ledger(values)])
        }
        try expectRefused(
            "this row id was used again",
            [ledger("3, 1, 0, 'pending', 'processing', 'refundd', NULL, NULL, NULL").replacing("'R-3'", with: "'R-9'")]
        )
        try expectRefused(
            "refund_transitions: append-only; leave id out",
            [
                "INSERT INTO refund_transitions (id, refund_id, sequence, at, from_state, to_state, actor) "
                    + "VALUES (77, 3, 1, 0, 'pending', 'pending', 'x')"
            ]
        )
    }

    @Test func historyNeverChanges() throws {
        try expectRefused("append-only; a row is never changed", ["UPDATE refund_transitions SET reason = 'x'"])
        try expectRefused("append-only; an event is never changed", ["UPDATE refund_event_log SET body = ''"])
        try expectRefused("append-only; a row is never changed", ["UPDATE refund_outbox_attempts SET status = 1"])
        try expectRefused("destination of a webhook never change", ["UPDATE refund_outbox SET url = 'x'"])
        try expectRefused("positions only ever rise", ["UPDATE refund_event_position SET position = 0"])
        try expectRefused(
            "append-only; leave position out",
            ["INSERT INTO refund_event_log (position, at, type, gateway, body) VALUES (9, 0, 'x', 'x', '')"]
        )
        for view in ["refund_events", "refund_webhooks", "refund_webhook_attempts"] {
            try expectRefused("\(view): read-only, refundd writes it", ["DELETE FROM \(view)"])
        }
    }

    @Test func sameEventIsLoggedOnce() throws {
        let insert =
            "INSERT INTO refund_event_log (at, type, gateway, body) VALUES (1, 'gateway.needs_attention', 'g', "
        for _ in 0..<2 { try database.execute("\(insert)'{}')") }
        #expect(try database.number("SELECT count(*) FROM refund_events WHERE at = 1") == 1)
        try expectRefused("an event is never changed", ["\(insert)'{\"a\":1}')"])
    }

    @Test func positionsHaveNoGapsAfterARollback() throws {
        let insert = "INSERT INTO refund_event_log (at, type, gateway, body) VALUES "
        try database.execute("BEGIN; \(insert) (1, 'x', 'g', '{}'); ROLLBACK")
        try database.execute("\(insert) (2, 'x', 'g', '{}')")
        let positions = try database.column("SELECT position FROM refund_events")
        #expect(positions == (1...positions.count).map { "\($0)" })
    }

    @Test func secondWriterOfALedgerWaitsAndIsRefused() throws {
        let other = try database.connect()
        func soon() -> ContinuousClock.Instant { .now.advanced(by: .seconds(30)) }
        try other.execute(
            "BEGIN; \(ledger("3, 1, 0, 'pending', 'processing', 'refundd', NULL, NULL, NULL"))",
            until: soon()
        )
        let second = ledger("3, 1, 1, 'pending', 'failed', 'refundd', NULL, 'failed', ''")
        try expectRefused("lock timeout", ["SET lock_timeout = '100ms'; \(second)"])
        try other.execute("UPDATE refund_queue SET state = 'processing' WHERE id = 3; COMMIT", until: soon())
        try expectRefused("next sequence", [second])
    }
}
