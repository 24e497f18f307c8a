import RefundCore
import RefundPostgres
import RefundStoreConformance
import RefundStorePostgresSupport
import Testing

/// What nobody may do to the ledger, the events and the outbox; the owner of the tables included.
struct LedgerGuardTests {
    private let database: PostgresFixture

    init() throws {
        database = try PostgresFixture()
        try database.makeHistory()
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
            try database.expectRefused("refund_transitions: ", [ledger(values)])
            try database.expectRefused(message, [ledger(values)])
        }
        try database.expectRefused(
            "this row id was used again",
            [ledger("3, 1, 0, 'pending', 'processing', 'refundd', NULL, NULL, NULL").replacing("'R-3'", with: "'R-9'")]
        )
        try database.expectRefused(
            "refund_transitions: append-only; leave id out",
            [
                "INSERT INTO refund_transitions (id, refund_id, sequence, at, from_state, to_state, actor) "
                    + "VALUES (77, 3, 1, 0, 'pending', 'pending', 'x')"
            ]
        )
    }

    @Test func historyNeverChanges() throws {
        try database.expectRefused(
            "append-only; a row is never changed",
            ["UPDATE refund_transitions SET reason = 'x'"]
        )
        try database.expectRefused("append-only; an event is never changed", ["UPDATE refund_event_log SET body = ''"])
        try database.expectRefused(
            "append-only; a row is never changed",
            ["UPDATE refund_outbox_attempts SET status = 1"]
        )
        try database.expectRefused("destination of a webhook never change", ["UPDATE refund_outbox SET url = 'x'"])
        try database.expectRefused("positions only ever rise", ["UPDATE refund_event_position SET position = 0"])
        try database.expectRefused(
            "append-only; leave position out",
            ["INSERT INTO refund_event_log (position, at, type, gateway, body) VALUES (9, 0, 'x', 'x', '')"]
        )
        for view in ["refund_events", "refund_webhooks", "refund_webhook_attempts"] {
            try database.expectRefused("\(view): read-only, refundd writes it", ["DELETE FROM \(view)"])
        }
    }

    @Test func sameEventIsLoggedOnce() throws {
        let insert =
            "INSERT INTO refund_event_log (at, type, gateway, body) VALUES (1, 'gateway.needs_attention', 'g', "
        for _ in 0..<2 { try database.execute("\(insert)'{}')") }
        #expect(try database.number("SELECT count(*) FROM refund_events WHERE at = 1") == 1)
        try database.expectRefused("an event is never changed", ["\(insert)'{\"a\":1}')"])
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
        try database.expectRefused("lock timeout", ["SET lock_timeout = '100ms'; \(second)"])
        try other.execute("UPDATE refund_queue SET state = 'processing' WHERE id = 3; COMMIT", until: soon())
        try database.expectRefused("next sequence", [second])
    }
}
