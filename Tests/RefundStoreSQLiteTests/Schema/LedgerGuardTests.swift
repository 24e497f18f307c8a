import RefundCore
import RefundStore
import RefundStoreConformance
import RefundStoreSQLite
import RefundStoreSQLiteSupport
import Testing

/// What nobody may do to the ledger, the events and the outbox.
struct LedgerGuardTests {
    private let database: SQLiteFixture

    init() throws {
        database = try SQLiteFixture()
        try database.enqueue("R-1")
        try database.enqueue("R-2")
        try database.daemon.happen(to: 1) { $0.answered(.processing) }
        try database.daemon.happen(to: 1) { $0.answered(.settled) }
        try database.store.write { tx throws(StoreError) in try tx.requestQuery(2, by: "ada", at: now) }
        let incident = GatewayIncident(
            kind: .misconfigured,
            code: "SYS002",
            message: "refused",
            isVerified: true,
            since: now
        )
        let context = EventContext(
            routing: WebhookRouting(defaultURL: nil, events: []) { $0 },
            merchantNumbers: [:]
        )
        var random = SplitMix64(seed: 1)
        let event = EventRecord(of: "default", incident, context, using: &random)
        let daemon = database.daemon
        try daemon.write(.incident(gateway: "default", IncidentRecord(incident: incident, event: event)))
        try daemon.finish(try #require(try daemon.claim().first), .failed, retryAt: later(5))
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

    /// An insert that also identifies the refund, of which `values` names the id first.
    private static func identified(_ columns: String, _ values: String) -> String {
        let id = values.dropFirst().prefix(1)
        return "\(columns)enqueued_at, number) VALUES \(values)"
            + "(SELECT created_at FROM refund_queue WHERE id = \(id)), 'R-\(id)')"
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
                "INTO refund_transitions (id, refund_id, sequence, from_state, at, to_state, actor, enqueued_at, number) "
                    + "SELECT \(id), 2, 1, 'pending', 0, 'processing', 'x', created_at, 'R-2' FROM refund_queue WHERE id = 2"
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
                identified(
                    "INTO refund_transitions (refund_id, sequence, from_state, at, to_state, actor, reason, ",
                    "(1, 3, 'settled', 0, '\(state)', 'ada', 'why', "
                )
            }
        )
        + table(
            "refund_transitions: a verdict of refundd carries the signed answer that says so",
            inserts,
            [
                "'settled', 'settled', NULL", "'settled', 'failed', x'7b'", "'settled', 'processing', x'7b'",
                "'settled', NULL, x'7b'", "'failed', 'settled', x'7b'", "'failed', 'failed', NULL",
                "'failed', NULL, x'7b'", "'abandoned', 'settled', x'7b'", "'abandoned', NULL, NULL",
            ].map { values in
                identified(
                    "INTO refund_transitions (refund_id, sequence, from_state, at, actor, to_state, verdict, response, ",
                    "(2, 1, 'pending', 0, 'refundd', \(values), "
                )
            }
        )
        + table(
            "refund_transitions: unknown verdict",
            inserts,
            ["'abandoned'", "'paid'", "''", "2", "x'7365'"].map { verdict in
                identified(
                    "INTO refund_transitions (refund_id, sequence, from_state, at, actor, to_state, verdict, response, ",
                    "(2, 1, 'pending', 0, 'refundd', 'processing', \(verdict), x'7b', "
                )
            }
        )
        + table(
            "refund_transitions: enqueued_at and number are those of another refund; this row id was used again",
            inserts,
            [
                "NULL, NULL", "created_at, NULL", "NULL, merchant_order_no", "created_at - 1, merchant_order_no",
                "created_at, 'R-1'", "created_at, trans_no",
            ].map { identity in
                "INTO refund_transitions (refund_id, sequence, from_state, at, actor, to_state, verdict, response, "
                    + "enqueued_at, number) SELECT 2, 1, 'pending', 0, 'refundd', 'settled', 'settled', x'7b', "
                    + "\(identity) FROM refund_queue WHERE id = 2"
            }
        )
        + table(
            "refund_transitions: a verdict of an operator names the operator and the reason",
            inserts,
            [
                "'settled', 'ada', NULL", "'failed', 'ada', ''", "'abandoned', 'ada', '  '", "'settled', '', 'why'",
                "'settled', ' ', 'why'",
            ].map { values in
                identified(
                    "INTO refund_transitions (refund_id, sequence, from_state, at, to_state, actor, reason, ",
                    "(2, 1, 'pending', 0, \(values), "
                )
            }
        )

    /// Verdicts on a refund that needs no attention.
    static let resolutions = table(
        "refund_transitions: an operator settles or fails only a refund that needs attention",
        inserts,
        ["settled", "failed"].map { state in
            identified(
                "INTO refund_transitions (refund_id, sequence, from_state, at, to_state, actor, reason, ",
                "(2, 1, 'pending', 0, '\(state)', 'ada', 'why', "
            )
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
                "INTO refund_event_log (position, at, type, gateway, body) VALUES (\(position), 0, 't', 'g', '{}')"
            }
        )
        + table(
            "refund_event_log: append-only; an event is never changed",
            inserts,
            [
                "INTO refund_event_log (at, type, refund_id, sequence, body) VALUES (0, 'refund.settled', 1, 2, '{}')",
                "INTO refund_event_log (at, type, gateway, body) "
                    + "SELECT at, type, gateway, '{}' FROM refund_event_log WHERE gateway = 'default'",
            ]
        )
        + table(
            "refund_event_log: an event names a refund with its sequence, or a gateway",
            inserts,
            ["NULL, NULL, NULL", "1, NULL, NULL", "NULL, 1, NULL", "NULL, 1, 'g'", "1, 9, 'g'", "1, NULL, 'g'"].map {
                "INTO refund_event_log (at, type, refund_id, sequence, gateway, body) VALUES (0, 't', \($0), '{}')"
            }
        )

    /// Statements on the outbox.
    static let webhooks: [Refused] =
        table(
            "refund_outbox: a webhook is never deleted",
            ["DELETE FROM refund_outbox"],
            ["", "WHERE position = 1"]
        )
        + table(
            "refund_outbox: the event and the destination of a webhook never change",
            updates,
            [
                "id = 'msg_9' WHERE position = 1",
                "id = (SELECT id FROM refund_outbox WHERE position = 2) WHERE position = 1", "refund_id = 2",
                "refund_id = NULL", "type = 'refund.failed'", "url = 'https://elsewhere.example/'",
                "endpoint = 'elsewhere.example'",
            ].map { "refund_outbox SET \($0)" }
                + ["position", "rowid", "oid", "_rowid_", "RowID", "\"oid\""].flatMap { alias in
                    ["9", "2", "-1"].map { "refund_outbox SET attempts = 0, \(alias) = \($0) WHERE position = 1" }
                }
        )
        + table(
            "refund_outbox: a webhook has the position, refund and type of its event",
            inserts,
            [
                "99, 1, 'refund.settled'", "NULL, 1, 'refund.settled'", "-1, 1, 'refund.settled'",
                "2, 2, 'refund.settled'", "2, NULL, 'refund.settled'", "2, 1, 'refund.failed'",
            ].map {
                "INTO refund_outbox (position, refund_id, type, id, url, endpoint) VALUES (\($0), 'msg_9', 'u', 'e')"
            }
        )
        + table(
            "refund_outbox: a webhook is never replaced",
            inserts,
            [
                "(position, refund_id, type, id, url, endpoint) VALUES (2, 1, 'refund.settled', 'msg_9', 'u', 'e')",
                "(rowid, refund_id, type, id, url, endpoint) VALUES (2, 1, 'refund.settled', 'msg_9', 'u', 'e')",
                "(position, refund_id, type, id, url, endpoint) VALUES (2, 1, 'refund.settled', (SELECT id FROM refund_outbox WHERE position = 2), 'u', 'e')",
                "(position, type, id, url, endpoint) VALUES (3, 'gateway.needs_attention', (SELECT id FROM refund_outbox WHERE position = 1), 'u', 'e')",
            ].map { "INTO refund_outbox \($0)" }
        )

    /// Statements on the attempts.
    static let attempts: [Refused] =
        table(
            "refund_outbox_attempts: append-only; a row is never deleted",
            ["DELETE FROM refund_outbox_attempts"],
            ["", "WHERE id = 1"]
        )
        + table(
            "refund_outbox_attempts: append-only; a row is never changed",
            updates,
            ["status = 200", "id = 9", "rowid = 9", "oid = 9", "_rowid_ = 9", "lease = 7", "at = at"].map {
                "refund_outbox_attempts SET \($0)"
            }
        )
        + table(
            "refund_outbox_attempts: append-only; a row is never changed",
            inserts,
            ["0, 500", "1800000000000, 200", "1800000000000, NULL"].map {
                "INTO refund_outbox_attempts (position, lease, at, status) VALUES (2, 1, \($0))"
            }
        )
        + table(
            "refund_outbox_attempts: append-only; leave id out",
            inserts,
            ["id, 1", "rowid, 1", "oid, 2", "_rowid_, 0", "id, -1", "id, -7"].map { entry in
                let parts = entry.split(separator: ", ")
                return "INTO refund_outbox_attempts (\(parts[0]), position, lease, at) VALUES (\(parts[1]), 2, 9, 0)"
            }
        )

    /// Statements on the views.
    static let views: [Refused] = [
        ("refund_events", "position", "refund_events: read-only, refundd writes it"),
        (
            "refund_webhooks", "id",
            "refund_webhooks: read-only, refundd writes it; to send a webhook again run refundd redeliver"
        ),
        ("refund_webhook_attempts", "at", "refund_webhook_attempts: read-only, refundd writes it"),
    ].flatMap { view, column, message in
        let plain = message.split(separator: ";").first.map(String.init) ?? message
        return table(plain, ["DELETE FROM"], [view, "\(view) WHERE \(column) IS NOT NULL"])
            + table(plain, inserts, ["INTO \(view) (\(column)) VALUES (1)"])
            + table(message, updates, ["\(view) SET \(column) = 1"])
    }

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

    /// Statements on the record of migrations.
    static let migrations: [Refused] =
        ["DELETE FROM refund_migrations", "REPLACE INTO refund_migrations VALUES (1, 'x', 0)"].map {
            Refused("refund_migrations: refundd alone writes it", $0)
        }
        + table(
            "refund_migrations: refundd alone writes it",
            updates,
            ["id = 2", "rowid = 2", "oid = 2", "_rowid_ = 2", "applied_at = 0"].map { "refund_migrations SET \($0)" }
        )

    /// Statements that give a row another number, under each of its names: with REPLACE, the row that has it is lost.
    static let numbers: [Refused] = [
        ("refund_queue", "id", "refund_queue: the identity and the expected amount of a refund never change"),
        ("refund_transitions", "id", "refund_transitions: append-only; a row is never changed"),
        ("refund_event_log", "position", "refund_event_log: append-only; an event is never changed"),
        ("refund_outbox", "position", "refund_outbox: the event and the destination of a webhook never change"),
        ("refund_outbox_attempts", "id", "refund_outbox_attempts: append-only; a row is never changed"),
        ("refund_actions", "id", "refund_actions: append-only; a row is never changed"),
    ].flatMap { name, key, message in
        [key, "rowid", "oid", "_rowid_", "ROWID", "\"oid\"", "[_rowid_]"].flatMap { alias in
            table(message, updates, ["9", "2", "-1"].map { "\(name) SET \(alias) = \($0) WHERE \(key) = 1" })
        }
    }

    @Test(arguments: Program.allCases, InsertTests.pragmas)
    func whatWasWrittenStaysAsItWas(program: Program, pragmas: [String]) throws {
        let contents = try database.contents()
        let table =
            Self.ledger + Self.resolutions + Self.events + Self.webhooks + Self.attempts + Self.views + Self.actions
            + Self.migrations + Self.numbers
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

    /// A commit of unknown outcome may be repeated.
    @Test(arguments: Program.allCases, inserts)
    func writingTheSameAgainChangesNothing(program: Program, verb: String) throws {
        let contents = try database.contents()
        let copies = [
            "refund_event_log (at, type, refund_id, sequence, gateway, state, body) "
                + "SELECT at, type, refund_id, sequence, gateway, state, body FROM refund_event_log",
            "refund_outbox SELECT * FROM refund_outbox",
            "refund_outbox_attempts (position, lease, at, status, error, duration_ms, answer) "
                + "SELECT position, lease, at, status, error, duration_ms, answer FROM refund_outbox_attempts",
        ]
        let outcomes = try program.run(copies.map { "\(verb) INTO \($0)" }, on: database.path)
        #expect(outcomes == Array(repeating: .taken(new: 0), count: copies.count))
        for copy in copies { try database.execute("\(verb) INTO \(copy)") }
        #expect(try database.contents() == contents)
    }

    @Test func positionsAreNeverUsedTwice() throws {
        let sql = try database.column("SELECT sql FROM sqlite_master WHERE name = 'refund_event_log'")
        #expect(sql.first??.contains("PRIMARY KEY AUTOINCREMENT") == true)
        #expect(try database.column("SELECT position FROM refund_events") == ["1", "2", "3"])
    }
}
