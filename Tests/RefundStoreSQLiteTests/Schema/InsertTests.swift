import RefundCore
import RefundStore
import RefundStoreConformance
import RefundStoreSQLite
import RefundStoreSQLiteSupport
import Testing

/// What the queue takes and refuses, whichever program inserts and however it words the insert.
struct InsertTests {
    static let pragmas = [
        [], ["PRAGMA recursive_triggers = ON", "PRAGMA foreign_keys = ON"],
    ]
    private let database: SQLiteFixture

    init() throws {
        database = try SQLiteFixture()
        try database.execute(
            """
            INSERT INTO refund_queue (merchant_order_no) VALUES ('D-1');
            INSERT INTO refund_queue (trans_no) VALUES ('T-1');
            INSERT INTO refund_queue (merchant_order_no, trans_no, merchant_no) VALUES ('D-2', 'T-2', '3121');
            """
        )
    }

    private func run(
        _ program: Program,
        _ pragmas: [String],
        _ rows: [InsertTable.Row],
        _ check: (InsertTable.Row, String, Program.Outcome) -> Void
    ) throws {
        let contents = try database.contents()
        let cases = rows.flatMap { row in
            InsertTable.forms.map { (row: row, statement: row.statement($0.verb, $0.end)) }
        }
        let outcomes = try program.run(cases.map(\.statement), on: database.path, pragmas: pragmas)
        #expect(outcomes.count == cases.count)
        for (entry, outcome) in zip(cases, outcomes) { check(entry.row, entry.statement, outcome) }
        #expect(try database.contents() == contents)
    }

    @Test(arguments: Program.allCases, pragmas)
    func rowThatCanBeServedIsTaken(program: Program, pragmas: [String]) throws {
        try run(program, pragmas, InsertTable.sqliteTaken) { _, statement, outcome in
            #expect(outcome == .taken(new: 1), "\(statement)")
        }
    }

    @Test(arguments: Program.allCases, pragmas)
    func rowThatCannotBeServedIsRejectedWithAMessage(program: Program, pragmas: [String]) throws {
        try run(program, pragmas, InsertTable.sqliteRefused) { row, statement, outcome in
            #expect(outcome == .refused("refund_queue: " + (row.refusal ?? "")), "\(statement)")
        }
    }

    @Test(arguments: Program.allCases)
    func idThatIsNoNumberIsRefusedToo(program: Program) throws {
        let row = InsertTable.Row(columns: [("id", "'abc'"), ("merchant_order_no", "'R-1'")], refusal: "")
        try run(program, [], [row]) { _, statement, outcome in
            #expect(outcome == .refused("datatype mismatch"), "\(statement)")
        }
    }

    @Test func everyRefusalNamesItsColumn() throws {
        for row in InsertTable.sqliteRefused {
            let refusal = try #require(row.refusal)
            let isNamed = row.columns.contains { refusal.contains($0.name == "rowid" ? "id" : $0.name) }
            #expect(isNamed || refusal == "give merchant_order_no or trans_no", "\(row): \(refusal)")
        }
    }

    @Test func everyColumnThatAnApplicationDoesNotWriteIsGuarded() throws {
        let own: Set = [
            "merchant_order_no", "trans_no", "merchant_no", "gateway", "expected_amount", "expected_currency",
            "callback_url", "metadata",
        ]
        let columns = Set(try database.column("SELECT name FROM pragma_table_info('refund_queue')"))
        #expect(columns.subtracting(own) == Set(InsertTable.presets.map(\.column)).union(["id"]))
    }

    // MARK: - The same refund twice

    static let same: [String] = [
        "(merchant_order_no) VALUES ('D-1')", "(merchant_order_no, gateway) VALUES ('D-1', 'default')",
        "(trans_no) VALUES ('T-1')", "(merchant_order_no, trans_no) VALUES ('D-1', 'T-9')",
        "(merchant_order_no, trans_no) VALUES ('D-9', 'T-1')", "(merchant_order_no, trans_no) VALUES ('D-1', 'T-1')",
        "(merchant_order_no, trans_no, merchant_no) VALUES ('D-2', 'T-2', '3121')",
        "(merchant_order_no, merchant_no, metadata) VALUES ('D-2', '3121', '{}')",
        "(merchant_order_no) SELECT 'D-1'",
    ]
    static let different: [String] = [
        "(merchant_order_no, gateway) VALUES ('D-1', 'second')",
        "(merchant_order_no, merchant_no) VALUES ('D-1', '3121')",
        "(merchant_order_no) VALUES ('D-2')", "(trans_no, merchant_no) VALUES ('T-1', '3121')",
        "(merchant_order_no) VALUES ('T-1')", "(trans_no) VALUES ('D-1')", "(merchant_order_no) VALUES ('d-1')",
    ]

