import RefundCore
import RefundStoreSQLite
import Testing

/// What nobody may do to the ledger, the events and the outbox.
struct LedgerGuardTests {
    private let database: TestDatabase

    init() throws {
        database = try TestDatabase()
        try database.enqueue("R-1")
        try database.enqueue("R-2")
        try database.happen(to: 1) { $0.answered(.processing) }
        try database.happen(to: 1) { $0.answered(.settled) }
        try database.store.transaction { tx in try tx.requestQuery(2, by: "ada", at: now) }
    }

    struct Refused: CustomStringConvertible {
        var message: String
        var description: String

        init(_ message: String, _ statement: String) {
            self.message = message
            description = statement
        }
    }

    private static let updates = ["UPDATE", "UPDATE OR REPLACE", "UPDATE OR IGNORE"]
    private static let inserts = ["INSERT", "INSERT OR REPLACE", "INSERT OR IGNORE", "REPLACE"]

    private static func table(_ message: String, _ verbs: [String], _ ends: [String]) -> [Refused] {
        verbs.flatMap { verb in ends.map { Refused(message, "\(verb) \($0)") } }
    }

    /// Statements on the ledger.
    static let ledger: [Refused] =
        table(
            "refund_transitions: append-only; a row is never deleted",
            ["DELETE FROM refund_transitions"],
            ["", "WHERE id = 1", "WHERE refund_id = 2 OR true"]
        )
        + table(
            "refund_transitions: append-only; a row is never changed",
            updates,
            ["reason = 'x'", "id = 9 WHERE id = 1", "id = 2 WHERE id = 1", "at = at", "sequence = 1"].map {
                "refund_transitions SET \($0)"
            }
        )
        + table(
            "refund_transitions: append-only; leave id out",
            inserts,
            ["1", "2", "9", "0", "-1", "-7"].map { id in
                "INTO refund_transitions (id, refund_id, sequence, from_state, at, to_state, actor) "
                    + "VALUES (\(id), 2, 1, 'pending', 0, 'processing', 'x')"
            }
        )
        + table(
            "refund_transitions: append-only; the next row of a refund has the next sequence",
            inserts,
            ["1, 1", "1, 2", "1, 4", "1, 0", "1, -1", "1, NULL", "1, 'x'", "2, 2", "99, 2"].map { numbers in
                "INTO refund_transitions (refund_id, sequence, from_state, at, to_state, actor) "
                    + "VALUES (\(numbers), 'settled', 0, 'settled', 'x')"
            }
        )
        + table(
            "refund_transitions: from_state is not the state of the refund",
            inserts,
            ["1, 3, 'processing'", "1, 3, NULL", "2, 1, 'settled'", "99, 1, 'pending'"].map { values in
                "INTO refund_transitions (refund_id, sequence, from_state, at, to_state, actor) "
                    + "VALUES (\(values), 0, 'settled', 'x')"
            }
        )
        + table(
            "refund_transitions: a final state is never left",
            inserts,
            ["pending", "processing", "failed", "abandoned"].map { state in
                "INTO refund_transitions (refund_id, sequence, from_state, at, to_state, actor, reason) "
                    + "VALUES (1, 3, 'settled', 0, '\(state)', 'ada', 'why')"
            }
        )
        + table(
            "refund_transitions: a verdict of refundd carries the signed answer that says so",
            inserts,
            [
                "'settled', 'settled', NULL", "'settled', 'failed', x'7b'", "'settled', 'processing', x'7b'",
                "'settled', NULL, x'7b'", "'failed', 'settled', x'7b'", "'failed', 'failed', NULL",
                "'failed', NULL, x'7b'", "'abandoned', 'abandoned', x'7b'", "'abandoned', 'settled', x'7b'",
            ].map { values in
                "INTO refund_transitions (refund_id, sequence, from_state, at, actor, to_state, verdict, "
                    + "response) VALUES (2, 1, 'pending', 0, 'refundd', \(values))"
            }
        )
        + table(
            "refund_transitions: a verdict of a person names the person and the reason",
            inserts,
            [
                "'settled', 'ada', NULL", "'failed', 'ada', ''", "'abandoned', 'ada', '  '", "'settled', '', 'why'",
                "'settled', ' ', 'why'",
            ].map { values in
                "INTO refund_transitions (refund_id, sequence, from_state, at, to_state, actor, reason) "
                    + "VALUES (2, 1, 'pending', 0, \(values))"
            }
        )

