import GRDB
import Testing

@testable import RefundCore
@testable import RefundStoreSQLite

struct ApplyTests {
    private let database: TestDatabase
    private var store: RefundStore { database.store }

    init() throws {
        database = try TestDatabase()
    }

    private var report: GatewayReport {
        var report = GatewayReport(status: .succeeded)
        report.amount = "12.5"
        report.currency = "EUR"
        report.endAt = later(-60)
        report.transNo = "41125"
        report.origTransNo = "41124"
        report.payChannelTransNo = "CH-1"
        return report
    }

    @Test func aRowIsReadAsItWasInserted() throws {
        let id = try database.enqueue(
            "R-1",
            [
                "trans_no": "'T-1'", "merchant_no": "'3121'", "gateway": "'second'", "expected_amount": "'12.50'",
                "expected_currency": "'EUR'", "callback_url": "'https://shop.example'", "metadata": #"'{"é":1}'"#,
            ]
        )
        let refund = try #require(try database.refund(id))
        var expected = Refund(id: id, gateway: "second", merchantOrderNo: "R-1", createdAt: refund.createdAt)
        expected.transNo = "T-1"
        expected.merchantNo = "3121"
        expected.expected = Money(amount: "12.50", currency: "EUR")
        expected.callbackURL = "https://shop.example"
        expected.metadata = #"{"é":1}"#
        expected.nextQueryAt = Timestamp(milliseconds: 0)
        #expect(refund == expected)
        #expect(try database.refund(99) == nil)
    }

    @Test func everythingThatIsKnownSurvivesARoundTrip() throws {
        let id = try database.enqueue("R-1")
        try store.transaction { tx in
            guard var refund = try tx.refund(id: id) else { throw TestDatabase.NoSuchRefund() }
            refund.told = [NotifiedReasons(.overdue), NotifiedReasons(.mismatch)]
            refund.report = report
            refund.failure = Failure(code: "TS-1", message: "no \0funds\u{1F600}")
            refund.attempts = 7
            refund.lastQueryAt = later(-1)
            refund.lastError = "no answer"
            refund.isUnknownOrder = true
            refund.updatedAt = now
            refund.nextQueryAt = later(5)
            try tx.apply(refund, [], endsLease: true, database.context())
            refund.failure?.message = "no "
            var read = try tx.refund(id: id)
            // SQLite's own text functions end at a zero byte, and so does what is read.
            read?.failure?.message = "no "
            #expect(read == refund)
        }
    }

