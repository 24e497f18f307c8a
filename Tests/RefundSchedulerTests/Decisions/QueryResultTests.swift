import RefundCore
import RefundStore
import RefundTestSupport
import Testing

@testable import RefundScheduler

/// What a query's result changes for its refund.
struct QueryResultTests {
    private static let table: [(outcome: QueryOutcome, pending: String, processing: String)] = [
        (.report(.processing), "change 1 pending→processing (refund.processing)", "change 1"),
        (
            .report(.settled), "change 1 pending→settled (refund.settled)",
            "change 1 processing→settled (refund.settled)"
        ),
        (.report(.failed), "change 1 pending→failed (refund.failed)", "change 1 processing→failed (refund.failed)"),
        (.notFound, "poll 1", "poll 1"),
        (.inconclusive, "poll 1", "poll 1"),
        (.refusal, "release 1", "release 1"),
        (.unverified, "poll 1", "poll 1"),
        (.unreachable, "poll 1", "poll 1"),
        (.busy, "poll 1", "poll 1"),
    ]

    @Test(arguments: table)
    func everyOutcomeIsWrittenOnce(outcome: QueryOutcome, pending: String, processing: String) {
        for (state, expected) in [(RefundState.pending, pending), (.processing, processing)] {
            let scheduler = PureScheduler()
            let decision = scheduler.query(scheduler.refund(1, state), outcome)
            let aboutRefund = decision.summary.filter { $0.contains(" 1") }
            #expect(aboutRefund == [expected], "\(state)")
            #expect(decision.changes.allSatisfy { $0.endsLease && $0.lease == 1 })
            #expect(decision.polls.allSatisfy { $0.lease == 1 })
            #expect(scheduler.state.isIdle)
        }
    }

    @Test(arguments: QueryOutcome.all, [RefundState.settled, .failed, .abandoned])
    func refundThatEndedMeanwhileIsOnlyReleased(outcome: QueryOutcome, state: RefundState) {
        let scheduler = PureScheduler()
        for claim in scheduler.claim([scheduler.refund(1)]) { scheduler.end(claim, outcome) }
        let decision = scheduler.run { [now = scheduler.now] input in
            var ended = Refund(id: 1, merchantOrderNo: "R-1", createdAt: now)
            ended.state = state
            ended.nextQueryAt = nil
            input.results[1] = QueuedRefund(ended, lease: 1, lastSequence: 1)
        }
        #expect(decision.summary.filter { $0.contains(" 1") } == ["release 1"])
    }

    private static let otherRefunds: [(String, @Sendable (inout QueuedRefund) -> Void)] = [
        ("lease", { $0.lease += 1 }),
        ("gateway", { $0.refund.gateway = "other" }),
        ("merchant", { $0.refund.merchantNo = "M-7" }),
        ("order", { $0.refund.merchantOrderNo = "R-2" }),
        ("number", { $0.refund.transNo = "T-2" }),
        ("time", { $0.refund.createdAt = $0.refund.createdAt.advanced(by: .milliseconds(1)) }),
    ]

    @Test(arguments: otherRefunds, QueryOutcome.all)
    func resultOfAnotherClaimOrAnotherRefundOnlyReleasesItsOwnClaim(
        other: (String, @Sendable (inout QueuedRefund) -> Void),
        outcome: QueryOutcome
    ) {
        let scheduler = PureScheduler()
        for claim in scheduler.claim([scheduler.refund(1)]) { scheduler.end(claim, outcome) }
        let decision = scheduler.run { input in
            if var row = input.results[1] {
                other.1(&row)
                input.results[1] = row
            }
        }
        #expect(decision.changes.isEmpty && decision.polls.isEmpty, "\(other.0)")
        #expect(decision.releases == [RefundClaim(id: 1, lease: 1)])
    }

    @Test(arguments: QueryOutcome.all)
    func resultOfARefundThatIsGoneChangesNothing(outcome: QueryOutcome) {
        let scheduler = PureScheduler()
        for claim in scheduler.claim([scheduler.refund(1)]) { scheduler.end(claim, outcome) }
        let decision = scheduler.run { $0.results = [:] }
        #expect(decision.changes.isEmpty && decision.polls.isEmpty)
    }

    @Test func interruptedQueryOnlyReleasesItsClaim() {
        let scheduler = PureScheduler()
        let claims = scheduler.claim([scheduler.refund(1)])
        for claim in claims { scheduler.end(claim, .interrupted) }
        let decision = scheduler.run()
        #expect(decision.summary == ["release 1"])
        #expect(decision.events.isEmpty)
        #expect(scheduler.state.isIdle)
        #expect(decision.nextWake == scheduler.now, "the refund is due as before")
    }

    @Test func interruptedQueriesOpenNoBreaker() {
        let scheduler = PureScheduler()
        for _ in 1...3 * CircuitBreaker.threshold {
            for claim in scheduler.claim([scheduler.refund(1)]) { scheduler.end(claim, .interrupted) }
            #expect(scheduler.run().summary == ["release 1"])
        }
    }

    @Test(arguments: QueryOutcome.all)
    func resultOfAGatewayThatLeftTheConfigurationOnlyReleasesItsClaim(outcome: QueryOutcome) {
        let scheduler = PureScheduler()
        scheduler.settings.gateways["other"] = scheduler.settings.gateways["default"]
        scheduler.state.apply(scheduler.settings)
        let claims = scheduler.claim([scheduler.refund(1, gateway: "other")])
        #expect(claims.count == 1)
        scheduler.settings.gateways["other"] = nil
        scheduler.state.apply(scheduler.settings)
        for claim in claims { scheduler.end(claim, outcome) }
        #expect(scheduler.run().summary == ["release 1"])
        #expect(scheduler.state.isIdle)
    }