    /// Verdicts on a refund that needs no attention.
    static let resolutions = table(
        "refund_transitions: a person settles or fails only what needs attention",
        inserts,
        ["settled", "failed"].map { state in
            "INTO refund_transitions (refund_id, sequence, from_state, at, to_state, actor, reason) "
                + "VALUES (2, 1, 'pending', 0, '\(state)', 'ada', 'why')"
        }
    )

    /// Statements on the events.
    static let events: [Refused] =
        table(
            "refund_event_log: append-only; an event is never deleted",
            ["DELETE FROM refund_event_log"],
            ["", "WHERE position = 1"]
        )
        + table(
            "refund_event_log: append-only; an event is never changed",
            updates,
            ["body = '{}'", "position = 9 WHERE position = 1", "position = 2 WHERE position = 1", "at = at"].map {
                "refund_event_log SET \($0)"
            }
        )
        + table(
            "refund_event_log: append-only; leave position out",
            inserts,
            ["1", "2", "0", "-1", "-7", "9223372036854775807"].map { position in
                "INTO refund_event_log (position, at, type, body) VALUES (\(position), 0, 't', '{}')"
            }
        )

    /// Statements on the outbox.
    static let webhooks: [Refused] =
        table(
            "refund_webhooks: a webhook is never deleted",
            ["DELETE FROM refund_webhooks"],
            ["", "WHERE id = 'msg_1'"]
        )
        + table(
            "refund_webhooks: what a webhook says and where it goes never change",
            updates,
            [
                "id = 'msg_9' WHERE id = 'msg_1'", "id = 'msg_2' WHERE id = 'msg_1'", "refund_id = 2",
                "refund_id = NULL",
                "sequence = 9", "type = 'refund.failed'", "body = '{}'", "body = CAST(body AS TEXT)",
                "url = 'https://elsewhere.example/'", "endpoint = 'elsewhere.example'", "position = 9",
            ].map { "refund_webhooks SET \($0)" }
        )
        + table(
            "refund_webhooks: a webhook is never replaced; give a new one an id of its own",
            inserts,
            ["NULL, 'msg_1'", "1, 'msg_9'", "99, 'msg_9'"].map { ids in
                "INTO refund_webhooks (rowid, id, type, url, body, created_at, endpoint, position) "
                    + "VALUES (\(ids), 't', 'u', 'b', 0, 'e', 1)"
            }
        )

    /// Statements on what people did.
    static let actions: [Refused] =
        table(
            "refund_actions: append-only; a row is never deleted",
            ["DELETE FROM refund_actions"],
            ["", "WHERE id = 1"]
        )
        + table(
            "refund_actions: append-only; a row is never changed",
            updates,
            ["actor = 'x'", "id = 9", "at = at"].map { "refund_actions SET \($0)" }
        )
        + table(
            "refund_actions: append-only; leave id out",
            inserts,
            ["1", "2", "0", "-1", "-7"].map { id in
                "INTO refund_actions (id, at, actor, action) VALUES (\(id), 0, 'x', 'query')"
            }
        )

    @Test(arguments: Program.allCases, InsertTests.pragmas)
    func whatWasWrittenStaysAsItWas(program: Program, pragmas: [String]) throws {
        let contents = try database.contents()
        let table = Self.ledger + Self.resolutions + Self.events + Self.webhooks + Self.actions
        let outcomes = try program.run(table.map(\.description), on: database.path, pragmas: pragmas)
        #expect(outcomes.count == table.count)
        for (statement, outcome) in zip(table, outcomes) {
            guard case .refused(let said) = outcome else {
                Issue.record("\(statement): \(outcome)")
                continue
            }
            // A REPLACE that deletes first fires the other guard where recursive triggers are on.
            #expect(said == statement.message || (!pragmas.isEmpty && said.contains("never deleted")), "\(statement)")
        }
        #expect(try database.contents() == contents)
    }

    @Test(arguments: Program.allCases)
    func theViewIsNotWrittenTo(program: Program) throws {
        let statements = ["DELETE FROM refund_events", "UPDATE refund_events SET body = ''"]
        for outcome in try program.run(statements, on: database.path) {
            guard case .refused = outcome else {
                Issue.record("\(outcome)")
                continue
            }
        }
    }

    @Test func positionsAreNeverUsedTwice() throws {
        let sql = try database.column("SELECT sql FROM sqlite_master WHERE name = 'refund_event_log'")
        #expect(sql.first?.contains("PRIMARY KEY AUTOINCREMENT") == true)
        #expect(try database.column("SELECT position FROM refund_events") == ["1", "2"])
    }
}
