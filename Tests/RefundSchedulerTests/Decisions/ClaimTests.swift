import RefundCore
import RefundStore
import Testing

@testable import RefundScheduler

/// Which due refunds are claimed, in which order, and how many.
struct ClaimTests {
    private func due(
        new: ClosedRange<Int64>? = nil,
        waiting: ClosedRange<Int64>? = nil,
        _ scheduler: PureScheduler
    ) -> DueRefunds {
        var due = DueRefunds.new(new?.map { scheduler.refund($0) } ?? [])
        due.waiting = waiting?.map { QueuedRefund(scheduler.refund($0, .processing)) } ?? []
        return due
    }

    @Test func claimsCarryTheRowTheNextLeaseAndTheQuery() throws {
        let scheduler = PureScheduler()
        var refund = scheduler.refund(7)
        refund.transNo = "T-7"
        let decision = scheduler.run { input in
            input.gateways["default"] = DueRefunds()
            input.gateways["default"]?.waiting = [QueuedRefund(refund, lease: 4)]
        }
        let claim = try #require(decision.queries.first)
        #expect(claim.refund == refund)
        #expect(claim.lease == 5)
        #expect(claim.query == RefundQuery(refund, merchantNo: "312100007235"))
        guard case .claimRefunds(let claims, let end) = decision.writes.first?.action else {
            Issue.record("no claim")
            return
        }
        #expect(claims == [RefundClaim(id: 7, lease: 5)])
        #expect(end == scheduler.now.advanced(by: .seconds(70)), "the timeout and a minute")
    }

    @Test func cycleThatWakesForADueRefundLocksTheQueueAtOnce() {
        let scheduler = PureScheduler()
        let due = scheduler.now.advanced(by: .seconds(9))
        scheduler.run { input in
            input.gateways["default"] = DueRefunds()
            input.gateways["default"]?.next = due
        }
        scheduler.advance(by: .seconds(8))
        scheduler.run { input in
            input.gateways["default"] = DueRefunds()
            input.gateways["default"]?.next = due
        }
        #expect(!scheduler.request.mustWrite, "nothing is due")
        scheduler.advance(by: .seconds(1))
        scheduler.run()
        #expect(scheduler.request.mustWrite)
        scheduler.run()
        #expect(!scheduler.request.mustWrite, "somebody else ended it")
    }

    // MARK: - Fairness

    @Test(arguments: [
        (new: 10, waiting: 10, permits: 4, newClaims: 2), (10, 10, 5, 2), (10, 10, 1, 0), (10, 1, 4, 3),
        (1, 10, 4, 1), (10, 0, 4, 4), (0, 10, 4, 0), (2, 2, 10, 2),
    ])
    func newAndWaitingRefundsEachGetAtLeastHalf(new: Int, waiting: Int, permits: Int, newClaims: Int) {
        let scheduler = PureScheduler(.test.limited(inFlight: permits))
        let decision = scheduler.run(
            due: due(
                new: new > 0 ? 1...Int64(new) : nil,
                waiting: waiting > 0 ? 101...Int64(100 + waiting) : nil,
                scheduler
            )
        )
        let claimed = decision.queries.map(\.refund.id)
        #expect(claimed.count == min(permits, new + waiting))
        #expect(claimed.count { $0 <= 100 } == newClaims)
    }

    @Test func alternatingPermitsOfOneServeBothGroups() {
        let scheduler = PureScheduler(.test.limited(inFlight: 1))
        var claimed: [Int64] = []
        for round in 0..<10 as Range<Int64> {
            let queries = scheduler.run(
                due: due(new: (1 + round)...20, waiting: (101 + round)...120, scheduler)
            ).queries
            claimed += queries.map(\.refund.id)
            for claim in queries { scheduler.end(claim, .report(.settled)) }
            scheduler.run()
        }
        #expect(claimed.count == 10)
        #expect(claimed.count { $0 <= 100 } == 5, "\(claimed)")
    }