    @Test(arguments: Program.allCases, pragmas)
    func sameRefundTwiceIsIgnoredOnlyWhereTheInsertSaysSo(program: Program, pragmas: [String]) throws {
        let contents = try database.contents()
        // A WHERE keeps the parser from taking ON for the constraint of a join.
        let ignoring = Self.same.map { row in
            "INSERT INTO refund_queue \(row)\(row.contains("SELECT") ? " WHERE true" : "") ON CONFLICT DO NOTHING"
        }
        let statements = Self.same.map { "INSERT OR IGNORE INTO refund_queue \($0)" } + ignoring
        for outcome in try program.run(statements, on: database.path, pragmas: pragmas) {
            #expect(outcome == .taken(new: 0))
        }
        let loud = ["INSERT", "INSERT OR ABORT", "INSERT OR FAIL"].flatMap { verb in
            Self.same.map { "\(verb) INTO refund_queue \($0)" }
        }
        for (statement, outcome) in zip(loud, try program.run(loud, on: database.path, pragmas: pragmas)) {
            guard case .refused(let message) = outcome,
                message.contains("UNIQUE constraint failed: index 'refund_queue_")
            else {
                Issue.record("\(statement): \(outcome)")
                continue
            }
        }
        #expect(try database.contents() == contents)
    }

    @Test(arguments: Program.allCases, pragmas)
    func refundIsNeverReplaced(program: Program, pragmas: [String]) throws {
        let contents = try database.contents()
        let statements = ["REPLACE", "INSERT OR REPLACE"].flatMap { verb in
            Self.same.map { "\(verb) INTO refund_queue \($0)" }
        }
        for (statement, outcome) in zip(statements, try program.run(statements, on: database.path, pragmas: pragmas)) {
            guard case .refused(let message) = outcome else {
                Issue.record("\(statement): \(outcome)")
                continue
            }
            #expect(
                message == "refund_queue: a refund cannot be replaced; use INSERT ... ON CONFLICT DO NOTHING"
                    || message == "refund_queue: a refund is never deleted; run refundd abandon to stop polling",
                "\(statement)"
            )
        }
        #expect(try database.contents() == contents)
    }

    @Test(arguments: Program.allCases)
    func otherRefundsAreTakenBesideIt(program: Program) throws {
        let statements = Self.different.map { "INSERT OR REPLACE INTO refund_queue \($0)" }
        for (statement, outcome) in zip(statements, try program.run(statements, on: database.path)) {
            #expect(outcome == .taken(new: 1), "\(statement)")
        }
    }

    @Test(arguments: Program.allCases, pragmas)
    func abandonedRefundFreesItsNumbers(program: Program, pragmas: [String]) throws {
        for id in [1, 2] as [Int64] {
            try database.daemon.happen(to: id) { $0.abandoned(reason: "lost", actor: "ada", at: now) }
        }
        let rows = ["(merchant_order_no) VALUES ('D-1')", "(trans_no) VALUES ('T-1')"]
        let statements = InsertTable.forms.flatMap { form in
            rows.map { "\(form.verb) INTO refund_queue \($0)\(form.end)" }
        }
        for (statement, outcome) in zip(statements, try program.run(statements, on: database.path, pragmas: pragmas)) {
            #expect(outcome == .taken(new: 1), "\(statement)")
        }
        // The new row is live and protected as the first one was.
        try database.execute(rows.map { "INSERT INTO refund_queue \($0);" }.joined())
        let again = rows.flatMap { ["INSERT INTO refund_queue \($0)", "REPLACE INTO refund_queue \($0)"] }
        for (statement, outcome) in zip(again, try program.run(again, on: database.path, pragmas: pragmas)) {
            guard case .refused = outcome else {
                Issue.record("\(statement): \(outcome)")
                continue
            }
        }
        let selector = RefundSelector(.number("D-1"))
        #expect(
            try database.store.read { tx throws(StoreError) in try tx.refunds(selector) }.map(\.state) == [.pending]
        )
    }

    @Test(arguments: Program.allCases)
    func manyRowsAreTakenByOneInsertOrNone(program: Program) throws {
        let outcomes = try program.run(
            [
                "INSERT INTO refund_queue (merchant_order_no) VALUES ('A-1'), ('A-2'), ('A-3')",
                "INSERT OR IGNORE INTO refund_queue (merchant_order_no) VALUES ('A-1'), ('D-1'), ('A-1'), ('A-2')",
                "INSERT INTO refund_queue (merchant_order_no) VALUES ('A-1'), ('no blank')",
                "INSERT OR REPLACE INTO refund_queue (merchant_order_no) VALUES ('A-1'), ('A-1')",
                "INSERT INTO refund_queue (merchant_order_no) SELECT 'A-' || value FROM json_each('[1,2,3,4]')",
            ],
            on: database.path
        )
        let number = "refund_queue: merchant_order_no must be text of 1 to 32 characters from A-Z a-z 0-9 _ - | * @"
        #expect(outcomes[0] == .taken(new: 3))
        #expect(outcomes[1] == .taken(new: 2))
        #expect(outcomes[2] == .refused(number))
        #expect(
            outcomes[3] == .refused("refund_queue: a refund cannot be replaced; use INSERT ... ON CONFLICT DO NOTHING")
        )
        #expect(outcomes[4] == .taken(new: 4))
    }

    @Test func completeEnqueueHasItsDefaultsAndIsDue() throws {
        try database.execute("INSERT INTO refund_queue (merchant_order_no) VALUES ('R-1001')")
        let columns = "state, attention, attempts, gateway, next_query_at, created_at = updated_at, typeof(created_at)"
        #expect(
            try database.texts("SELECT \(columns) FROM refund_queue WHERE merchant_order_no = 'R-1001'")
                == [["pending", "-", "0", "default", "0", "1", "integer"]]
        )
        let age = try database.column(
            "SELECT abs(created_at - (julianday('now') - 2440587.5) * 86400000.0) < 60000 FROM refund_queue LIMIT 1"
        )
        #expect(age == ["1"])
    }
}

