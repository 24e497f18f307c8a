import RefundCore
import RefundStore
import RefundStoreConformance
import Testing

@testable import RefundScheduler

struct SchedulerQueryTests {
    private let harness: SchedulerHarness

    init() throws {
        harness = try SchedulerHarness()
    }

    @Test func insertedRefundIsQueriedAtOnceAndSettlesWithLedgerAndWebhook() throws {
        try harness.fixture.execute("INSERT INTO refund_queue (merchant_order_no) VALUES ('R-1')")
        let first = try harness.run()
        #expect(first.queries.map(\.refund.merchantOrderNo) == ["R-1"])
        harness.endQueries(.report(.settled))
        try harness.run()
        let refund = try harness.refund(1)
        #expect(refund.state == .settled)
        #expect(refund.attempts == 1)
        #expect(refund.nextQueryAt == nil)
        let ledger = try harness.fixture.rows("SELECT sequence, to_state, response FROM refund_transitions")
        #expect(ledger == [["1", "settled", #"{"code":"0"}"#]])
        #expect(try harness.webhooks(1).map(\.type) == ["refund.settled"])
        #expect(try harness.run().deliveries.map(\.refundID) == [1])
    }

    @Test func settledRefundIsNotQueriedAgain() throws {
        try harness.enqueue(1)
        try harness.query(.report(.settled))
        harness.advance(by: .seconds(30 * 86_400))
        #expect(try harness.run().queries.isEmpty)
    }

    @Test func claimedRefundIsNotClaimedAgainWhileItsClaimLasts() throws {
        try harness.enqueue(1)
        #expect(try harness.run().queries.count == 1)
        harness.advance(by: .seconds(69))
        #expect(try harness.run().queries.isEmpty)
    }

    @Test func claimThatRanOutIsReleasedAndTheRefundIsQueriedAgain() throws {
        let ids = try harness.enqueue(1)
        try harness.run()
        harness.advance(by: .seconds(71))
        #expect(try harness.run().eventNames == ["releasedClaims"])
        #expect(try harness.runAtNextWake().queries.map(\.refund.id) == ids)
    }

    @Test func resultOfAClaimThatRanOutChangesNothing() throws {
        try harness.enqueue(1)
        try harness.run()
        harness.advance(by: .seconds(71))
        try harness.run()
        try harness.run()
        #expect(harness.queries.map(\.lease) == [1, 2])
        harness.endFirst(1, .report(.settled))
        try harness.run()
        #expect(try harness.refund(1).state == .pending)
        harness.endQueries(.report(.failed))
        try harness.run()
        #expect(try harness.refund(1).state == .failed)
    }

    @Test func everyFailedQueryBacksOffAndCounts() throws {
        try harness.enqueue(1)
        try harness.run()
        for seconds in [5, 10, 20, 40, 80] {
            harness.endQueries(.unreachable)
            try harness.run()
            #expect(harness.decision.nextWake == harness.now.advanced(by: .seconds(seconds)))
            #expect(try harness.runAtNextWake().queries.count == 1)
        }
        let refund = try harness.refund(1)
        #expect(refund.attempts == 5)
        #expect(refund.state == .pending)
        #expect(refund.lastError == "no answer")
    }

    @Test func restartQueriesAtOnceWhatWasInFlight() throws {
        let ids = try harness.enqueue(1)
        try harness.run()
        #expect(try harness.restart().queries.map(\.refund.id) == ids)
    }

    @Test func strayClaimHidesNoRefund() throws {
        let held = try harness.enqueue("R-1")
        try harness.run()
        let stray = try harness.enqueue("R-2")
        try harness.fixture.execute("UPDATE refund_queue SET leased_until = 9223372036854775807 WHERE id = \(stray)")
        // A store need not look for it in every cycle.
        harness.advance(by: .seconds(1))
        try harness.run()
        #expect(try harness.runAtNextWake().queries.map(\.refund.id) == [stray])
        #expect(try harness.run().queries.isEmpty, "\(held) is in flight")
    }