    // MARK: - Treatments

    @Test func countedFailureUsesUpBackoff() throws {
        let scheduler = PureScheduler()
        var refund = scheduler.refund(1)
        for seconds in [5, 10, 20, 40] {
            let poll = try #require(scheduler.query(refund, .unreachable).polls.first)
            refund = poll.refund
            #expect(refund.nextQueryAt == scheduler.now.advanced(by: .seconds(seconds)))
            scheduler.advance(by: .seconds(seconds))
        }
        #expect(refund.attempts == 4)
        #expect(refund.lastError == "no answer")
        #expect(refund.lastQueryAt == scheduler.now.advanced(by: .seconds(-40)))
    }

    @Test func refundWhoseQueryIsDeferredStaysDueAndKeepsItsBackoff() throws {
        let scheduler = PureScheduler()
        let refund = scheduler.refund(1)
        let poll = try #require(scheduler.query(refund, .busy).polls.first)
        #expect(poll.refund.attempts == 0)
        #expect(poll.refund.nextQueryAt == refund.nextQueryAt)
        #expect(poll.refund.lastError == "HTTP 429")
        #expect(poll.refund.lastQueryAt == scheduler.now)
    }

    @Test func rejectedResultIsTriedAgainAtTheSlowInterval() throws {
        for outcome in [QueryOutcome.report(.settled), .notFound] {
            let scheduler = PureScheduler()
            let decision = scheduler.query(scheduler.refund(1), outcome)
            let write = try #require(decision.writes.first { $0.fallback != nil })
            guard case .postponeRefund(let claim, let time) = write.fallback else {
                Issue.record("no fallback")
                continue
            }
            #expect(claim == RefundClaim(id: 1, lease: 1))
            #expect(time == scheduler.now.advanced(by: .seconds(3_600)))
        }
    }

    @Test func mismatchedAmountNeedsAttentionAndIsPolledSlowly() throws {
        let scheduler = PureScheduler()
        var refund = scheduler.refund(1, .processing)
        refund.expected = Money(amount: "1201", currency: "JPY")
        let change = try #require(scheduler.query(refund, .report(.settled)).changes.first)
        #expect(change.refund.state == .processing)
        #expect(change.refund.attention == .mismatch)
        #expect(change.refund.nextQueryAt == scheduler.now.advanced(by: .seconds(3_600)))
    }

    @Test func ledgerContinuesWhereTheRowsLedgerEnds() throws {
        let scheduler = PureScheduler()
        for claim in scheduler.claim([scheduler.refund(1)]) { scheduler.end(claim, .report(.settled)) }
        let decision = scheduler.run { $0.results[1]?.lastSequence = 4 }
        let entries = try #require(decision.changes.first).entries
        #expect(entries.map(\.sequence) == [5])
        #expect(entries.first?.event?.supersedes == .everything)
        #expect(entries.first?.event?.body.contains(#""sequence":5"#) == true)
    }

    @Test func graverReasonThatEndsUncoversADeadWebhook() {
        let scheduler = PureScheduler()
        var refund = scheduler.refund(1, .processing)
        refund.attention = .unknownOrder
        for claim in scheduler.claim([refund]) { scheduler.end(claim, .report(.processing)) }
        let decision = scheduler.run { $0.results[1]?.deadWebhooks = 2 }
        #expect(
            decision.summary == ["change 1 processing→processing processing→processing undeliverable"]
        )
    }

    @Test func verifiedAnswerEndsAnAttentionThatRefusalsCaused() {
        let scheduler = PureScheduler()
        var refund = scheduler.refund(1, .processing)
        refund.attention = .misconfigured
        refund.transaction = GatewayReport(.processing, "1200", "JPY").transaction
        scheduler.settings.gateways["default"]?.merchantNo = nil
        refund.merchantNo = "M-1"
        // Cleared as soon as the refund can be queried.
        #expect(scheduler.claim([refund]).map(\.refund.attention) == [nil])
    }

    @Test func answerDoesNotClearTheAttentionThatAMissingSecretCauses() {
        let scheduler = PureScheduler()
        scheduler.settings.webhooks.hasSecret = false
        var refund = scheduler.refund(1, .processing)
        refund.callbackURL = "https://shop.example/in"
        refund.transaction = GatewayReport(.processing, "1200", "JPY").transaction
        let first = scheduler.run(due: .new([refund]))
        #expect(first.summary == ["change 1 processing→processing misconfigured (refund.needs_attention)", "claim 1"])
        var row = QueuedRefund(refund)
        for claim in first.queries {
            row = QueuedRefund(claim.refund, lease: claim.lease, lastSequence: 1)
            scheduler.end(claim, .report(.processing))
        }
        #expect(scheduler.run().summary == ["poll 1"])
        row.lease += 1
        #expect(scheduler.run(due: .new([row.refund])).summary == ["claim 1"])
    }
}

extension DueRefunds {
    /// Refunds that were never queried.
    static func new(_ refunds: [Refund]) -> DueRefunds {
        var due = DueRefunds()
        due.new = refunds.map { QueuedRefund($0) }
        return due
    }

    /// Refunds whose next query is due.
    static func waiting(_ refunds: [Refund]) -> DueRefunds {
        var due = DueRefunds()
        due.waiting = refunds.map { QueuedRefund($0) }
        return due
    }
}