    @Test func aChangeIsWrittenToRowLedgerEventsAndOutboxTogether() throws {
        let id = try database.enqueue("R-1", ["expected_amount": "'12.50'", "expected_currency": "'EUR'"])
        let transitions = try database.happen(to: id) { machine in
            machine.queryAnswered(.report(report, .sample), sentAt: later(-1), at: now, draw: 0.5)
        }
        #expect(transitions.count == 1)
        #expect(
            try database.rows(
                """
                SELECT state, attention, trans_status, trans_amount, trans_currency, trans_end_at, trans_no, attempts,
                last_query_at, last_error, updated_at, next_query_at FROM refund_queue
                """
            ) == [
                [
                    "settled", "-", "2", "12.5", "EUR", "\(later(-60).milliseconds)", "-", "1",
                    "\(later(-1).milliseconds)", "-", "\(now.milliseconds)", "-",
                ]
            ]
        )
        #expect(
            try database.rows(
                """
                SELECT refund_id, sequence, at, from_state, to_state, attention, reason, trans_status, code, psn, response,
                actor, verdict, enqueued_at = (SELECT created_at FROM refund_queue), number FROM refund_transitions
                """
            ) == [
                [
                    "1", "1", "\(now.milliseconds)", "pending", "settled", "-", "-", "2", "0", "P-1",
                    #"{"code":"0","é":1}"#, "refundd", "settled", "1", "R-1",
                ]
            ]
        )
        let refund = try #require(try database.refund(id))
        let body = EventBody.refund(.settled, transitions[0], sequence: 1, refund, merchantNo: "3121")
        #expect(
            try database.rows("SELECT position, at, type, refund_id, merchant_order_no, state, body FROM refund_events")
                == [["1", "\(now.milliseconds)", "refund.settled", "1", "R-1", "settled", body]]
        )
        #expect(try database.column("SELECT typeof(body) FROM refund_events") == ["text"])
        #expect(
            try database.rows(
                """
                SELECT id, refund_id, sequence, type, url, body, state, attempts, next_attempt_at, last_status,
                created_at, delivered_at FROM refund_webhooks
                """
            ) == [
                [
                    "msg_1", "1", "1", "refund.settled", TestDatabase.defaultURL, body, "pending", "0",
                    "\(now.milliseconds)", "-", "\(now.milliseconds)", "-",
                ]
            ]
        )
    }

    @Test func theAnswerIsKeptByteForByte() throws {
        let id = try database.enqueue("R-1")
        let bytes = Array(UInt8.min...UInt8.max)
        let evidence = Evidence(code: "0", psn: nil, response: bytes)
        try database.happen(to: id) { machine in
            machine.queryAnswered(
                .report(GatewayReport(status: .inProgress), evidence),
                sentAt: now,
                at: now,
                draw: 0.5
            )
        }
        let kept = try store.read { tx in
            try Row.fetchOne(tx.db, sql: "SELECT response FROM refund_transitions")?.bytes(0)
        }
        #expect(kept == bytes)
    }

    @Test func severalChangesAtOnceAreSeveralRows() throws {
        let id = try database.enqueue("R-1", ["expected_amount": "'1'", "expected_currency": "'EUR'"])
        try database.happen(to: id) { $0.answered(.succeeded) }
        #expect(
            try database.rows("SELECT sequence, from_state, to_state, attention FROM refund_transitions ORDER BY id")
                == [["1", "pending", "processing", "-"], ["2", "processing", "processing", "mismatch"]]
        )
        #expect(
            try database.rows("SELECT position, type, state FROM refund_events")
                == [["1", "refund.processing", "processing"], ["2", "refund.needs_attention", "processing"]]
        )
        #expect(
            try database.rows("SELECT type, state FROM refund_outbox ORDER BY position")
                == [["refund.processing", "superseded"], ["refund.needs_attention", "pending"]]
        )
    }

    @Test func theRowsOwnAddressComesFirst() throws {
        let id = try database.enqueue("R-1", ["callback_url": "'https://shop.example/hook'"])
        try database.happen(to: id) { $0.answered(.succeeded) }
        #expect(
            try database.rows("SELECT url, endpoint FROM refund_outbox")
                == [["https://shop.example/hook", "shop.example"]]
        )
    }

    @Test func everyEventIsLoggedWhetherOrNotAWebhookGoesOut() throws {
        let silent = try database.enqueue("R-1")
        try database.happen(to: silent, url: nil) { $0.answered(.succeeded) }
        let unasked = try database.enqueue("R-2")
        try database.happen(to: unasked, events: [.failed]) { $0.answered(.succeeded) }
        #expect(try database.column("SELECT count(*) FROM refund_webhooks") == ["0"])
        #expect(try database.column("SELECT type FROM refund_events") == ["refund.settled", "refund.settled"])
    }

    @Test func aLedgerRowWithoutAnEventTellsNobody() throws {
        let id = try database.enqueue("R-1")
        try database.happen(to: id) { $0.webhooksChanged(dead: 1, at: now) }
        #expect(try database.column("SELECT attention FROM refund_transitions") == ["undeliverable"])
        #expect(try database.column("SELECT count(*) FROM refund_events") == ["0"])
        #expect(try database.column("SELECT count(*) FROM refund_webhooks") == ["0"])
    }

    // MARK: - All or nothing

    @Test func aWebhookThatIsRefusedTakesBackTheWholeChange() throws {
        let first = try database.enqueue("R-1")
        let second = try database.enqueue("R-2")
        try database.happen(to: first) { $0.answered(.succeeded) }
        let contents = try database.contents()
        #expect(throws: StoreError.self) {
            try store.transaction { tx in
                guard let refund = try tx.refund(id: second) else { throw TestDatabase.NoSuchRefund() }
                var machine = RefundStateMachine(refund, policy: PollingPolicy())
                let transitions = machine.answered(.succeeded)
                let context = database.context { _ in "msg_1" }
                try tx.apply(machine.refund, transitions, endsLease: true, context)
            }
        }
        #expect(try database.contents() == contents)
    }

    @Test func aChangeDecidedOnAnOlderRowIsRefused() throws {
        let id = try database.enqueue("R-1")
        let stale = try #require(try database.refund(id))
        try database.happen(to: id) { $0.abandoned(reason: "lost", actor: "ada", at: now) }
        let contents = try database.contents()
        #expect(throws: StoreError.self) {
            try store.transaction { tx in
                var machine = RefundStateMachine(stale, policy: PollingPolicy())
                let transitions = machine.answered(.succeeded)
                try tx.apply(machine.refund, transitions, endsLease: true, database.context())
            }
        }
        #expect(try database.contents() == contents)
    }

    @Test func oneRefusedResultDoesNotTakeItsNeighboursBack() throws {
        let ids = try (1...3).map { try database.enqueue("R-\($0)") }
        let stale = try ids.map { try #require(try database.refund($0)) }
        try database.happen(to: ids[1]) { $0.abandoned(reason: "lost", actor: "ada", at: now) }
        var refused = 0
        try store.transaction { tx in
            for refund in stale {
                let refusal = try tx.refusal {
                    var machine = RefundStateMachine(refund, policy: PollingPolicy())
                    let transitions = machine.answered(.succeeded)
                    try tx.apply(machine.refund, transitions, endsLease: true, database.context())
                }
                if refusal != nil { refused += 1 }
            }
        }
        #expect(refused == 1)
        #expect(
            try database.column("SELECT state FROM refund_queue ORDER BY id") == ["settled", "abandoned", "settled"]
        )
        #expect(try database.column("SELECT count(*) FROM refund_transitions") == ["3"])
    }

    @Test func positionsRiseAndAreNotUsedAgainAfterARollback() throws {
        for number in 1...4 { try database.enqueue("R-\(number)") }
        try database.happen(to: 3) { $0.answered(.succeeded) }
        struct Fault: Error {}
        #expect(throws: StoreError.self) {
            try database.happen(to: 1) { _ in
                [
                    Transition(
                        at: now,
                        from: .settled,
                        to: .failed,
                        attention: nil,
                        reason: nil,
                        transStatus: nil,
                        evidence: nil,
                        actor: "x",
                        event: .failed
                    )
                ]
            }
        }
        try database.happen(to: 1) { $0.answered(.succeeded) }
        try database.happen(to: 2) { $0.answered(.succeeded) }
        // With statistics SQLite reads an index in place of the table, which has another order.
        for statistics in ["", "ANALYZE"] {
            try database.execute(statistics)
            for query in ["", " WHERE position > 0"] {
                let rows = try database.rows("SELECT position, refund_id FROM refund_events\(query)")
                #expect(rows == [["1", "3"], ["2", "1"], ["3", "2"]])
            }
        }
    }
}
