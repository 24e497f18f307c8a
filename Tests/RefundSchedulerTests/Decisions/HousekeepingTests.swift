import RefundCore
import RefundStore
import Testing

@testable import RefundScheduler

/// What cycles do besides queries and webhooks: claims that ran out, ages, unknown gateways, rejected rows, the clock.
struct HousekeepingTests {
    // MARK: - Proof

    @Test func proofIsOneWriteWhateverIsDue() {
        let scheduler = PureScheduler()
        scheduler.state.prove()
        scheduler.state.prove()
        let decision = scheduler.run()
        #expect(scheduler.request.mustWrite)
        #expect(decision.summary == ["heartbeat"])
        #expect(decision.eventNames == ["proved"])
        #expect(scheduler.run().summary == [])
        #expect(!scheduler.request.mustWrite)
    }

    @Test func proofThatTheDatabaseRejectsIsNone() {
        let scheduler = PureScheduler()
        scheduler.state.prove()
        var decision = scheduler.run()
        decision.retract([Rejection(index: 0, reason: "no")], at: scheduler.now)
        #expect(decision.eventNames == ["rejected"])
    }

    // MARK: - Expired claims

    @Test func expiredClaimIsReleasedAndItsSlotIsFree() {
        let scheduler = PureScheduler(.test.limited(inFlight: 1))
        #expect(scheduler.claim([scheduler.refund(1)]).count == 1)
        scheduler.advance(by: .seconds(71))
        let decision = scheduler.run { $0.expiredRefunds = [1: 1] }
        #expect(decision.summary == ["release 1"])
        #expect(decision.eventNames == ["releasedClaims"])
        #expect(decision.nextWake == scheduler.now)
        #expect(scheduler.state.isIdle)
        #expect(scheduler.claim([scheduler.refund(2)]).count == 1)
    }

    @Test func incidentThatAnExpiredClaimLeavesNoDoubtAboutIsRecorded() {
        let scheduler = PureScheduler()
        let claims = scheduler.claim([scheduler.refund(1), scheduler.refund(2)])
        scheduler.end(claims[0], .refusal)
        #expect(scheduler.run().incidents == [], "the other answer may still come")
        scheduler.advance(by: .seconds(71))
        let decision = scheduler.run { $0.expiredRefunds = [2: 1] }
        #expect(decision.incidents.map(\.kind) == [.misconfigured])
        #expect(decision.eventNames.contains("incident"))
    }

    @Test func webhookInFlightKeepsAClaimThatOnlyTheClockHasEnded() {
        let scheduler = PureScheduler()
        #expect(scheduler.claim([scheduler.webhook("a")]).count == 1)
        // The machine was suspended: its clock went on, the attempt did not.
        scheduler.advance(by: .seconds(3_600))
        for _ in 1...2 {
            let decision = scheduler.run { $0.expiredWebhooks = ["a": 4] }
            #expect(decision.writes.isEmpty)
            #expect(decision.nextWake == scheduler.now.advanced(by: .seconds(75)))
        }
        // Once the clock is right again, that does not last.
        scheduler.advance(by: .seconds(-3_600))
        #expect(scheduler.run { $0.expiredWebhooks = ["a": 4] }.writes.isEmpty)
        scheduler.advance(by: .seconds(75))
        #expect(scheduler.run { $0.expiredWebhooks = ["a": 4] }.summary == ["release a"])
        #expect(scheduler.state.endpoints.inFlight == 0)
        #expect(scheduler.state.isIdle)
    }

    @Test func expiredProbeIsFollowedByAnotherAtOnce() {
        let scheduler = PureScheduler()
        scheduler.query(scheduler.refund(1), .busy)
        scheduler.advance(by: .seconds(30))
        #expect(scheduler.claim([scheduler.refund(1)]).count == 1)
        scheduler.advance(by: .seconds(71))
        scheduler.run { $0.expiredRefunds = [1: 1] }
        #expect(scheduler.claim([scheduler.refund(2)]).count == 1)
    }