    @Test func refundWhoseClaimWasTakenAwayIsNotQueriedTwice() throws {
        let id = try harness.enqueue("R-1")
        try harness.run()
        try harness.fixture.execute("UPDATE refund_queue SET leased_until = NULL WHERE id = \(id)")
        #expect(try harness.run().queries.isEmpty)
        #expect(harness.decision.nextWake.map { $0 > harness.now } ?? true, "the scheduler does not spin")
        harness.endQueries(.report(.settled))
        try harness.run()
        #expect(try harness.refund(id).state == .settled)
    }

    @Test func newRefundsAndHintsAreServedBehindABacklog() throws {
        try harness.apply { $0 = $0.limited(rate: 4) }
        let backlog = try harness.enqueue(20)
        for _ in 1...10 {
            try harness.query(.report(.processing))
            try harness.runAtNextWake()
        }
        harness.endQueries(.report(.processing))
        try harness.run()
        // An hour later all are due.
        harness.advance(by: .seconds(3_600))
        let new = try (21...40).map { try harness.enqueue("R-\($0)") }
        try harness.fixture.execute("INSERT INTO refund_hints (merchant_order_no) VALUES ('R-20'), ('R-40')")
        let first = try harness.run().queries.map(\.refund.id)
        #expect(Set(first.prefix(2)) == [backlog[19], new[19]])
        #expect(first.count == 4)
        #expect(first.contains { backlog.dropLast().contains($0) })
        #expect(first.contains { new.dropLast().contains($0) })
        #expect(try harness.fixture.number("SELECT count(*) FROM refund_hints") == 0)
    }

