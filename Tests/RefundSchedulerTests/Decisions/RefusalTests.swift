import RefundCore
import RefundStore
import RefundTestSupport
import Testing

@testable import RefundScheduler

/// Refused credentials: of one refund or its merchant, and of the gateway.
struct RefusalTests {
    // MARK: - One refund or merchant

    @Test func threeRefusalsWhileOthersAreAnsweredMakeThatRefundMisconfigured() throws {
        let scheduler = PureScheduler()
        var refund = scheduler.refund(1)
        for round in 1...4 {
            scheduler.query(scheduler.refund(Int64(100 + round)), .report(.settled))
            let decision = scheduler.query(refund, .refusal)
            if round == 3 {
                #expect(
                    decision.summary == ["change 1 pending→pending misconfigured (refund.needs_attention)"]
                )
                refund = try #require(decision.changes.first).refund
            } else {
                #expect(decision.summary == ["poll 1"])
                refund = try #require(decision.polls.first).refund
            }
            #expect(refund.attempts == round)
            #expect(refund.lastError?.contains("SYS002") == true)
            let next = try #require(refund.nextQueryAt)
            scheduler.now = next
        }
        #expect(refund.attention == .misconfigured)
    }

    @Test func answerInBetweenEndsTheRunOfRefusals() {
        let scheduler = PureScheduler()
        for outcome in [QueryOutcome.refusal, .refusal, .notFound, .refusal, .refusal] {
            scheduler.query(scheduler.refund(2), .report(.processing))
            #expect(scheduler.query(scheduler.refund(1), outcome).changes.isEmpty)
        }
    }

    @Test func refusalsOfAnotherRefundUnderTheSameIDDoNotCount() {
        let scheduler = PureScheduler()
        for round in 1...5 {
            scheduler.query(scheduler.refund(2), .report(.processing))
            // After two refusals, the application restores its database and enqueues another refund.
            if round == 3 { scheduler.advance(by: .seconds(60)) }
            let decision = scheduler.query(scheduler.refund(1), .refusal)
            #expect(decision.changes.isEmpty == (round < 5), "\(round)")
        }
    }

    @Test func answerEndsTheAttentionOfARefusedRefund() {
        let scheduler = PureScheduler()
        for _ in 1...3 {
            scheduler.query(scheduler.refund(2), .report(.processing))
            scheduler.query(scheduler.refund(1), .refusal)
        }
        var refund = scheduler.refund(1, .processing)
        refund.attention = .misconfigured
        refund.notified = [.misconfigured, .refused]
        refund.transaction = GatewayReport(.processing, "1200", "JPY").transaction
        let claims = scheduler.claim([refund])
        #expect(claims.map(\.refund.attention) == [.misconfigured], "asking alone does not end it")
        for claim in claims { scheduler.end(claim, .report(.processing)) }
        #expect(scheduler.run().summary == ["change 1 processing→processing"])
    }

    @Test(arguments: [false, true])
    func refusedRefundKeepsItsAttentionUntilTheGatewayAnswersIt(restarts: Bool) throws {
        let scheduler = PureScheduler()
        var refund = scheduler.refund(1)
        for _ in 1...3 {
            scheduler.query(scheduler.refund(2), .report(.processing))
            if let change = scheduler.query(refund, .refusal).changes.first { refund = change.refund }
        }
        #expect(refund.attention == .misconfigured)
        scheduler.state = restarts ? SchedulerState(scheduler.settings) : scheduler.state
        if !restarts { scheduler.state.apply(scheduler.settings) }
        for _ in 1...4 {
            let decision = scheduler.run(due: .waiting([refund]))
            #expect(decision.summary == ["claim 1"])
            for claim in decision.queries { scheduler.end(claim, .refusal) }
            #expect(scheduler.run().summary == ["poll 1"], "no incident, and no other event")
        }
        let decision = scheduler.query(refund, .notFound)
        #expect(decision.summary == ["change 1 pending→pending"])
        #expect(decision.changes.first?.refund.isRefused == false)
    }

    @Test func oneEventCoversAllRefundsOfARefusedMerchant() throws {
        let scheduler = PureScheduler()
        func refused(_ id: Int64, _ merchant: String) -> Refund {
            var refund = scheduler.refund(id)
            refund.merchantNo = merchant
            return refund
        }
        let refunds = (1...12).map { refused($0, "M-1") } + (13...24).map { refused($0, "M-2") }
        var changes: [RefundChange] = []
        for _ in 1...3 {
            scheduler.query(scheduler.refund(99), .report(.processing))
            for claim in scheduler.claim(refunds) { scheduler.end(claim, .refusal) }
            changes += scheduler.run().changes
        }
        #expect(changes.map(\.refund.attention) == Array(repeating: .misconfigured, count: 24))
        #expect(changes.flatMap(\.entries).allSatisfy { $0.transition.refusal == "SYS002" })
        #expect(changes.flatMap(\.entries).compactMap(\.event).count == 2, "one per merchant")
        // A restart reports nothing again.
        scheduler.state = SchedulerState(scheduler.settings)
        for claim in scheduler.claim(changes.map(\.refund)) { scheduler.end(claim, .refusal) }
        scheduler.run()
        for _ in 1...3 {
            scheduler.query(scheduler.refund(99), .report(.processing))
            for claim in scheduler.claim([refused(25, "M-1")]) { scheduler.end(claim, .refusal) }
            changes = scheduler.run().changes
        }
        #expect(changes.map(\.refund.attention) == [.misconfigured])
        #expect(changes.flatMap(\.entries).compactMap(\.event).isEmpty)
        // Once the merchant has been answered, another refusal is another cause.
        scheduler.query(refused(25, "M-1"), .report(.processing))
        for _ in 1...3 {
            for claim in scheduler.claim([refused(26, "M-1")]) { scheduler.end(claim, .refusal) }
            changes = scheduler.run().changes
        }
        #expect(changes.flatMap(\.entries).compactMap(\.event).count == 1)
    }

    @Test func refusedMerchantHoldsUpNoOther() {
        let scheduler = PureScheduler()
        let refused = (1...12).map { scheduler.refund(Int64($0)) }
        let healthy = (13...24).map { scheduler.refund(Int64($0)) }
        let claims = scheduler.claim(refused + healthy)
        #expect(claims.count == 24, "the healthy ones are claimed at once")
        for claim in claims { scheduler.end(claim, claim.refund.id <= 12 ? .refusal : .report(.settled)) }
        let decision = scheduler.run()
        #expect(decision.incidents.isEmpty)
        #expect(decision.changes.map(\.refund.state) == Array(repeating: .settled, count: 12))
        // Refused again and again, long after the last healthy one.
        for _ in 1...20 {
            scheduler.advance(by: .seconds(600))
            for claim in scheduler.claim(refused) { scheduler.end(claim, .refusal) }
            #expect(scheduler.run().incidents.isEmpty)
            let claims = scheduler.claim([scheduler.refund(99)])
            #expect(claims.count == 1)
            for claim in claims { scheduler.end(claim, .interrupted) }
            scheduler.run()
        }
    }

    @Test func refusalsThatArriveBeforeTheAnswersOfOthersAreNoIncident() {
        let scheduler = PureScheduler()
        let claims = scheduler.claim((1...24).map { scheduler.refund(Int64($0)) })
        for claim in claims.prefix(12) {
            scheduler.end(claim, .refusal)
            #expect(scheduler.run().incidents.isEmpty)
        }
        for claim in claims.suffix(12) { scheduler.end(claim, .report(.settled)) }
        #expect(scheduler.run().incidents.isEmpty)
    }

    @Test func nothingMoreIsSentWhileARefusalIsUndecided() {
        let scheduler = PureScheduler()
        let claims = scheduler.claim([scheduler.refund(1), scheduler.refund(2)])
        scheduler.end(claims[0], .refusal)
        #expect(scheduler.run().summary == ["release 1"])
        let waiting = scheduler.run(due: .waiting([scheduler.refund(1), scheduler.refund(3)]))
        #expect(waiting.queries.isEmpty)
        #expect(waiting.nextWake == nil, "only the end of a query decides")
        scheduler.end(claims[1], .notFound)
        scheduler.run()
        #expect(scheduler.claim([scheduler.refund(1), scheduler.refund(3)]).count == 2)
    }

    @Test func refundOfAnotherMerchantIsProbedAtOnceDuringAnIncident() {
        let scheduler = PureScheduler()
        scheduler.query(scheduler.refund(1), .refusal)
        var decision = scheduler.run(due: .waiting([]))
        #expect(scheduler.request.claims?.gateways["default"]?.excludedMerchants == ["312100007235", ""])
        #expect(scheduler.request.claims?.gateways["default"]?.permits == 1)
        decision = scheduler.run(due: .waiting([]))
        #expect(scheduler.request.claims?.gateways["default"]?.permits == 0, "there was none")
        #expect(decision.nextWake == nil)
        scheduler.state.noteForeignCommits()
        var other = scheduler.refund(2)
        other.merchantNo = "M-2"
        decision = scheduler.query(other, .report(.settled))
        #expect(decision.summary.contains("recovered default"))
        #expect(scheduler.claim([scheduler.refund(3)]).count == 1)
    }

    @Test func gatewayThatRefusesSeveralMerchantsIsProbedAtTheIncidentsPace() {
        let scheduler = PureScheduler()
        var queries = 0
        for number in 1...10 as ClosedRange<Int64> {
            var refund = scheduler.refund(number)
            refund.merchantNo = "M-\(number)"
            let decision = scheduler.query(refund, .refusal)
            queries += decision.eventNames.count { $0 == "queried" }
        }
        #expect(queries == 4)
    }

    // MARK: - The gateway

    @Test func refusedCredentialsAreOneIncidentAndChangeNoRow() throws {
        let scheduler = PureScheduler()
        let refunds = (1...5).map { scheduler.refund(Int64($0)) }
        for claim in scheduler.claim(refunds) { scheduler.end(claim, .refusal) }
        let decision = scheduler.run()
        #expect(decision.releases.map(\.id) == [1, 2, 3, 4, 5])
        #expect(decision.changes.isEmpty && decision.polls.isEmpty)
        let incident = try #require(decision.incidents.first)
        #expect(incident.kind == .misconfigured)
        #expect(incident.code == "SYS002")
        #expect(decision.incidents.count == 1)
        #expect(decision.nextWake == scheduler.now, "its webhook is sent at once")
        scheduler.run(due: .new([]))
        scheduler.run()
        #expect(scheduler.request.claims?.gateways["default"]?.permits == 0)
    }

    @Test(arguments: QueryOutcome.failures)
    func incidentIsProbedWithOneRefundEveryFifteenSeconds(outcome: QueryOutcome) {
        let scheduler = PureScheduler()
        scheduler.query(scheduler.refund(1), .refusal)
        #expect(scheduler.run(due: .new([])).queries.isEmpty, "no other merchant has refunds")
        for _ in 1...10 {
            var decision = scheduler.run(due: .new([]))
            #expect(scheduler.request.claims?.gateways["default"]?.permits == 0)
            scheduler.advance(by: .seconds(15))
            decision = scheduler.run(due: .waiting([scheduler.refund(1)]))
            #expect(scheduler.request.claims?.gateways["default"]?.permits == 1)
            #expect(decision.queries.count == 1)
            for claim in decision.queries { scheduler.end(claim, outcome) }
            decision = scheduler.run()
            #expect(decision.summary == ["open gateway default", "release 1"], "no row changes")
            #expect(decision.incidents.isEmpty, "it is reported once")
            #expect(decision.nextWake == scheduler.now.advanced(by: .seconds(15)))
            #expect(decision.gatewayBreakers.last?.nextProbe == decision.nextWake, "it is on record")
        }
    }

    @Test func verifiedAnswerEndsTheIncident() {
        let scheduler = PureScheduler()
        scheduler.query(scheduler.refund(1), .refusal)
        scheduler.advance(by: .seconds(15))
        let decision = scheduler.query(scheduler.refund(1), .notFound)
        #expect(decision.summary.contains("recovered default"))
        #expect(decision.summary == ["recovered default", "close gateway default", "poll 1"])
        #expect(decision.eventNames.contains("gatewayRecovered"))
        #expect(scheduler.claim([scheduler.refund(2), scheduler.refund(3)]).count == 2)
    }

    @Test func credentialsRevokedInOperationAreOneIncident() throws {
        let scheduler = PureScheduler()
        let refunds = (1...100).map { scheduler.refund(Int64($0), .processing) }
        for claim in scheduler.claim(refunds) { scheduler.end(claim, .report(.processing)) }
        scheduler.run()
        scheduler.advance(by: .seconds(5))
        var incidents = 0
        for claim in scheduler.claim(refunds) {
            scheduler.end(claim, .refusal)
            let decision = scheduler.run()
            incidents += decision.incidents.count
            #expect(decision.changes.isEmpty, "no refund is flagged")
        }
        #expect(incidents == 1)
    }

    @Test(arguments: [1, 2, 3, 19])
    func credentialsRevokedWhileFewRefundsAreAnsweredAreOneIncident(count: Int64) {
        let scheduler = PureScheduler()
        let refunds = (1...count).map { id in
            var refund = scheduler.refund(id, .processing)
            refund.transaction = GatewayReport(.processing, "1200", "JPY").transaction
            return refund
        }
        scheduler.query(scheduler.refund(99), .report(.settled))
        for refund in refunds { scheduler.query(refund, .report(.processing)) }
        var (incidents, changes, queries) = (0, 0, 0)
        for _ in 1...20 {
            for refund in refunds {
                scheduler.advance(by: .seconds(1))
                let decision = scheduler.query(refund, .refusal)
                incidents += decision.incidents.count
                changes += decision.changes.count
                if incidents == 0 { queries += 1 }
            }
        }
        #expect(incidents == 1)
        #expect(changes == 0, "no refund is flagged")
        #expect(queries <= 2, "it is noticed at once")
    }

    @Test func incidentFromBeforeARestartIsProbedAtOnceAndNotReportedAgain() {
        let scheduler = PureScheduler()
        let incident = GatewayIncident(
            kind: .misconfigured,
            code: "SYS002",
            message: "bad sign",
            isVerified: false,
            since: scheduler.now
        )
        scheduler.advance(by: .seconds(60))
        scheduler.state = SchedulerState(scheduler.settings, incidents: ["default": incident])
        let claims = scheduler.claim([scheduler.refund(1), scheduler.refund(2)])
        #expect(claims.count == 1)
        for claim in claims { scheduler.end(claim, .refusal) }
        #expect(scheduler.run().incidents.isEmpty)
    }

    @Test func twentyUnverifiedAnswersInARowAreAnIncident() {
        let scheduler = PureScheduler()
        let claims = scheduler.claim((1...30).map { scheduler.refund(Int64($0)) })
        for claim in claims { scheduler.end(claim, .unverified) }
        let decision = scheduler.run()
        #expect(decision.incidents.map(\.code) == ["UNVERIFIED"])
        #expect(decision.polls.count == 19, "those before the incident count")
        #expect(decision.releases.count == 11)
    }

    @Test func refusalEndsAnOutageAndTheIncidentIsProbedInstead() {
        let scheduler = PureScheduler()
        for claim in scheduler.claim((1...12).map { scheduler.refund(Int64($0)) }) {
            scheduler.end(claim, .unreachable)
        }
        #expect(scheduler.run().summary.contains("open gateway default"))
        scheduler.advance(by: .seconds(1))
        let decision = scheduler.query(scheduler.refund(1), .refusal)
        #expect(decision.incidents.map(\.code) == ["SYS002"])
        #expect(decision.nextWake == scheduler.now)
        scheduler.run(due: .new([]))
        let wake = scheduler.run(due: .waiting([scheduler.refund(1)])).nextWake
        #expect(wake == scheduler.now.advanced(by: .seconds(15)))
    }

    // MARK: - Unreachable

    @Test(arguments: [QueryOutcome.unreachable, .busy])
    func tenMinutesWithoutAVerifiedAnswerAreReportedOnce(outcome: QueryOutcome) throws {
        let scheduler = PureScheduler()
        let start = scheduler.now
        var incidents: [GatewayIncident] = []
        var failing = 0
        for _ in 1...200 {
            let decision = scheduler.query(scheduler.refund(1), outcome)
            incidents += decision.incidents
            failing += decision.eventNames.count { $0 == "gatewayFailing" }
            scheduler.advance(by: .seconds(31))
        }
        let incident = try #require(incidents.first)
        #expect(incidents.count == 1)
        #expect(incident.kind == .unreachable)
        #expect(incident.since.duration(since: start) >= .seconds(600))
        #expect(incident.since.duration(since: start) < .seconds(700))
        #expect(failing == 1, "the log warns once")
    }

    @Test func secondIncidentOfACycleReplacesTheFirst() {
        let scheduler = PureScheduler()
        let claims = scheduler.claim([scheduler.refund(1), scheduler.refund(2)])
        scheduler.query(scheduler.refund(3), .unreachable)
        scheduler.advance(by: .seconds(620))
        scheduler.end(claims[0], .unreachable)
        scheduler.end(claims[1], .refusal)
        let decision = scheduler.run()
        #expect(decision.incidents.map(\.kind) == [.misconfigured], "both events would have the same time")
    }

    @Test func unreachableGatewayRecovers() {
        let scheduler = PureScheduler()
        for _ in 1...25 {
            scheduler.query(scheduler.refund(1), .unreachable)
            scheduler.advance(by: .seconds(31))
        }
        let decision = scheduler.query(scheduler.refund(1), .report(.settled))
        #expect(decision.summary.contains("recovered default"))
    }
}