    @Test(arguments: [QueryAttempt.completed(.unreachable, duration: .zero), .interrupted])
    func resultOfAnExpiredClaimLeavesTheNextQueryInFlight(attempt: QueryAttempt) {
        let scheduler = PureScheduler(.test.limited(inFlight: 1))
        let first = scheduler.claim([scheduler.refund(1)])
        scheduler.advance(by: .seconds(71))
        scheduler.run { $0.expiredRefunds = [1: 1] }
        let row = QueuedRefund(scheduler.refund(1), lease: 1)
        let second = scheduler.run { input in
            input.gateways["default"] = DueRefunds()
            input.gateways["default"]?.waiting = [row]
        }.queries
        #expect(second.map(\.lease) == [2])
        for claim in first { scheduler.end(claim, attempt) }
        let decision = scheduler.run { $0.results[1]?.lease = 2 }
        #expect(decision.summary == ["release 1"])
        #expect(!scheduler.state.isIdle)
        #expect(scheduler.claim([scheduler.refund(2)]).isEmpty, "the only slot is in use")
        for claim in second { scheduler.end(claim, .report(.settled)) }
        scheduler.run()
        #expect(scheduler.state.isIdle)
    }

    @Test func lateAnswerOfARefundThatWasNotClaimedAgainCounts() {
        let scheduler = PureScheduler()
        let claims = scheduler.claim([scheduler.refund(1)])
        scheduler.advance(by: .seconds(71))
        scheduler.run { $0.expiredRefunds = [1: 1] }
        for claim in claims { scheduler.end(claim, .report(.settled)) }
        #expect(scheduler.run().changes.map(\.refund.state) == [.settled])
    }

    @Test func resultThatArrivesWithTheExpiryOfItsClaimCounts() {
        let scheduler = PureScheduler()
        for claim in scheduler.claim([scheduler.refund(1)]) { scheduler.end(claim, .report(.settled)) }
        let decision = scheduler.run { $0.expiredRefunds = [1: 1] }
        #expect(decision.summary == ["change 1 pending→settled (refund.settled)"])
    }

    @Test func claimWhoseResultIsHereHasNotRunOut() throws {
        let scheduler = PureScheduler()
        let claim = try #require(scheduler.claim([scheduler.refund(1)]).first)
        let webhook = try #require(scheduler.claim([scheduler.webhook("a", refund: 7)]).first)
        scheduler.end(claim, .report(.processing))
        scheduler.end(webhook, status: 204)
        let decision = scheduler.run {
            ($0.expiredRefunds, $0.expiredWebhooks) = ([1: claim.lease], ["a": webhook.lease])
        }
        #expect(!decision.eventNames.contains("releasedClaims"))
    }

    @Test func resultOfAnExpiredClaimLeavesTheSlotsOfTheNextClaimAlone() {
        let scheduler = PureScheduler()
        let first = scheduler.claim([scheduler.webhook("a")])
        for _ in 1...2 {
            scheduler.run { $0.expiredWebhooks = ["a": 4] }
            scheduler.advance(by: .seconds(75))
        }
        var webhook = scheduler.webhook("a")
        webhook.lease = 4
        let second = scheduler.claim([webhook])
        for delivery in first { scheduler.end(delivery, status: nil) }
        scheduler.run()
        #expect(scheduler.state.endpoints.inFlight == 1)
        for delivery in second { scheduler.end(delivery, status: 204) }
        scheduler.run()
        #expect(scheduler.state.endpoints.inFlight == 0)
        #expect(scheduler.state.isIdle)
    }

    // MARK: - Age