    @Test func merchantsTurnIsThatOfTheLastRefundClaimed() {
        let scheduler = PureScheduler(.test.limited(inFlight: 2))
        func rows(_ merchants: String...) -> [QueuedRefund] {
            merchants.enumerated().map { index, merchant in
                var refund = scheduler.refund(Int64(index + 1), .processing)
                refund.merchantNo = merchant
                return QueuedRefund(refund)
            }
        }
        func turn(_ rows: [QueuedRefund], _ turn: DueRefunds.Turn?) -> String? {
            var due = DueRefunds()
            (due.waiting, due.waitingTurn) = (rows, turn)
            for claim in scheduler.run(due: due).queries { scheduler.end(claim, .report(.processing)) }
            scheduler.run()
            return scheduler.request.claims?.gateways["default"]?.turns.waiting
        }
        #expect(turn(rows("M-1", "M-2", "M-3"), .init(count: 3, examined: "M-3")) == "M-2", "two were claimed")
        #expect(turn(rows("M-1"), nil) == "M-2")
        #expect(turn(rows("M-3", "M-9"), .init(count: 1, examined: "M-3")) == "M-3", "the other was not in turn")
        #expect(turn(rows("M-9"), .init(count: 0, examined: "M-7")) == "M-7")
        #expect(turn([], .init(count: 0, examined: "M-8")) == "M-8")
    }

    @Test func hintedRefundsGoFirstAndTheirHintsAreDeleted() {
        let scheduler = PureScheduler(.test.limited(inFlight: 2))
        var due = due(new: 1...5, waiting: 101...105, scheduler)
        due.hinted = [
            .init(refund: QueuedRefund(scheduler.refund(103, .processing)), hints: [31, 32]),
            .init(refund: QueuedRefund(scheduler.refund(50, .processing)), hints: [33]),
            .init(refund: QueuedRefund(scheduler.refund(51, .processing)), hints: [34]),
        ]
        let decision = scheduler.run(due: due)
        #expect(decision.queries.map(\.refund.id) == [103, 50])
        #expect(decision.deletedHints == [31, 32, 33], "the others wait for a permit")
    }

    @Test func hintsOfFinalRefundsAreDeleted() {
        let scheduler = PureScheduler()
        #expect(scheduler.run { $0.spentHints = [4, 5] }.summary == ["delete hints 4 5"])
    }

    @Test func refundThatIsDueTwiceIsClaimedOnce() {
        let scheduler = PureScheduler()
        var due = due(new: 1...2, waiting: 2...3, scheduler)
        due.hinted = [.init(refund: QueuedRefund(scheduler.refund(3, .processing)), hints: [1])]
        #expect(scheduler.run(due: due).queries.map(\.refund.id) == [3, 2, 1])
    }

    @Test func backlogOfOneGatewayDoesNotDelayAnother() {
        let scheduler = PureScheduler(.test.limited(inFlight: 1))
        scheduler.settings.gateways["other"] = scheduler.settings.gateways["default"]
        scheduler.state.apply(scheduler.settings)
        let decision = scheduler.run { [due = due(new: 1...50, scheduler)] input in
            input.gateways["default"] = due
            input.gateways["other"] = .new([scheduler.refund(99, gateway: "other")])
        }
        #expect(decision.queries.map(\.refund.id) == [1, 99])
    }

    // MARK: - Limits

    @Test func permitsCountFromWhenQueriesAreSent() {
        let scheduler = PureScheduler(.test.limited(rate: 4))
        for claim in scheduler.run(due: due(new: 1...4, scheduler)).queries { scheduler.end(claim, .report(.settled)) }
        // The transaction waited for another process for 900 ms.
        scheduler.advance(by: .milliseconds(900))
        scheduler.state.gateways["default"]?.sent(4, at: scheduler.now)
        scheduler.run()
        scheduler.advance(by: .milliseconds(200))
        let decision = scheduler.run(due: due(new: 5...8, scheduler))
        #expect(decision.queries.isEmpty, "the second that began when they were sent is not over")
        #expect(decision.nextWake == scheduler.now.advanced(by: .milliseconds(800)))
    }

    @Test func rateIsKeptAndTheRestFollowsWhenItAllows() {
        let scheduler = PureScheduler(.test.limited(rate: 4))
        var decision = scheduler.run(due: due(new: 1...10, scheduler))
        #expect(decision.queries.count == 4)
        #expect(decision.nextWake == scheduler.now.advanced(by: .seconds(1)))
        scheduler.advance(by: .seconds(1))
        decision = scheduler.run(due: due(new: 5...10, scheduler))
        #expect(decision.queries.count == 4)
    }

    @Test func reloadWithAnotherRateBeginsNoNewSecond() {
        for (rate, free) in [(10.0, 0), (12, 2), (100, 90), (5, 0), (0.1, 0)] {
            let scheduler = PureScheduler(.test.limited(rate: 10))
            #expect(scheduler.run(due: due(new: 1...200, scheduler)).queries.count == 10)
            scheduler.settings = scheduler.settings.limited(rate: rate)
            scheduler.state.apply(scheduler.settings)
            #expect(scheduler.run(due: due(new: 11...200, scheduler)).queries.count == free)
        }
    }