extension InsertTable {
    /// The ways to write an insert.
    static let forms: [(verb: String, end: String)] = [
        ("INSERT", ""), ("INSERT OR IGNORE", ""), ("INSERT OR REPLACE", ""), ("REPLACE", ""), ("INSERT OR ABORT", ""),
        ("INSERT OR FAIL", ""), ("INSERT", " ON CONFLICT DO NOTHING"),
    ]

    /// Rows that are refunds; SQLite keeps characters that Unicode has none for.
    static let sqliteTaken = taken + rows("metadata", ["'{\"a\":\"' || char(65533, 65534, 65535) || '\"}'"])

    /// Rows that cannot be served, also because of a value of another type, NUL, or broken UTF-8.
    static let sqliteRefused: [Row] =
        InsertTable(character: "char", database: "SQLite").refused
        + rows("merchant_order_no", ["'R-1' || char(0)", "x'522d31'", "CAST(x'ff' AS TEXT)"], orderNumber)
        + rows("merchant_no", ["x'3132'", "'a' || char(0)"], merchantNumber)
        + rows("gateway", ["x'64'", "'a' || char(0)", "CAST(x'ff' AS TEXT)", "'a' || char(0) || 'b'"], gateway)
        + rows("callback_url", ["'https://a' || char(0)", "x'68747470733a2f2f61'"], callback)
        + ["1e30", "x'31'", "'1' || char(0)"].map { amount($0, decimal) }
        + rows("metadata", ["x'7b7d'", "CAST(x'7b7dff' AS TEXT)"], metadata)
        + rows(
            "metadata",
            ["'{}' || char(0)", "'{}' || char(0) || 'x'", "'{\"a\":\"' || char(0) || '\"}'"],
            "metadata must not contain NUL"
        )
        + rows(
            "metadata",
            ["CAST(x'7b2261223a22ff227d' AS TEXT)", "CAST(x'7b2261223a22eda080227d' AS TEXT)"],
            "metadata must be UTF-8"
        )
        + rows("rowid", ["1", "0", "-1"], "leave id out, SQLite assigns it")
        + [
            ("attempts", "'x'"), ("last_query_verified", "'x'"), ("created_at", "'now'"), ("lease", "'x'"),
            ("next_query_at", "'soon'"),
        ].flatMap { column, value in rows(column, [value], "leave \(column) out, refundd writes it") }
}