    @Test func oldRefundIsFlaggedOnceAndTheNextOneWakesTheScheduler() {
        let scheduler = PureScheduler()
        let refund = scheduler.refund(1)
        scheduler.advance(by: .seconds(72 * 3_600))
        let decision = scheduler.run { input in
            input.overdue = [QueuedRefund(refund, lease: 2)]
            input.nextOverdue = scheduler.now.advanced(by: .seconds(-3_600))
        }
        #expect(decision.summary == ["change 1 pending→pending overdue (refund.needs_attention)"])
        #expect(decision.changes.map(\.endsLease) == [false])
        #expect(scheduler.request.claims?.overdueSince == refund.createdAt)
        #expect(
            scheduler.run { $0.nextOverdue = scheduler.now }.nextWake
                == scheduler.now.advanced(by: .seconds(72 * 3_600))
        )
    }

    @Test func verdictThatArrivesWithTheAgeEndsTheRefundWithoutAttention() {
        let scheduler = PureScheduler()
        let refund = scheduler.refund(1)
        for claim in scheduler.claim([refund]) { scheduler.end(claim, .report(.settled)) }
        scheduler.advance(by: .seconds(72 * 3_600))
        let decision = scheduler.run { $0.overdue = [QueuedRefund(refund, lease: 1)] }
        #expect(decision.summary == ["change 1 pending→settled (refund.settled)"])
    }

    // MARK: - Unknown gateways

    @Test func unknownGatewaysAreLookedForAtMostOnceASecond() {
        let scheduler = PureScheduler()
        scheduler.run()
        #expect(scheduler.request.claims?.includesUnknownGateways == true, "at the start")
        for _ in 1...9 {
            scheduler.advance(by: .milliseconds(100))
            scheduler.state.noteForeignCommits()
            let decision = scheduler.run()
            #expect(scheduler.request.claims?.includesUnknownGateways == false)
            #expect(decision.nextWake.map { $0 > scheduler.now } == true, "the scheduler looks again within the second")
        }
        scheduler.advance(by: .milliseconds(100))
        scheduler.run()
        #expect(scheduler.request.claims?.includesUnknownGateways == true)
        scheduler.advance(by: .seconds(59))
        scheduler.run()
        #expect(scheduler.request.claims?.includesUnknownGateways == false, "nobody has committed since")
        scheduler.advance(by: .seconds(1))
        scheduler.run()
        #expect(scheduler.request.claims?.includesUnknownGateways == true)
    }

    @Test func manyRefundsOfUnknownGatewaysAreFlaggedBatchByBatch() throws {
        let scheduler = PureScheduler()
        for _ in 1...3 {
            let decision = scheduler.run { input in
                #expect(scheduler.request.claims?.includesUnknownGateways == true)
                input.gateways["nowhere"] = .new((1...256).map { scheduler.refund($0, gateway: "nowhere") })
                input.gateways["nowhere"]?.next = Timestamp(milliseconds: 0)
            }
            #expect(decision.changes.count == 256)
            // The webhooks of these are due at once; what is left follows within a second.
            let wake = try #require(scheduler.run().nextWake)
            #expect(wake == scheduler.now.advanced(by: .seconds(1)))
            scheduler.now = wake
        }
    }

    @Test func scanForUnknownGatewaysGoesOnWhereTheLastOneEnded() {
        let scheduler = PureScheduler()
        var decision = scheduler.run { $0.lastUnknownGateway = "g512" }
        #expect(decision.nextWake == scheduler.now.advanced(by: .seconds(1)))
        scheduler.advance(by: .seconds(1))
        decision = scheduler.run()
        #expect(scheduler.request.claims?.lastUnknownGateway == "g512")
        #expect(decision.nextWake == nil)
        scheduler.advance(by: .seconds(60))
        scheduler.run()
        #expect(scheduler.request.claims?.lastUnknownGateway == "")
    }

    @Test func reloadLooksForUnknownGatewaysAtOnce() {
        let scheduler = PureScheduler()
        scheduler.run()
        scheduler.state.apply(scheduler.settings)
        scheduler.run()
        #expect(scheduler.request.claims?.includesUnknownGateways == true)
    }

    // MARK: - Rejected rows

    @Test func nothingIsSentForARejectedClaimAndTheRowIsHeld() {
        let scheduler = PureScheduler(.test.limited(inFlight: 2))
        var decision = scheduler.run(due: .new([scheduler.refund(1), scheduler.refund(2)]))
        decision.retract([Rejection(index: 0, claim: 1, reason: "shop: not this one")], at: scheduler.now)
        #expect(decision.queries.map(\.refund.id) == [1])
        #expect(decision.eventNames == ["rejected"])
        #expect(decision.nextWake == scheduler.now.advanced(by: .seconds(30)))
        scheduler.state = decision.state
        #expect(scheduler.claim([scheduler.refund(3)]).count == 1, "its slot is free")
        #expect(scheduler.request.claims?.heldRefunds == [2])
        scheduler.advance(by: .seconds(30))
        scheduler.run()
        #expect(scheduler.request.claims?.heldRefunds == [])
    }

    @Test func nothingIsSentForARejectedClaimOfAWebhook() {
        let scheduler = PureScheduler()
        var decision = scheduler.run {
            $0.endpoints = PureScheduler.due([scheduler.webhook("a"), scheduler.webhook("b")])
        }
        decision.retract([Rejection(index: 0, claim: 0, reason: "shop: not this one")], at: scheduler.now)
        #expect(decision.deliveries.map(\.id) == ["b"])
        #expect(decision.state.endpoints.inFlight == 1)
        scheduler.state = decision.state
        scheduler.run()
        #expect(scheduler.request.claims?.heldWebhooks == ["a"])
    }

    @Test(arguments: [QueryOutcome.report(.settled), .notFound, .busy])
    func refundWhoseResultIsRejectedIsHeld(outcome: QueryOutcome) throws {
        let scheduler = PureScheduler()
        var decision = scheduler.query(scheduler.refund(1), outcome)
        let index = try #require(decision.writes.firstIndex { $0.fallback != nil })
        decision.retract([Rejection(index: index, reason: "no")], at: scheduler.now)
        #expect(!decision.eventNames.contains("transition"), "the queue still has the earlier state")
        scheduler.state = decision.state
        scheduler.run()
        #expect(scheduler.request.claims?.heldRefunds == [1])
    }

    // MARK: - The clock

    @Test func clockSetBackMovesDueTimesAndWhatTheSchedulerRemembers() {
        let scheduler = PureScheduler(.test.limited(rate: 4))
        #expect(scheduler.run(due: .new((1...4).map { scheduler.refund($0) })).queries.count == 4)
        scheduler.advance(by: .milliseconds(600) - .seconds(9 * 3_600))
        let due = DueRefunds.new([scheduler.refund(5), scheduler.refund(6)])
        let decision = scheduler.run(clockStep: .seconds(9 * 3_600)) { $0.gateways["default"] = due }
        #expect(decision.summary.first == "move due times by 32400.0 seconds")
        #expect(decision.eventNames.first == "clockSetBack")
        #expect(decision.queries.isEmpty, "due times have not moved yet")
        #expect(decision.nextWake == scheduler.now)
        let next = scheduler.run(due: due)
        #expect(next.queries.isEmpty, "no new second begins")
        #expect(next.nextWake == scheduler.now.advanced(by: .milliseconds(400)))
    }

    @Test func clockSetBackProlongsNoPauseAndNoHold() {
        let scheduler = PureScheduler()
        scheduler.query(scheduler.refund(1), .slowedDown(reason: "HTTP 503", retryAfter: .seconds(3_600)))
        scheduler.state.hold(refund: 5, at: scheduler.now)
        scheduler.advance(by: .seconds(3_000 - 1_800))
        scheduler.run(clockStep: .seconds(1_800))
        let wake = scheduler.run(due: .waiting([scheduler.refund(1)])).nextWake
        #expect(wake == scheduler.now.advanced(by: .seconds(600)))
        #expect(scheduler.request.claims?.heldRefunds == [])
    }

    @Test func nothingToDoMeansNoWakeUp() {
        let scheduler = PureScheduler()
        #expect(scheduler.run().nextWake == nil)
        #expect(scheduler.run().writes.isEmpty)
    }

    @Test func nextDueRefundWakesTheScheduler() {
        let scheduler = PureScheduler()
        let next = scheduler.now.advanced(by: .seconds(17))
        var due = DueRefunds()
        due.next = next
        #expect(scheduler.run(due: due).nextWake == next)
        #expect(scheduler.run { $0.nextAttempt = next }.nextWake == next)
    }
}
