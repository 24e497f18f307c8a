import RefundCore
import RefundStore
import RefundStoreConformance
import RefundStoreSQLiteSupport
import Testing

@testable import RefundStoreSQLite

/// A trigger of the application's that fails holds up nothing but the rows it fails for, and is named.
struct ApplicationTriggerTests {
    private let database: SQLiteFixture

    init() throws {
        database = try SQLiteFixture()
        for number in 1...3 { try database.enqueue("R-\(number)") }
    }

    private func claim() throws -> [Rejection] {
        try database.daemon.write(
            .claimRefunds([1, 2, 3].map { RefundClaim(id: $0, lease: 1) }, until: later(75)),
            .breaker(.gateway, name: "default", OpenBreaker(since: now, reason: "a test"))
        )
    }

    @Test func triggerThatRejectsOneRowIsNamedAndTheOthersAreClaimed() throws {
        try database.execute(
            """
            CREATE TABLE audit (id INTEGER);
            CREATE TRIGGER harmless AFTER UPDATE ON refund_queue BEGIN INSERT INTO audit VALUES (NEW.id); END;
            CREATE TRIGGER freeze BEFORE UPDATE ON refund_queue WHEN NEW.id = 2
            BEGIN SELECT RAISE(ABORT, 'frozen by the shop'); END
            """
        )
        let reason = "frozen by the shop (the application's trigger freeze)"
        #expect(try claim() == [Rejection(index: 0, claim: 1, reason: reason)])
        #expect(try database.column("SELECT id FROM refund_queue WHERE leased_until IS NOT NULL") == ["1", "3"])
    }

    @Test(arguments: [
        ("INSERT INTO audit VALUES (NEW.id)", "no such table: main.audit"),
        ("UPDATE refund_hints SET tidy = 1", "no such column: tidy"),
        ("SELECT tidy(NEW.id)", "no such function: tidy"),
        ("INSERT INTO refund_replaced VALUES (1, 2)", "table refund_replaced has 1 columns but 2 values were supplied"),
    ])
    func brokenTriggerIsNamedAndEverythingElseIsWritten(body: String, message: String) throws {
        try database.execute("CREATE TRIGGER broken AFTER UPDATE ON refund_queue BEGIN \(body); END")
        let rejections = try claim()
        #expect(rejections.map(\.claim) == [0, 1, 2])
        #expect(rejections.allSatisfy { $0.reason == "\(message) (the application's trigger broken)" }, "\(rejections)")
        #expect(try database.number("SELECT count(*) FROM refund_breakers") == 1)
    }