    @Test func reloadWithFewerSlotsSendsNothingUntilEnoughQueriesEnd() {
        let scheduler = PureScheduler(.test.limited(inFlight: 16))
        let claims = scheduler.run(due: due(new: 1...20, scheduler)).queries
        #expect(claims.count == 16)
        scheduler.settings = scheduler.settings.limited(inFlight: 4)
        scheduler.state.apply(scheduler.settings)
        for claim in claims.prefix(12) { scheduler.end(claim, .report(.settled)) }
        scheduler.run()
        var decision = scheduler.run(due: due(new: 17...20, scheduler))
        #expect(decision.queries.isEmpty)
        #expect(decision.nextWake == nil, "only the end of a query makes room")
        for claim in claims.suffix(1) { scheduler.end(claim, .report(.settled)) }
        scheduler.run()
        decision = scheduler.run(due: due(new: 17...20, scheduler))
        #expect(decision.queries.count == 1)
    }

    @Test func refundWhoseQueryIsInFlightIsNotQueriedAgain() {
        let scheduler = PureScheduler()
        #expect(scheduler.run(due: due(new: 1...1, scheduler)).queries.count == 1)
        // A stray UPDATE took its claim away.
        let decision = scheduler.run(due: due(new: 1...2, scheduler))
        #expect(decision.queries.map(\.refund.id) == [2])
        #expect(decision.nextWake == nil, "the scheduler does not spin")
    }

    @Test func drainingClaimsNothing() {
        let scheduler = PureScheduler()
        let claims = scheduler.claim([scheduler.refund(1)])
        scheduler.state.isDraining = true
        #expect(!scheduler.state.isIdle)
        scheduler.run()
        #expect(scheduler.request.claims == nil, "nothing is read that could be claimed")
        for claim in claims { scheduler.end(claim, .report(.settled)) }
        let decision = scheduler.run()
        #expect(decision.effects.isEmpty)
        #expect(decision.changes.map(\.refund.state) == [.settled])
        #expect(scheduler.state.isIdle)
    }

    // MARK: - Refunds that cannot be queried

    @Test func refundWithoutAnyMerchantNumberIsFlaggedAndCheckedSlowly() throws {
        let scheduler = PureScheduler()
        scheduler.settings.gateways["default"]?.merchantNo = nil
        var named = scheduler.refund(2)
        named.merchantNo = "M-7"
        let decision = scheduler.run(due: .new([scheduler.refund(1), named]))
        #expect(decision.queries.map(\.query.merchantNo) == ["M-7"])
        let change = try #require(decision.changes.first)
        #expect(change.refund.attention == .misconfigured)
        #expect(change.refund.nextQueryAt == scheduler.now.advanced(by: .seconds(3_600)))
        #expect(change.refund.attempts == 0)
        #expect(change.entries.first?.event?.webhook != nil)
        #expect(decision.nextWake == scheduler.now, "its webhook is due")
    }

    @Test func refundOfAnUnknownGatewayIsFlaggedOnce() throws {
        let scheduler = PureScheduler()
        var refund = scheduler.refund(1, gateway: "nowhere")
        for round in 1...3 {
            let decision = scheduler.run { $0.gateways["nowhere"] = .waiting([refund]) }
            let change = try #require(decision.changes.first)
            #expect(decision.queries.isEmpty)
            #expect(change.entries.count == (round == 1 ? 1 : 0))
            #expect(change.refund.lastError?.contains("[gateways.nowhere]") == true)
            refund = change.refund
        }
    }

    @Test func configuredGatewayClearsTheAttentionAndIsQueried() {
        let scheduler = PureScheduler()
        var refund = scheduler.refund(1)
        refund.attention = .misconfigured
        let decision = scheduler.run(due: .waiting([refund]))
        #expect(decision.summary == ["change 1 pending→pending", "claim 1"])
        #expect(decision.queries.map(\.refund.attention) == [nil])
    }

    @Test func callbackWithoutASecretIsFlaggedAndQueriedAllTheSame() {
        let scheduler = PureScheduler()
        scheduler.settings.webhooks.hasSecret = false
        var refund = scheduler.refund(1)
        refund.callbackURL = "https://shop.example/x"
        let decision = scheduler.run(due: .new([refund]))
        #expect(
            decision.summary == ["change 1 pending→pending misconfigured (refund.needs_attention)", "claim 1"]
        )
        #expect(decision.queries.map(\.refund.attention) == [.misconfigured])
        #expect(scheduler.request.claims?.endpoints == nil, "webhooks wait for a secret")
    }
}