    @Test(arguments: [false, true])
    func backlogOfOneMerchantDelaysNoOther(isOverdue: Bool) throws {
        try harness.apply { $0 = $0.limited(rate: 20, inFlight: 16) }
        try harness.fixture.execute(
            """
            WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
            INSERT INTO refund_queue (merchant_order_no, merchant_no) SELECT 'A-' || i, 'M-' || (i % 3) FROM n
            """
        )
        if isOverdue { try harness.fixture.execute("UPDATE refund_queue SET next_query_at = id") }
        let ids = try (1...5).map { try harness.enqueue("B-\($0)", [(name: .merchantNo, value: "M-9")]) }
        let start = harness.now
        for _ in 1...200 where try ids.contains(where: { try harness.refund($0).state != .settled }) {
            try harness.proceed { _ in .report(.settled) }
        }
        for id in ids { #expect(try harness.refund(id).state == .settled) }
        #expect(harness.now.duration(since: start) <= .seconds(2))
    }

    @Test func hintedRefundIsTheNextProbe() throws {
        let ids = try harness.enqueue(3)
        try harness.query(.busy)
        try harness.fixture.execute("INSERT INTO refund_hints (merchant_order_no) VALUES ('R-3')")
        harness.advance(by: .seconds(30))
        #expect(try harness.run().queries.map(\.refund.id) == [ids[2]])
        harness.endQueries(.busy)
        #expect(try harness.run().queries.isEmpty)
        #expect(try harness.fixture.number("SELECT count(*) FROM refund_hints") == 0, "it is acted on once")
    }

    @Test func hintBringsTheNextQueryForwardAtMostOncePerInitialInterval() throws {
        try harness.enqueue(1)
        for _ in 1...4 {
            try harness.query(.report(.processing))
            try harness.runAtNextWake()
        }
        harness.endQueries(.report(.processing))
        try harness.run()
        let start = harness.now
        #expect(try harness.refund(1).nextQueryAt == start.advanced(by: .seconds(80)))
        harness.advance(by: .seconds(1))
        try harness.fixture.execute("INSERT INTO refund_hints (merchant_order_no) VALUES ('R-1')")
        #expect(try harness.run().queries.isEmpty)
        #expect(harness.decision.nextWake == start.advanced(by: .seconds(5)))
        #expect(try harness.runAtNextWake().queries.count == 1)
    }

    /// Refunds that need no query, cannot be queried, or were queried just now.
    @Test(arguments: ["final", "unknown gateway", "refused", "early"])
    func hintsThatBringNothingForwardDelayNoOther(kind: String) throws {
        let count = 600
        try harness.apply { settings in
            settings.gateways["other"] = settings.gateways["default"]
            settings.gateways["other"]?.limits.maxInFlight = 1
        }
        let gateway = ["unknown gateway": "nowhere", "refused": "other"][kind] ?? "default"
        try harness.fixture.execute(
            """
            WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < \(count))
            INSERT INTO refund_queue (merchant_order_no, gateway) SELECT 'A-' || i, '\(gateway)' FROM n
            """
        )
        try harness.enqueue("B-1")
        for _ in 1...6 {
            harness.endQueries { refund in
                if refund.merchantOrderNo == "B-1" { return .report(.processing) }
                return kind == "final" ? .report(.settled) : kind == "refused" ? .refusal : .report(.processing)
            }
            try harness.run()
            if kind != "refused" || harness.queries.isEmpty { try harness.runAtNextWake() }
        }
        while !harness.queries.isEmpty {
            harness.endQueries { $0.gateway == "other" ? .refusal : .report(.processing) }
            try harness.run()
        }
        if kind == "early" {
            try harness.fixture.execute(
                "UPDATE refund_queue SET last_query_at = \(harness.now.milliseconds) WHERE merchant_order_no <> 'B-1'"
            )
        }
        try harness.fixture.execute(
            """
            UPDATE refund_queue SET next_query_at = \(harness.now.advanced(by: .seconds(900)).milliseconds)
                WHERE state IN ('pending', 'processing');
            UPDATE refund_queue SET last_query_at = 1 WHERE merchant_order_no = 'B-1';
            INSERT INTO refund_hints (merchant_order_no) SELECT merchant_order_no FROM refund_queue ORDER BY id
            """
        )
        let start = harness.now
        var found = try harness.run().queries
        for _ in 1...20 where !found.contains(where: { $0.refund.merchantOrderNo == "B-1" }) {
            found = try harness.runAtNextWake().queries
        }
        #expect(found.contains { $0.refund.merchantOrderNo == "B-1" })
        #expect(harness.now.duration(since: start) <= .seconds(1))
    }

    @Test func hintOfAFinalRefundIsDeleted() throws {
        try harness.enqueue(1)
        try harness.query(.report(.settled))
        try harness.fixture.execute("INSERT INTO refund_hints (merchant_order_no) VALUES ('R-1')")
        try harness.run()
        #expect(try harness.fixture.number("SELECT count(*) FROM refund_hints") == 0)
    }

    @Test func longestDueRefundIsQueriedFirst() throws {
        let first = try harness.enqueue("R-1")
        try harness.query(.report(.processing))
        let second = try harness.enqueue("R-2")
        harness.advance(by: .seconds(1))
        try harness.query(.report(.processing))
        harness.advance(by: .seconds(3_600))
        #expect(try harness.run().queries.map(\.refund.id) == [first, second])
    }

    @Test func answerForARefundThatWasAbandonedMeanwhileChangesNothing() throws {
        let id = try harness.enqueue("R-1")
        try harness.run()
        let row = try harness.row(id)
        var machine = RefundStateMachine(row.refund, policy: PollingPolicy())
        let transitions = machine.abandoned(reason: "customer withdrew", actor: "ann", at: harness.now)
        var random = SplitMix64(seed: 1)
        let change = RefundChange(
            machine.refund,
            transitions,
            on: row,
            endsLease: false,
            harness.settings.eventContext,
            using: &random
        )
        try harness.fixture.store.write { tx throws(StoreError) in try tx.write(change) }
        harness.endQueries(.report(.settled))
        try harness.run()
        #expect(try harness.refund(id).state == .abandoned)
        #expect(try harness.ledger(id).count == 1)
    }

    @Test func rejectedResultHoldsUpNoOtherRefund() throws {
        let ids = try harness.enqueue(2)
        // An application's own trigger that rejects what becomes of one refund.
        try harness.fixture.reject(
            "UPDATE OF state",
            of: "refund_queue",
            when: "NEW.id = \(ids[0]) AND NEW.state = 'settled'",
            "shop: not this one"
        )
        try harness.query(.report(.settled))
        #expect(try harness.refund(ids[1]).state == .settled)
        #expect(try harness.refund(ids[0]).state == .pending)
        #expect(try harness.ledger(ids[0]).isEmpty)
        #expect(harness.decision.eventNames.contains("rejected"))
        harness.advance(by: .seconds(3_601))
        #expect(try harness.run().queries.map(\.refund.id) == [ids[0]])
    }

    @Test func rejectedClaimHoldsUpNoOtherRefund() throws {
        let ids = try harness.enqueue(2)
        try harness.fixture.reject(
            "UPDATE OF leased_until",
            of: "refund_queue",
            when: "NEW.id = \(ids[0])",
            "shop: not this one"
        )
        #expect(try harness.run().queries.map(\.refund.id) == [ids[1]])
        #expect(harness.decision.nextWake == harness.now.advanced(by: .seconds(30)))
        harness.endQueries(.report(.settled))
        try harness.run()
        #expect(try harness.refund(ids[1]).state == .settled)
    }

    @Test func rejectedAttentionHoldsUpNoOtherRefund() throws {
        let bad = try harness.enqueue("R-1", [(name: .gateway, value: "nowhere")])
        let good = try harness.enqueue("R-2", [(name: .gateway, value: "nowhere")])
        let queried = try harness.enqueue("R-3")
        try harness.fixture.reject("UPDATE", of: "refund_queue", when: "NEW.id = \(bad)", "shop: not this one")
        #expect(try harness.run().queries.map(\.refund.id) == [queried])
        #expect(try harness.refund(good).attention == .misconfigured)
        #expect(try harness.refund(bad).attention == nil)
    }

    @Test func refundPostponedBeyondANewPolicyIsDueAfterTheReload() throws {
        try harness.apply { $0.polling.initialInterval = .seconds(300) }
        let ids = try harness.enqueue(1)
        try harness.query(.report(.processing))
        try harness.apply { settings in
            settings.polling.initialInterval = .milliseconds(200)
            settings.polling.maxInterval = .milliseconds(600)
            settings.polling.slowInterval = .milliseconds(600)
        }
        #expect(try harness.run().queries.map(\.refund.id) == ids)
    }

    @Test(arguments: [50 * 60, 9 * 3_600, 365 * 86_400])
    func clockSetBackDelaysNoRefund(seconds: Int) throws {
        try harness.enqueue(1)
        for _ in 1...9 {
            try harness.query(.report(.processing))
            try harness.runAtNextWake()
        }
        harness.endQueries(.report(.processing))
        try harness.run()
        let wait = try #require(try harness.refund(1).nextQueryAt).duration(since: harness.now)
        harness.setClockBack(by: .seconds(seconds))
        try harness.run()
        #expect(try harness.refund(1).nextQueryAt?.duration(since: harness.now) == wait)
        try harness.run()
        #expect(harness.decision.nextWake?.duration(since: harness.now) == wait)
    }

    @Test(arguments: [50 * 60, 9 * 3_600])
    func clockSetForwardAndBackDelaysNoRefundAndNoWebhook(seconds: Int) throws {
        try harness.apply { $0 = $0.limited(rate: 2) }
        let ids = try harness.enqueue(3)
        try harness.query(.report(.processing))
        harness.advance(by: .seconds(seconds))
        for _ in 1...6 { try harness.proceed { $0.id == ids[0] ? .report(.settled) : .unreachable } }
        harness.setClockBack(by: .seconds(seconds))
        try harness.run()
        let start = harness.now
        for _ in 1...60 where try ids.contains(where: { try harness.refund($0).state != .settled }) {
            harness.endDeliveries(status: 204)
            try harness.proceed { _ in .report(.settled) }
        }
        for id in ids { #expect(try harness.refund(id).state == .settled) }
        #expect(harness.now.duration(since: start) <= .seconds(30 * 60), "the backoff and nothing else")
        #expect(try harness.status().webhooks[.delivered] ?? 0 >= 1)
    }

    @Test func databaseRestoredWhileAQueryIsInFlightDoesNotSettleAnotherRefund() throws {
        try harness.enqueue(1)
        try harness.run()
        // Another refund has the row's id, and even its lease.
        try harness.fixture.removeGuard("refund_queue_identity", of: "refund_queue")
        try harness.fixture.execute(
            "UPDATE refund_queue SET merchant_order_no = 'R-2', created_at = created_at + 1 WHERE id = 1"
        )
        harness.endQueries(.report(.settled))
        try harness.run()
        #expect(try harness.refund(1).state == .pending)
        #expect(try harness.ledger(1).isEmpty)
        #expect(try harness.run().queries.map(\.query.merchantOrderNo) == ["R-2"])
    }
}
