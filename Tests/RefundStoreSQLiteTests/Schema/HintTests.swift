import RefundCore
import RefundStore
import RefundStoreConformance
import RefundStoreSQLite
import RefundStoreSQLiteSupport
import Testing

/// Hints that applications insert.
struct HintTests {
    private let database: SQLiteFixture

    init() throws {
        database = try SQLiteFixture()
        try database.enqueue("R-1")
        try database.enqueue("R-2", ["trans_no": "'T-2'", "merchant_no": "'3121'", "gateway": "'second'"])
        try database.execute("INSERT INTO refund_queue (trans_no) VALUES ('T-3')")
        try database.daemon.happen(to: 1) { $0.answered(.settled) }
    }

    private static let verbs = ["INSERT", "INSERT OR IGNORE", "INSERT OR REPLACE", "REPLACE"]

    private func run(_ program: Program, _ rows: [String], _ expected: Program.Outcome) throws {
        let statements = Self.verbs.flatMap { verb in rows.map { "\(verb) INTO refund_hints \($0)" } }
        let outcomes = try program.run(statements, on: database.path)
        #expect(outcomes.count == statements.count)
        for (statement, outcome) in zip(statements, outcomes) { #expect(outcome == expected, "\(statement)") }
    }

    @Test(arguments: Program.allCases)
    func hintForKnownRefundIsTakenInAnyState(program: Program) throws {
        try run(
            program,
            [
                "(merchant_order_no) VALUES ('R-1')", "(trans_no) VALUES ('T-2')", "(trans_no) VALUES ('T-3')",
                "(merchant_order_no, trans_no) VALUES ('R-1', 'T-1')", "(merchant_order_no) VALUES ('R-2')",
                "(merchant_order_no, gateway, merchant_no) VALUES ('R-2', 'second', '3121')",
                "(merchant_order_no, gateway) VALUES ('R-1', 'default')",
            ],
            .taken(new: 0)
        )
    }

    @Test(arguments: Program.allCases)
    func hintForUnknownRefundIsRejected(program: Program) throws {
        try run(
            program,
            [
                "(merchant_order_no) VALUES ('R-9')", "(merchant_order_no) VALUES ('T-3')",
                "(merchant_order_no, trans_no) VALUES ('R-2', 'T-9')",
                "(merchant_order_no, gateway) VALUES ('R-2', 'default')",
                "(merchant_order_no, merchant_no) VALUES ('R-1', '3121')",
            ],
            .refused("refund_hints: refund_queue has no such refund")
        )
    }

    @Test(arguments: Program.allCases)
    func hintWithoutNumberOrWithPresetsIsRejected(program: Program) throws {
        try run(program, ["(gateway) VALUES ('default')"], .refused("refund_hints: give merchant_order_no or trans_no"))
        for id in ["1", "-1", "99"] {
            let row = "(id, merchant_order_no) VALUES (\(id), 'R-1')"
            try run(program, [row], .refused("refund_hints: leave id out, SQLite assigns it"))
        }
        let row = "(merchant_order_no, created_at) VALUES ('R-1', 0)"
        try run(program, [row], .refused("refund_hints: leave created_at out, SQLite sets it"))
    }

    @Test(arguments: Program.allCases, InsertTests.pragmas)
    func hintIsNeverChanged(program: Program, pragmas: [String]) throws {
        try database.execute("INSERT INTO refund_hints (merchant_order_no) VALUES ('R-1'), ('R-2'), ('R-2')")
        let contents = try database.contents()
        let statements = ["UPDATE", "UPDATE OR REPLACE", "UPDATE OR IGNORE"].flatMap { verb in
            ["id", "rowid", "oid", "_rowid_", "merchant_order_no", "gateway", "created_at"].map {
                "\(verb) refund_hints SET \($0) = 2"
            }
        }
        let message = "refund_hints: insert another hint instead of changing one"
        for (statement, outcome) in zip(
            statements,
            try program.run(statements, on: database.path, pragmas: pragmas)
        ) {
            #expect(outcome == .refused(message), "\(statement)")
        }
        #expect(try database.contents() == contents)
    }

    @Test func hintWhoseRefundIsGoneIsSpent() throws {
        try database.execute(
            """
            INSERT INTO refund_hints (merchant_order_no) VALUES ('R-2');
            DROP TRIGGER refund_queue_delete; DELETE FROM refund_queue WHERE merchant_order_no = 'R-2'
            """
        )
        #expect(try database.daemon.claims().spentHints == [1])
    }
}
