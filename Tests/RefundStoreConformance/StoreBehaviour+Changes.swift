import RefundCore
import RefundStore
import RefundTestSupport
import Testing

extension StoreBehaviour {
    static let changes = [
        StoreBehaviour("insertedRowIsReadAsItWasInserted") { fixture in
            let id = try fixture.enqueue(
                "R-1",
                [
                    "trans_no": "'T-1'", "merchant_no": "'3121'", "gateway": "'second'", "expected_amount": "'12.50'",
                    "expected_currency": "'EUR'", "callback_url": "'https://shop.example'",
                    "metadata": #"'{"é":1}'"#,
                ]
            )
            let row = try Daemon(fixture).row(id)
            var expected = Refund(id: id, gateway: "second", merchantOrderNo: "R-1", createdAt: row.refund.createdAt)
            expected.transNo = "T-1"
            expected.merchantNo = "3121"
            expected.expected = Money(amount: "12.50", currency: "EUR")
            expected.callbackURL = "https://shop.example"
            expected.metadata = #"{"é":1}"#
            expected.nextQueryAt = Timestamp(milliseconds: 0)
            #expect(row == QueuedRefund(expected))
        },
        StoreBehaviour("everyColumnSurvivesARoundTrip") { fixture in
            let daemon = Daemon(fixture)
            let row = try daemon.row(try fixture.enqueue("R-1"))
            var refund = row.refund
            refund.notified = [.overdue, .mismatch]
            refund.transaction = fullReport.transaction
            refund.failure = Failure(code: "TS-1", message: "no funds\u{1F600}")
            refund.attempts = 7
            refund.lastQueryAt = later(-1)
            refund.isLastQueryVerified = true
            refund.lastError = "no answer"
            refund.isUnknownOrder = true
            refund.updatedAt = now
            refund.nextQueryAt = later(5)
            var random = SplitMix64(seed: 1)
            let change = RefundChange(refund, [], on: row, endsLease: true, daemon.context(), using: &random)
            try daemon.write(.change(change))
            #expect(try daemon.row(refund.id).refund == refund)
        },
        StoreBehaviour("changeWritesRowLedgerEventAndWebhookTogether") { fixture in
            let daemon = Daemon(fixture)
            let id = try fixture.enqueue("R-1", ["expected_amount": "'12.50'", "expected_currency": "'EUR'"])
            let change = try daemon.happen(to: id) { machine in
                machine.queryAnswered(.says(fullReport), sentAt: later(-1), at: now, draw: 0.5)
            }
            let event = try #require(change.entries.first?.event)
            #expect(
                try fixture.rows(
                    """
                    SELECT state, attention, trans_status, trans_amount, trans_currency, trans_end_at, trans_no, attempts,
                    last_query_at, last_error, updated_at, next_query_at FROM refund_queue
                    """
                ) == [
                    [
                        "settled", nil, "2", "12.5", "EUR", "\(later(-60).milliseconds)", nil, "1",
                        "\(later(-1).milliseconds)", nil, "\(now.milliseconds)", nil,
                    ]
                ]
            )
            #expect(
                try fixture.rows(
                    """
                    SELECT refund_id, sequence, at, from_state, to_state, attention, reason, trans_status, code, psn,
                    actor, verdict, enqueued_at = (SELECT created_at FROM refund_queue), number FROM refund_transitions
                    """
                ) == [
                    [
                        "\(id)", "1", "\(now.milliseconds)", "pending", "settled", nil, nil, "2", "0", "P-1", "refundd",
                        "settled", "1", "R-1",
                    ]
                ]
            )
            #expect(
                try fixture.rows("SELECT at, type, refund_id, merchant_order_no, state, body FROM refund_events")
                    == [["\(now.milliseconds)", "refund.settled", "\(id)", "R-1", "settled", event.body]]
            )
            #expect(
                try fixture.rows(
                    """
                    SELECT id, refund_id, sequence, type, url, body, state, attempts, next_attempt_at, last_status,
                    created_at, delivered_at FROM refund_webhooks
                    """
                ) == [
                    [
                        event.webhook?.id, "\(id)", "1", "refund.settled", Daemon.defaultURL, event.body, "pending",
                        "0", "\(now.milliseconds)", nil, "\(now.milliseconds)", nil,
                    ]
                ]
            )
        },
        StoreBehaviour("signedAnswerIsKeptByteForByte") { fixture in
            let daemon = Daemon(fixture)
            let id = try fixture.enqueue("R-1")
            let evidence = Evidence(code: "0", psn: nil, response: Array(UInt8.min...UInt8.max))
            try daemon.happen(to: id) { machine in
                machine.queryAnswered(
                    .report(GatewayReport(.processing), evidence),
                    sentAt: now,
                    at: now,
                    draw: 0.5
                )
            }
            let ledger = try daemon.store.read { tx throws(StoreError) in try tx.ledger(refundID: id) }
            #expect(ledger.first?.response == evidence.response)
        },
        StoreBehaviour("severalTransitionsAreSeveralRowsInOrder") { fixture in
            let daemon = Daemon(fixture)
            let id = try fixture.enqueue("R-1", ["expected_amount": "'1'", "expected_currency": "'EUR'"])
            try daemon.happen(to: id) { $0.answered(.settled) }
            #expect(
                try fixture.rows("SELECT sequence, from_state, to_state, attention FROM refund_transitions ORDER BY id")
                    == [["1", "pending", "processing", nil], ["2", "processing", "processing", "mismatch"]]
            )
            #expect(try daemon.row(id).lastSequence == 2)
            #expect(
                try fixture.column("SELECT type FROM refund_events") == ["refund.processing", "refund.needs_attention"]
            )
            #expect(try daemon.webhooks() == ["processing superseded", "needs_attention pending"])
        },
        StoreBehaviour("everyEventIsKeptWhetherOrNotAWebhookIsSent") { fixture in
            let daemon = Daemon(fixture)
            try daemon.happen(to: try fixture.enqueue("R-1"), url: nil) { $0.answered(.settled) }
            try daemon.happen(to: try fixture.enqueue("R-2"), events: [.failed]) { $0.answered(.settled) }
            #expect(try fixture.number("SELECT count(*) FROM refund_webhooks") == 0)
            #expect(try fixture.column("SELECT type FROM refund_events") == ["refund.settled", "refund.settled"])
        },
        StoreBehaviour("changeUnderAnEarlierClaimWritesNothing") { fixture in
            let daemon = Daemon(fixture)
            let id = try fixture.enqueue("R-1")
            let stale = try daemon.row(id)
            try daemon.write(.claimRefunds([RefundClaim(id: id, lease: 1)], until: later(75)))
            try daemon.write(.change(daemon.change(of: stale) { $0.answered(.settled) }))
            try daemon.write(.poll(RefundPoll(refund: stale.refund, lease: stale.lease)))
            #expect(
                try fixture.rows("SELECT state, attempts, leased_until FROM refund_queue") == [
                    ["pending", "0", "\(later(75).milliseconds)"]
                ]
            )
            #expect(try fixture.number("SELECT count(*) FROM refund_transitions") == 0)
        },
        StoreBehaviour("changeDecidedOnAnOlderRowIsRejectedAsAWhole") { fixture in
            let daemon = Daemon(fixture)
            let id = try fixture.enqueue("R-1")
            let stale = try daemon.row(id)
            try daemon.happen(to: id) { $0.abandoned(reason: "lost", actor: "ada", at: now) }
            let rejections = try daemon.write(.change(daemon.change(of: stale) { $0.answered(.settled) }))
            #expect(rejections.count == 1)
            #expect(try fixture.column("SELECT state FROM refund_queue") == ["abandoned"])
            #expect(try fixture.number("SELECT count(*) FROM refund_events") == 1)
        },
        StoreBehaviour("rejectedWriteDoesNotTakeItsNeighboursBack") { fixture in
            let daemon = Daemon(fixture)
            let ids = try (1...3).map { try fixture.enqueue("R-\($0)") }
            let stale = try ids.map { try daemon.row($0) }
            try daemon.happen(to: ids[1]) { $0.abandoned(reason: "lost", actor: "ada", at: now) }
            let changes = stale.map { row in daemon.change(of: row) { $0.answered(.settled) } }
            let rejections = try daemon.write(.change(changes[0]), .change(changes[1]), .change(changes[2]))
            #expect(rejections.map(\.index) == [1])
            #expect(
                try fixture.column("SELECT state FROM refund_queue ORDER BY id") == ["settled", "abandoned", "settled"]
            )
        },
        StoreBehaviour("rejectedWriteIsReplacedByItsFallback") { fixture in
            let daemon = Daemon(fixture)
            let id = try fixture.enqueue("R-1")
            let stale = try daemon.row(id)
            try daemon.happen(to: id) { $0.answered(.processing) }
            try daemon.write(.claimRefunds([RefundClaim(id: id, lease: 1)], until: later(75)))
            var row = stale
            row.lease = 1
            let claim = RefundClaim(id: id, lease: 1)
            var request = CycleRequest(now: now)
            request.mustWrite = true
            let change = Write.Action.change(daemon.change(of: row) { $0.answered(.processing) })
            let rejections = try daemon.store.cycle(request) { _ in
                [Write(change, fallback: .postponeRefund(claim, until: later(60)))]
            }
            #expect(rejections.count == 1)
            #expect(
                try fixture.rows("SELECT leased_until, next_query_at FROM refund_queue") == [
                    [nil, "\(later(60).milliseconds)"]
                ]
            )
        },
        StoreBehaviour("pollChangesOnlyItsColumns") { fixture in
            let daemon = Daemon(fixture)
            let id = try fixture.enqueue("R-1")
            try daemon.happen(to: id) { $0.answered(.processing) }
            try daemon.write(.claimRefunds([RefundClaim(id: id, lease: 1)], until: later(75)))
            var row = try daemon.row(id)
            row.refund.attempts = 2
            row.refund.lastError = "timeout"
            row.refund.nextQueryAt = later(10)
            row.refund.transaction = nil
            try daemon.write(.poll(RefundPoll(refund: row.refund, lease: 1)))
            #expect(
                try fixture.rows(
                    "SELECT state, attempts, last_error, next_query_at, leased_until, trans_status FROM refund_queue"
                ) == [["processing", "2", "timeout", "\(later(10).milliseconds)", nil, "0"]]
            )
        },
        StoreBehaviour("incidentIsKeptAndReportedOnce") { fixture in
            let daemon = Daemon(fixture)
            let incident = GatewayIncident(
                kind: .misconfigured,
                code: "SYS002",
                message: "signature refused",
                isVerified: true,
                since: now
            )
            var random = SplitMix64(seed: 1)
            let event = EventRecord(of: "default", incident, daemon.context(), using: &random)
            let record = IncidentRecord(incident: incident, event: event)
            // A commit of unknown outcome may be repeated.
            for _ in 0..<2 { try daemon.write(.incident(gateway: "default", record)) }
            let incidents = { try daemon.store.read { tx throws(StoreError) in try tx.incidents() } }
            #expect(try incidents() == ["default": incident])
            #expect(
                try fixture.rows("SELECT type, refund_id, body FROM refund_events")
                    == [["gateway.needs_attention", nil, EventBody.gateway("default", incident)]]
            )
            #expect(try daemon.webhooks() == ["gateway.needs_attention pending"])
            try daemon.write(.incident(gateway: "default", nil))
            #expect(try incidents().isEmpty)
            #expect(try fixture.number("SELECT count(*) FROM refund_events") == 1, "a recovery sends nothing")
        },
        StoreBehaviour("countsFollowEveryChange") { fixture in
            let daemon = Daemon(fixture)
            let ids = try (1...4).map { try fixture.enqueue("R-\($0)") }
            try daemon.happen(to: ids[0]) { $0.answered(.processing) }
            try daemon.happen(to: ids[1]) { $0.answered(.settled) }
            try daemon.happen(to: ids[2]) { $0.answered(.processing) + $0.answered(.failed) }
            #expect(throws: (any Error).self) { try fixture.enqueue("R-1") }
            let status = try daemon.store.read { tx throws(StoreError) in try tx.status(at: now) }
            #expect(status.states == [.pending: 1, .processing: 1, .settled: 1, .failed: 1, .abandoned: 0])
            #expect(status.webhooks == [.pending: 3, .delivered: 0, .dead: 0, .superseded: 1])
            #expect(try daemon.store.read { tx throws(StoreError) in try tx.schemaProblems() } == [])
        },
    ]

    private static var fullReport: GatewayReport {
        var report = GatewayReport(.settled, "12.5", "EUR")
        report.transaction.endAt = later(-60)
        report.transaction.transNo = "41125"
        report.transaction.origTransNo = "41124"
        report.transaction.payChannelTransNo = "CH-1"
        return report
    }
}