    @Test func triggerThatFailsForACommandIsNamed() throws {
        try database.execute("CREATE TRIGGER broken AFTER UPDATE ON refund_queue BEGIN SELECT tidy(NEW.id); END")
        let error = try #require(throws: StoreError.self) {
            try database.store.write { tx throws(StoreError) in try tx.requestQuery(1, by: "ann", at: now) }
        }
        #expect(error.kind == .application)
        #expect(error.description.contains("trigger broken"))
    }

    @Test func guardOfRefunddBlamesNobodyElse() throws {
        try database.execute("CREATE TRIGGER harmless AFTER UPDATE ON refund_queue BEGIN SELECT 1; END")
        let error = try #require(throws: StoreError.self) {
            try database.sqlite.execute("UPDATE refund_queue SET state = 'settled'")
        }
        #expect(error.kind == .rejected)
        #expect(!error.reason.contains("harmless"))
    }

    /// A trigger that fails for refund 2 or its webhook alone.
    struct Trigger: CustomTestStringConvertible {
        var event: String
        var isRefund2: String
        var failure: String

        var sql: String {
            "CREATE TRIGGER picky \(event) WHEN \(isRefund2) BEGIN SELECT \(failure); END"
        }

        var testDescription: String { "\(event): \(failure)" }

        /// Every way to fail, before and after each of some events.
        static func table(_ events: [(event: String, isRefund2: String)]) -> [Trigger] {
            events.flatMap { event, isRefund2 in
                failures.flatMap { failure in
                    // After the row is written, RAISE(IGNORE) only ends the trigger.
                    (failure.contains("IGNORE") ? ["BEFORE"] : ["BEFORE", "AFTER"]).map { time in
                        Trigger(event: "\(time) \(event)", isRefund2: isRefund2, failure: failure)
                    }
                }
            }
        }

        private static let failures = [
            "RAISE(ABORT, 'not this one')", "RAISE(FAIL, 'not this one')", "RAISE(ROLLBACK, 'not this one')",
            "RAISE(IGNORE)", "json_extract('x', '$.a')", "abs(-9223372036854775808)", "zeroblob(2000000000)",
        ]
    }

    private func problems() throws -> [String] {
        try database.store.read { tx throws(StoreError) in
            try tx.schemaProblems()
                + tx.histories(after: nil, limit: 100).histories.flatMap { history in
                    let outbox = OutboxCheck(events: history.events, webhooks: history.webhooks) { _ in "hooks.example"
                    }
                    let isApart = (history.ledger.last?.to ?? "pending") != history.refund.state.rawValue
                    return outbox.problems + (isApart ? ["refund \(history.refund.id) differs from its ledger"] : [])
                }
        }
    }

    private func expectOnlyRefund2(_ rejections: [Rejection], _ expected: Rejection) {
        #expect(rejections.map(\.index) == [expected.index] && rejections.map(\.claim) == [expected.claim])
        #expect(rejections.first?.reason.contains("trigger picky") == true, "\(rejections)")
    }

    @Test(
        arguments: Trigger.table([
            ("INSERT ON refund_transitions", "NEW.refund_id = 2"), ("UPDATE ON refund_queue", "NEW.id = 2"),
            ("INSERT ON refund_event_log", "NEW.refund_id = 2"), ("INSERT ON refund_outbox", "NEW.refund_id = 2"),
        ])
    )
    func verdictThatATriggerRejectsLeavesNothingBehind(trigger: Trigger) throws {
        try database.execute(trigger.sql)
        let changes = try [1, 2, 3].map { id in
            Write.Action.change(try database.daemon.change(of: database.daemon.row(id)) { $0.answered(.settled) })
        }
        expectOnlyRefund2(try database.daemon.write(changes), Rejection(index: 1, reason: ""))
        #expect(
            try database.texts("SELECT state FROM refund_queue ORDER BY id") == [["settled"], ["pending"], ["settled"]]
        )
        #expect(try database.column("SELECT refund_id FROM refund_events") == ["1", "3"])
        #expect(try problems() == [])
    }

    @Test(arguments: Trigger.table([("UPDATE ON refund_queue", "NEW.id = 2")]))
    func claimThatATriggerRejectsHoldsUpNoOther(trigger: Trigger) throws {
        try database.execute(trigger.sql)
        expectOnlyRefund2(try claim(), Rejection(index: 0, claim: 1, reason: ""))
        #expect(try database.column("SELECT id FROM refund_queue WHERE leased_until IS NOT NULL") == ["1", "3"])
    }

    @Test(
        arguments: Trigger.table([
            ("UPDATE ON refund_outbox", "NEW.refund_id = 2"), ("INSERT ON refund_outbox_attempts", "NEW.position = 2"),
        ])
    )
    func attemptThatATriggerRejectsHoldsUpNoOther(trigger: Trigger) throws {
        for id in [1, 2, 3] as [Int64] { try database.daemon.happen(to: id) { $0.answered(.settled) } }
        let deliveries = try database.daemon.claim()
        try #require(deliveries.count == 3)
        try database.execute(trigger.sql)
        let outcome = DeliveryOutcome(status: 204, error: nil, retryAfter: nil, answer: [], duration: .zero)
        let attempts = deliveries.map { delivery in
            Write.Action.attempt(
                AttemptRecord(delivery: delivery, outcome: outcome, sentAt: now, result: .delivered(at: now))
            )
        }
        let second = try #require(deliveries.firstIndex { $0.refundID == 2 })
        expectOnlyRefund2(try database.daemon.write(attempts), Rejection(index: second, reason: ""))
        let states = "SELECT state FROM refund_outbox ORDER BY position"
        #expect(try database.texts(states) == [["delivered"], ["pending"], ["delivered"]])
        #expect(try database.number("SELECT count(*) FROM refund_outbox_attempts") == 2)
    }

    @Test(
        arguments: Trigger.table([
            ("DELETE ON refund_hints", "OLD.id = 2"), ("UPDATE ON refund_queue", "OLD.id = 2"),
            ("DELETE ON refund_breakers", "OLD.name = 'b'"), ("DELETE ON refund_gateways", "OLD.name = 'b'"),
            ("DELETE ON refund_incidents", "OLD.gateway = 'b'"),
        ])
    )
    func triggerThatFailsForOneRowStopsNoStart(trigger: Trigger) throws {
        try database.daemon.write(.claimRefunds([1, 2, 3].map { RefundClaim(id: $0, lease: 1) }, until: later(75)))
        try database.execute(
            """
            INSERT INTO refund_hints (merchant_order_no) VALUES ('R-1'), ('R-2'), ('R-3');
            INSERT INTO refund_gateways (name) VALUES ('a'), ('b'), ('c');
            INSERT INTO refund_breakers (kind, name, since, reason) SELECT 'gateway', name, 0, '' FROM refund_gateways;
            INSERT INTO refund_incidents (gateway, attention, code, message, verified, since)
                SELECT name, 'unreachable', '', '', 0, 0 FROM refund_gateways;
            \(trigger.sql)
            """
        )
        try database.store.write { tx throws(StoreError) in
            try tx.releaseClaims()
            try tx.removeBreakers()
            try tx.retryMisconfigured(at: now)
            try tx.forgetGateways(except: ["c"])
        }
        let rejections = try database.daemon.write(.deleteHints([1, 2, 3]))
        let reports = database.store.upkeep(at: now).compactMap { event in
            if case .rejected(_, let reason) = event { reason } else { String?.none }
        }
        let reasons = reports + rejections.map(\.reason)
        // What a trigger ignores without a word is as if it had not been there.
        #expect(reasons.contains { $0.contains("trigger picky") } || trigger.failure.contains("IGNORE"), "\(reasons)")
        let leased = try database.column("SELECT id FROM refund_queue WHERE leased_until IS NOT NULL")
        #expect(leased == (trigger.event.contains("refund_queue") ? ["2"] : []))
        #expect(try database.number("SELECT count(*) FROM refund_hints WHERE id <> 2") == 0)
        #expect(try database.number("SELECT count(*) FROM refund_gateways WHERE name = 'a'") == 0)
        #expect(try database.number("SELECT count(*) FROM refund_breakers WHERE name <> 'b'") == 0)
    }

    @Test(arguments: ["INSERT ON refund_queue", "UPDATE ON refund_queue"])
    func countsThatATriggerSkippedAreRightAgainAfterAStart(event: String) throws {
        try database.execute("CREATE TRIGGER quiet AFTER \(event) BEGIN SELECT RAISE(IGNORE); END")
        try database.enqueue("R-4")
        _ = try? database.daemon.happen(to: 1) { $0.answered(.settled) }
        try #require(try problems().contains { $0.contains("refund_counts") }, "the trigger skips nothing")
        try database.sqlite.migrate(at: now)
        #expect(try problems() == [])
    }

    @Test func damageToTheApplicationsOwnIndexIsNoDamageToTheDatabase() throws {
        try database.execute(
            """
            CREATE VIRTUAL TABLE search USING fts5(number);
            CREATE TRIGGER indexed AFTER UPDATE ON refund_queue
                BEGIN INSERT INTO search (number) VALUES (NEW.merchant_order_no); END;
            DELETE FROM search_data
            """
        )
        let rejections = try claim()
        #expect(rejections.count == 3)
        #expect(rejections.allSatisfy { $0.reason.contains("trigger indexed") }, "\(rejections)")
    }
}
