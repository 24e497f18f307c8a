import RefundPostgres
import RefundStoreConformance
import RefundStorePostgresSupport
import Testing

/// What the queue takes and refuses.
struct InsertTests {
    private let database: PostgresFixture

    init() throws {
        database = try PostgresFixture()
    }

    private func refusal(_ sql: String) -> String? {
        do {
            try database.execute("BEGIN; \(sql)")
        } catch {
            try? database.execute("ROLLBACK")
            return (error as? PostgresError)?.message ?? "\(error)"
        }
        try? database.execute("ROLLBACK")
        return nil
    }

    @Test func rowThatCanBeServedIsTaken() {
        for row in InsertTable.postgresTaken {
            for end in ["", " ON CONFLICT DO NOTHING"] {
                #expect(refusal(row.statement("INSERT", end)) == nil, "\(row)")
            }
        }
    }

    @Test func rowThatCannotBeServedIsRejectedWithAMessage() {
        for row in InsertTable.postgresRefused {
            for end in ["", " ON CONFLICT DO NOTHING"] {
                #expect(refusal(row.statement("INSERT", end)) == "refund_queue: " + (row.refusal ?? ""), "\(row)")
            }
        }
    }

    @Test func refusalNamesItsColumn() throws {
        let error = #expect(throws: PostgresError.self) {
            try database.execute("INSERT INTO refund_queue (merchant_order_no, attempts) VALUES ('R-1', 1)")
        }
        #expect(error?.state == "23514" && error?.table == "refund_queue" && error?.column == "attempts")
    }

    @Test func everyColumnThatAnApplicationDoesNotWriteIsGuarded() throws {
        let own: Set = [
            "merchant_order_no", "trans_no", "merchant_no", "gateway", "expected_amount", "expected_currency",
            "callback_url", "metadata",
        ]
        let columns = try database.column(
            """
            SELECT attname::text FROM pg_attribute WHERE attrelid = 'refund_queue'::regclass AND attnum > 0
            """
        )
        #expect(Set(columns).subtracting(own) == Set(InsertTable.presets.map(\.column)).union(["id", "claimed_by"]))
    }

    @Test func textIsKeptByteForByte() throws {
        let metadata = #"{"cart":"c-9", "k": "a\u0000b","n":1.50}"#
        try database.enqueue("R-1", ["metadata": "'\(metadata)'"])
        #expect(try database.column("SELECT metadata FROM refund_queue") == [metadata])
    }

    @Test func sameRefundTwiceIsIgnoredOnlyWhereTheInsertSaysSo() throws {
        try database.execute(
            """
            INSERT INTO refund_queue (merchant_order_no) VALUES ('D-1');
            INSERT INTO refund_queue (trans_no) VALUES ('T-1');
            INSERT INTO refund_queue (merchant_order_no, trans_no, merchant_no) VALUES ('D-2', 'T-2', '3121');
            """
        )
        for row in [
            "(merchant_order_no) VALUES ('D-1')", "(merchant_order_no, gateway) VALUES ('D-1', 'default')",
            "(trans_no) VALUES ('T-1')", "(merchant_order_no, trans_no) VALUES ('D-1', 'T-9')",
            "(merchant_order_no, trans_no) VALUES ('D-9', 'T-1')",
            "(merchant_order_no, merchant_no, metadata) VALUES ('D-2', '3121', '{}')",
        ] {
            let message = try #require(refusal("INSERT INTO refund_queue \(row)"))
            #expect(message.contains("\"refund_queue_"), "\(row)")
            try database.execute("INSERT INTO refund_queue \(row) ON CONFLICT DO NOTHING")
        }
        #expect(try database.number("SELECT count(*) FROM refund_queue") == 3)
        for row in [
            "(merchant_order_no, gateway) VALUES ('D-1', 'second')",
            "(merchant_order_no, merchant_no) VALUES ('D-1', '3121')", "(merchant_order_no) VALUES ('D-2')",
            "(trans_no, merchant_no) VALUES ('T-1', '3121')", "(merchant_order_no) VALUES ('d-1')",
        ] {
            try database.execute("INSERT INTO refund_queue \(row) ON CONFLICT DO NOTHING")
        }
        #expect(try database.number("SELECT count(*) FROM refund_queue") == 8)
    }

    @Test func openInsertHoldsUpNoOtherInsert() throws {
        let other = try database.connect()
        try other.execute(
            "BEGIN; INSERT INTO refund_queue (merchant_order_no) VALUES ('R-1')",
            until: .now.advanced(by: .seconds(30))
        )
        try database.execute("SET lock_timeout = '1s'")
        try database.enqueue("R-2")
        #expect(try database.column("SELECT merchant_order_no FROM refund_queue") == ["R-2"])
        try other.execute("ROLLBACK", until: .now.advanced(by: .seconds(30)))
    }
}

extension InsertTable {
    /// Rows that are refunds, also with metadata of another type.
    fileprivate static let postgresTaken =
        taken
        + rows("metadata", [#"'{"a":1}'::json"#, #"'{"a":1}'::jsonb"#, #"'{"a":1}'::varchar"#])

    /// Rows that cannot be served, also because of columns that SQLite has not, and of what fits no stack.
    fileprivate static let postgresRefused: [Row] =
        InsertTable(character: "chr", database: "PostgreSQL").refused
        + [amount("'1e30'::double precision", decimal)]
        + rows("claimed_by", ["1"], "leave claimed_by out, refundd writes it")
        + rows(
            "metadata",
            [
                "'{\"a\":" + String(repeating: "[", count: 8_000) + String(repeating: "]", count: 8_000) + "}'"
            ],
            "metadata must not be nested deeper than 64 levels"
        )
}
