import RefundCore
package import RefundStore
import RefundTestSupport
import Testing

extension StoreBehaviour {
    static let retention = [
        StoreBehaviour("oldDeliveredWebhookLosesItsBodyAndItsAttempts") { fixture in
            let daemon = Daemon(fixture)
            let id = try daemon.settle("R-1")
            let pruned = try daemon.prune(.webhooks, after: 0)
            #expect(pruned.batch.ids.count == 1 && pruned.batch.isLast)
            #expect(pruned.rows.named.map(\.count) == [0, 0, 0, 0, 1, 1])
            #expect(try fixture.rows("SELECT type, body FROM refund_events") == [["refund.settled", ""]])
            #expect(try fixture.number("SELECT count(*) FROM refund_webhook_attempts") == 0)
            let webhooks = try daemon.store.read { tx throws(StoreError) in try tx.webhooks(refundID: id) }
            let webhook = try #require(webhooks.first)
            #expect(webhook.state == "delivered" && webhook.attempts == 1 && webhook.lastStatus == 204)
            #expect(webhook.prunedAt == Daemon.pruningTime)
            #expect(try daemon.prune(.webhooks, after: 0).batch.ids == [], "nothing is pruned twice")
            #expect(try daemon.problems() == [])
        },
        StoreBehaviour("supersededWebhookIsPrunedWithoutAnAttempt") { fixture in
            let daemon = Daemon(fixture)
            let id = try fixture.enqueue("R-1")
            try daemon.happen(to: id) { $0.answered(.processing) }
            try daemon.happen(to: id) { $0.answered(.settled) }
            try daemon.finish(try #require(try daemon.claim().first), .accepted)
            #expect(try daemon.prune(.webhooks, after: 0).rows.named.map(\.count) == [0, 0, 0, 0, 2, 1])
            #expect(try daemon.problems() == [])
        },
        StoreBehaviour("whatIsUnfinishedYoungOrDeadIsNeverPruned") { fixture in
            let daemon = Daemon(fixture)
            let processing = try fixture.enqueue("R-1")
            try daemon.happen(to: processing) { $0.answered(.processing) }
            try daemon.finish(try #require(try daemon.claim().first), .accepted)
            try daemon.settle("R-2", outcome: .failed)
            let dead = try daemon.row(2)
            try daemon.write(.change(daemon.change(of: dead) { $0.webhooksChanged(dead: 1, at: now) }))
            try fixture.enqueue("R-3")
            try daemon.settle("R-4", at: Daemon.pruningTime.advanced(by: .seconds(-86_400)))
            let waiting = try fixture.enqueue("R-5")
            try daemon.happen(to: waiting) { $0.answered(.settled) }
            for what in Prunable.allCases {
                let pruned = try daemon.prune(what, after: 0)
                #expect(pruned.batch.ids == [] && pruned.batch.isLast && pruned.rows.isEmpty, "\(what)")
            }
            #expect(try fixture.number("SELECT count(*) FROM refund_queue") == 5)
            #expect(try fixture.number("SELECT count(*) FROM refund_events WHERE body = ''") == 0)
            #expect(try daemon.problems() == [])
        },
        StoreBehaviour("redeliveredWebhookIsKeptUntilItIsOldAgain") { fixture in
            let daemon = Daemon(fixture)
            try daemon.settle("R-1", outcome: .failed)
            let id = try #require(try fixture.column("SELECT id FROM refund_webhooks").first ?? nil)
            let late = Daemon.pruningTime.advanced(by: .seconds(-3_600))
            let outcome = try daemon.store.write { tx throws(StoreError) in try tx.redeliver(id, by: "ada", at: late) }
            #expect(outcome == .due)
            try daemon.finish(try #require(try daemon.claim(at: late).first), .accepted, at: late)
            for what in Prunable.allCases { #expect(try daemon.prune(what, after: 0).batch.ids == [], "\(what)") }
        },
        StoreBehaviour("prunedRefundLeavesNothingButItsNumbers") { fixture in
            let daemon = Daemon(fixture)
            let id = try daemon.settle("R-1")
            let other = try daemon.settle("R-2", at: Daemon.pruningTime)
            let last = try fixture.number("SELECT max(position) FROM refund_events")
            let pruned = try daemon.prune(.ledger, after: 0)
            #expect(pruned.batch.ids == [id])
            #expect(pruned.rows.named.map(\.count) == [1, 1, 1, 1, 0, 1])
            #expect(try fixture.column("SELECT id FROM refund_queue") == ["\(other)"])
            for table in ["refund_transitions", "refund_events", "refund_webhooks"] {
                #expect(try fixture.column("SELECT refund_id FROM \(table)") == ["\(other)"], "\(table)")
            }
            #expect(try fixture.number("SELECT count(*) FROM refund_webhook_attempts") == 1)
            let found = try daemon.store.read { tx throws(StoreError) in
                (try tx.prunedRefunds(RefundSelector(.number("R-1"))), try tx.prunedRefunds(RefundSelector(.id(id))))
            }
            let expected = PrunedRefund(id: id, number: "R-1", state: .settled, prunedAt: Daemon.pruningTime)
            #expect(found.0 == [expected] && found.1 == [expected])
            let (sum, status) = try daemon.store.read { tx throws(StoreError) in
                (try tx.prunedRows(), try tx.status(at: now))
            }
            #expect(sum == pruned.rows)
            #expect(status.states[.settled] == 1 && status.webhooks[.delivered] == 1)
            #expect(try daemon.problems() == [])
            try daemon.settle("R-3")
            #expect(try fixture.number("SELECT max(position) FROM refund_events") == last + 1, "positions go on")
        },
        StoreBehaviour("numberOfAPrunedRefundIsNotEnqueuedAgain") { fixture in
            let daemon = Daemon(fixture)
            try daemon.settle("R-1", ["trans_no": "'T-1'", "merchant_no": "'M-1'"])
            let abandoned = try fixture.enqueue("R-2")
            try daemon.happen(to: abandoned) { $0.abandoned(reason: "lost", actor: "ada", at: now) }
            try daemon.finish(try #require(try daemon.claim().first), .accepted)
            #expect(try daemon.prune(.ledger, after: 0).rows.refunds == 2)
            for columns in ["merchant_order_no) VALUES ('M-1', 'R-1')", "trans_no) VALUES ('M-1', 'T-1')"] {
                for conflict in ["", "ON CONFLICT DO NOTHING"] {
                    let error = #expect(throws: (any Error).self, "\(columns) \(conflict)") {
                        try fixture.execute("INSERT INTO refund_queue (merchant_no, \(columns) \(conflict)")
                    }
                    #expect("\(String(describing: error))".contains("this refund was finished and pruned long ago"))
                }
            }
            #expect(try fixture.enqueue("R-1", ["merchant_no": "'M-2'"]) == 3, "another merchant's number")
            #expect(try fixture.enqueue("R-2") == 4, "an abandoned refund has freed its number")
        },
        StoreBehaviour("refundWithPrunedWebhooksIsPrunedLater") { fixture in
            let daemon = Daemon(fixture)
            try daemon.settle("R-1")
            #expect(try daemon.prune(.webhooks, after: 0).rows.bodies == 1)
            #expect(try daemon.prune(.ledger, after: 0).rows.named.map(\.count) == [1, 1, 1, 1, 0, 0])
            #expect(try daemon.problems() == [])
        },
        StoreBehaviour("prunedWebhookIsNotSentAgain") { fixture in
            let daemon = Daemon(fixture)
            try daemon.settle("R-1")
            try daemon.prune(.webhooks, after: 0)
            let id = try #require(try fixture.column("SELECT id FROM refund_webhooks").first ?? nil)
            let outcome = try daemon.store.write { tx throws(StoreError) in try tx.redeliver(id, by: "ada", at: now) }
            #expect(outcome == .pruned(at: Daemon.pruningTime))
            #expect(try fixture.column("SELECT state FROM refund_webhooks") == ["delivered"])
        },
        StoreBehaviour("pruningGoesStepByStep") { fixture in
            let daemon = Daemon(fixture)
            let count = PruneRequest.rowLimit / 3 + 3
            for number in 1...count { try daemon.settle("R-\(number)") }
            for what in Prunable.allCases {
                var (last, total, steps) = (Int64(0), PrunedRows(), 0)
                while true {
                    let (batch, rows) = try daemon.prune(what, after: last)
                    let size = rows.named.map(\.count).reduce(0, +)
                    #expect(size <= PruneRequest.rowLimit)
                    (last, steps) = (batch.last, steps + 1)
                    total += rows
                    if batch.isLast { break }
                }
                #expect(steps == 2)
                #expect((what == .webhooks ? total.bodies : total.refunds) == count)
            }
            #expect(try daemon.problems() == [])
        },
    ]
}

extension Daemon {
    /// When tests of retention prune: what happens at `now` is older than 90 days then.
    static let pruningTime = later(100 * 86_400)

    /// Enqueues a refund, settles it, and ends the attempt to report it.
    @discardableResult
    fileprivate func settle(
        _ order: String,
        _ columns: KeyValuePairs<String, String> = [:],
        at time: Timestamp = now,
        outcome: DeliveryOutcome = .accepted
    ) throws -> Int64 {
        let id = try fixture.enqueue(order, columns)
        try happen(to: id) { $0.answered(.settled, at: time) }
        let due = try #require(try claim(at: time).first { $0.refundID == id })
        try finish(due, outcome, at: time)
        return id
    }

    @discardableResult
    package func prune(_ what: Prunable, after last: Int64) throws -> (batch: PruneBatch, rows: PrunedRows) {
        let until = Self.pruningTime.advanced(by: .zero - .seconds(90 * 86_400))
        let request = PruneRequest(what, until: until, after: last)
        return try store.write { tx throws(StoreError) in try tx.prune(request, at: Self.pruningTime) }
    }

    /// What `verify` finds besides signatures, which these answers lack.
    fileprivate func problems() throws -> [String] {
        let (problems, batch) = try store.read { tx throws(StoreError) in
            (try tx.schemaProblems(), try tx.histories(after: nil, limit: 1_000))
        }
        return problems + batch.problems
            + batch.histories.flatMap { history in
                OutboxCheck(events: history.events, webhooks: history.webhooks) { _ in "hooks.example" }.problems
            }
    }
}
