import RefundCore
import RefundStoreConformance
import RefundStoreSQLite
import RefundStoreSQLiteSupport
import Testing

/// What nobody may do to a refund that is in the queue.
struct QueueGuardTests {
    private let database: SQLiteFixture

    /// Refunds 1 to 5: pending, processing, settled, failed and abandoned; the second needs attention.
    init() throws {
        database = try SQLiteFixture()
        let guardSQL = try #require(
            try database.column("SELECT sql FROM sqlite_master WHERE name = 'refund_queue_identity'")[0]
        )
        for number in 1...5 {
            try database.enqueue("R-\(number)", ["expected_amount": "'1.50'", "expected_currency": "'EUR'"])
        }
        try database.daemon.happen(to: 2) { $0.answered(.processing) }
        try database.daemon.happen(to: 2, isOld: true) { $0.aged(at: now) }
        try database.daemon.happen(to: 4) { $0.answered(.failed) }
        try database.daemon.happen(to: 5) { $0.abandoned(reason: "lost", actor: "ada", at: now) }
        try database.execute("DROP TRIGGER refund_queue_identity")
        try database.execute("UPDATE refund_queue SET expected_amount = NULL, expected_currency = NULL WHERE id = 3")
        try database.daemon.happen(to: 3) { $0.answered(.settled) }
        try database.execute("UPDATE refund_queue SET expected_amount = '1.50', expected_currency = 'EUR' WHERE id = 3")
        try database.execute(guardSQL)
    }

    static let pragmas = InsertTests.pragmas
    static let verbs = ["UPDATE", "UPDATE OR REPLACE", "UPDATE OR IGNORE", "UPDATE OR FAIL"]

    private func expectRefused(
        _ statements: [String],
        _ message: String,
        _ program: Program,
        _ pragmas: [String]
    ) throws {
        let contents = try database.contents()
        let outcomes = try program.run(statements, on: database.path, pragmas: pragmas)
        #expect(outcomes.count == statements.count)
        for (statement, outcome) in zip(statements, outcomes) {
            #expect(outcome == .refused(message), "\(statement)")
        }
        #expect(try database.contents() == contents)
    }

    private func updates(_ assignments: [String]) -> [String] {
        Self.verbs.flatMap { verb in assignments.map { "\(verb) refund_queue SET \($0)" } }
    }

    @Test func refundsAreWhereTheseTestsWantThem() throws {
        #expect(
            try database.texts("SELECT state, attention FROM refund_queue ORDER BY id") == [
                ["pending", "-"], ["processing", "overdue"], ["settled", "-"], ["failed", "-"], ["abandoned", "-"],
            ]
        )
    }

    @Test(arguments: Program.allCases, pragmas)
    func refundIsNeverDeleted(program: Program, pragmas: [String]) throws {
        let deletes = ["", " WHERE id = 1", " WHERE state = 'settled'", " WHERE merchant_order_no = 'R-1'"]
        try expectRefused(
            deletes.map { "DELETE FROM refund_queue\($0)" },
            "refund_queue: a refund is never deleted; run refundd abandon to stop polling",
            program,
            pragmas
        )
    }

    @Test(arguments: Program.allCases, pragmas)
    func whatIdentifiesARefundNeverChanges(program: Program, pragmas: [String]) throws {
        let assignments = [
            "id = 9 WHERE id = 1", "id = 2 WHERE id = 1", "id = -1 WHERE id = 1", "rowid = 9 WHERE id = 1",
            "oid = 9 WHERE id = 1", "_rowid_ = 9 WHERE id = 1", "state = state, rowid = 9 WHERE id = 1",
            "merchant_order_no = 'R-9' WHERE id = 1", "merchant_order_no = 'R-2' WHERE id = 1",
            "merchant_order_no = NULL WHERE id = 1", "trans_no = 'T-1' WHERE id = 1", "merchant_no = '1' WHERE id = 1",
            "gateway = 'second' WHERE id = 1", "gateway = NULL WHERE id = 1", "expected_amount = '1.5' WHERE id = 1",
            "expected_amount = NULL WHERE id = 1", "expected_currency = 'USD' WHERE id = 1",
            "expected_amount = NULL, expected_currency = NULL", "created_at = created_at + 1 WHERE id = 1",
            "created_at = NULL WHERE id = 1", "merchant_order_no = 'R-9' WHERE id = 3",
        ]
        try expectRefused(
            updates(assignments),
            "refund_queue: the identity and the expected amount of a refund never change",
            program,
            pragmas
        )
        let upsert = """
            INSERT INTO refund_queue (merchant_order_no) VALUES ('R-1') ON CONFLICT \
            (gateway, ifnull(merchant_no, ''), merchant_order_no) WHERE merchant_order_no IS NOT NULL \
            AND state <> 'abandoned' \
            DO UPDATE SET expected_amount = '2'
            """
        try expectRefused(
            [upsert],
            "refund_queue: the identity and the expected amount of a refund never change",
            program,
            pragmas
        )
    }

    @Test(arguments: Program.allCases, pragmas)
    func stateChangesOnlyWithItsLedgerRow(program: Program, pragmas: [String]) throws {
        let assignments = [
            "state = 'processing' WHERE id = 1", "state = 'settled' WHERE id = 1", "state = 'pending' WHERE id = 2",
            "state = 'failed' WHERE id = 2", "attention = 'overdue' WHERE id = 1", "attention = NULL WHERE id = 2",
            "attention = 'mismatch' WHERE id = 2", "attention = 'undeliverable' WHERE id = 3",
            "state = 'settled', attention = NULL WHERE id = 2",
        ]
        try expectRefused(
            updates(assignments),
            "refund_queue: state and attention change only together with their row in refund_transitions, which refundd writes",
            program,
            pragmas
        )
    }

    @Test(arguments: Program.allCases, pragmas)
    func finalStateIsNeverLeft(program: Program, pragmas: [String]) throws {
        let assignments = [3, 4, 5].flatMap { id in
            ["pending", "processing", "lost", "settled", "failed", "abandoned"].map {
                "state = '\($0)' WHERE id = \(id)"
            }
        }.filter {
            !["'settled' WHERE id = 3", "'failed' WHERE id = 4", "'abandoned' WHERE id = 5"].contains($0.dropFirst(8))
        }
        try expectRefused(updates(assignments), "refund_queue: a final state never changes", program, pragmas)
    }

    @Test(arguments: Program.allCases)
    func unknownStateIsRefused(program: Program) throws {
        let states = ["'lost'", "''", "NULL", "'PENDING'", "1", "x'70'"]
        try expectRefused(
            updates(states.map { "state = \($0) WHERE id = 1" }),
            "refund_queue: unknown state",
            program,
            []
        )
    }

    @Test func olderLedgerRowDoesNotLetAStateReturn() throws {
        // Refund 2 went from pending to processing in row 1, and needs attention since row 2.
        let update = "UPDATE refund_queue SET state = 'processing', attention = NULL WHERE id = 2"
        #expect(throws: (any Error).self) { try database.execute(update) }
        #expect(
            try database.texts("SELECT state, attention FROM refund_queue WHERE id = 2") == [["processing", "overdue"]]
        )
    }

    @Test(arguments: Program.allCases)
    func refunddsOwnNotesMayChange(program: Program) throws {
        let outcomes = try program.run(
            ["UPDATE refund_queue SET next_query_at = 5, last_error = 'x', attempts = 3 WHERE id = 1"],
            on: database.path
        )
        #expect(outcomes == [.taken(new: 0)])
    }
}
