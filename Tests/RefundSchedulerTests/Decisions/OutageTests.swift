import RefundCore
import RefundStore
import Testing

@testable import RefundScheduler

/// A gateway that is down, or asks to be queried less.
struct OutageTests {
    private func isOpen(_ scheduler: PureScheduler) -> Bool {
        scheduler.state.gateways["default"]?.breaker.openSince != nil
    }

    @Test func failuresOfSeveralRefundsOpenTheBreaker() {
        let scheduler = PureScheduler()
        for claim in scheduler.claim((1...16).map { scheduler.refund(Int64($0)) }) {
            scheduler.end(claim, .unreachable)
        }
        let decision = scheduler.run()
        #expect(decision.polls.map(\.refund.attempts) == Array(repeating: 1, count: 16))
        #expect(decision.summary.count { $0 == "open gateway default" } == 1)
        #expect(decision.nextWake == scheduler.now.advanced(by: .seconds(5)))
        let wake = scheduler.run(due: .waiting([scheduler.refund(17)])).nextWake
        #expect(wake == scheduler.now.advanced(by: .seconds(1)), "a refund that is due waits for the probe")
    }

    @Test func failedProbeUsesUpNoBackoff() throws {
        let scheduler = PureScheduler()
        for claim in scheduler.claim((1...16).map { scheduler.refund(Int64($0)) }) {
            scheduler.end(claim, .unreachable)
        }
        scheduler.run()
        for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
            scheduler.advance(by: .seconds(seconds))
            let decision = scheduler.query(scheduler.refund(1), .unreachable)
            #expect(decision.polls.map(\.refund.attempts) == [0])
        }
        scheduler.advance(by: .seconds(60))
        let decision = scheduler.query(scheduler.refund(1), .report(.processing))
        #expect(decision.summary.contains("close gateway default"))
    }

    @Test func onlyQueriesOfAnOpenBreakerAreProbes() {
        let scheduler = PureScheduler()
        let first = scheduler.claim([scheduler.refund(1)])
        #expect(first.map(\.isProbe) == [false])
        for claim in first { scheduler.end(claim, .busy) }
        scheduler.run()
        scheduler.advance(by: .seconds(30))
        #expect(scheduler.claim([scheduler.refund(1)]).map(\.isProbe) == [true])
    }

    @Test func ordersFailingWhileOthersSucceedOpenNoBreaker() {
        let scheduler = PureScheduler()
        for _ in 1...50 {
            for order in 1...3 as ClosedRange<Int64> { scheduler.query(scheduler.refund(order), .unreachable) }
            scheduler.query(scheduler.refund(9), .report(.processing))
        }
        #expect(!isOpen(scheduler))
    }

    @Test func oneOrdersFailuresNeverOpenTheBreaker() {
        let scheduler = PureScheduler()
        scheduler.query(scheduler.refund(9), .report(.processing))
        for attempt in 1...50 {
            let decision = scheduler.query(scheduler.refund(1), .unreachable)
            #expect(decision.polls.map(\.refund.attempts) == [1], "attempt \(attempt) counts")
        }
        #expect(!isOpen(scheduler))
        #expect(scheduler.claim([scheduler.refund(2), scheduler.refund(3)]).count == 2)
    }

    @Test func oneOrdersLimitBacksOffAloneWhileOthersAreAnswered() throws {
        let scheduler = PureScheduler()
        for round in 1...5 {
            scheduler.query(scheduler.refund(9), .report(.processing))
            let poll = try #require(scheduler.query(scheduler.refund(1), .busy).polls.first)
            #expect(poll.refund.attempts == 1)
            #expect(poll.refund.nextQueryAt == scheduler.now.advanced(by: .seconds(30)), "round \(round)")
            #expect(!isOpen(scheduler))
        }
        #expect(scheduler.claim([scheduler.refund(2)]).count == 1)
    }

    @Test(arguments: [3_599, 3_600, 7_200, 86_400 * 365])
    func limitBeyondTheLongestIntervalIsShortenedToIt(seconds: Int) throws {
        let scheduler = PureScheduler()
        scheduler.query(scheduler.refund(9), .report(.processing))
        let outcome = QueryOutcome.slowedDown(reason: "HTTP 429", retryAfter: .seconds(seconds))
        let poll = try #require(scheduler.query(scheduler.refund(1), outcome).polls.first)
        // A due time further ahead counts as due.
        #expect(poll.refund.nextQueryAt == scheduler.now.advanced(by: .seconds(min(seconds, 3_600))))
    }

    @Test func oneOfTwoOrdersBacksOffAloneAfterARestartToo() throws {
        let scheduler = PureScheduler()
        let last = scheduler.now.advanced(by: .seconds(-30 * 60))
        for outcome in [QueryOutcome.busy, .unreachable, .unverified] {
            scheduler.state = SchedulerState(scheduler.settings, lastVerified: ["default": last])
            for _ in 1...5 {
                let poll = try #require(scheduler.query(scheduler.refund(1), outcome).polls.first)
                #expect(poll.refund.attempts == 1, "\(outcome)")
                #expect(!isOpen(scheduler), "\(outcome)")
            }
            #expect(scheduler.claim([scheduler.refund(2)]).count == 1)
        }
    }

    @Test(arguments: [QueryOutcome.busy, .unreachable, .unverified])
    func ordersKnownToFailAloneHoldUpNoOtherHoweverRarelyOthersAreAnswered(outcome: QueryOutcome) throws {
        let scheduler = PureScheduler()
        let bad = scheduler.claim([scheduler.refund(1), scheduler.refund(2)])
        for claim in bad { scheduler.end(claim, outcome) }
        scheduler.run()
        scheduler.advance(by: .seconds(60))
        scheduler.query(scheduler.refund(9), .report(.processing))
        #expect(!isOpen(scheduler))
        for round in 1...50 {
            scheduler.advance(by: .seconds(60))
            for order in [1, 2] as [Int64] {
                let decision = scheduler.query(scheduler.refund(order), outcome)
                #expect(decision.incidents.isEmpty || round > 9)
                guard scheduler.state.gateways["default"]?.health.isBlocked != true else { return }
                #expect(decision.polls.map(\.refund.attempts) == [1], "round \(round)")
                #expect(!isOpen(scheduler), "round \(round)")
            }
        }
    }

    @Test func orderKnownToFailAloneKeepsNoBreakerOpen() {
        let scheduler = PureScheduler()
        scheduler.query(scheduler.refund(1), .unreachable)
        scheduler.query(scheduler.refund(9), .report(.processing))
        for claim in scheduler.claim((10...25).map { scheduler.refund($0) }) { scheduler.end(claim, .unreachable) }
        scheduler.run()
        #expect(isOpen(scheduler))
        scheduler.advance(by: .seconds(1))
        #expect(scheduler.query(scheduler.refund(1), .unreachable).polls.map(\.refund.attempts) == [1])
        #expect(scheduler.claim([scheduler.refund(2)]).count == 1, "another is probed at once")
    }

    @Test func limitBelowTheBackoffDoesNotShortenIt() throws {
        let scheduler = PureScheduler()
        scheduler.query(scheduler.refund(9), .report(.processing))
        let outcome = QueryOutcome.slowedDown(reason: "HTTP 429", retryAfter: .seconds(1))
        let poll = try #require(scheduler.query(scheduler.refund(1), outcome).polls.first)
        #expect(poll.refund.nextQueryAt == scheduler.now.advanced(by: .seconds(5)))
    }

    @Test func limitOfSeveralOrdersPausesTheGateway() {
        let scheduler = PureScheduler()
        scheduler.query(scheduler.refund(9), .report(.processing))
        scheduler.query(scheduler.refund(1), .busy)
        #expect(!isOpen(scheduler))
        let decision = scheduler.query(scheduler.refund(2), .busy)
        #expect(decision.polls.map(\.refund.attempts) == [0])
        #expect(isOpen(scheduler))
        #expect(scheduler.claim([scheduler.refund(3)]).isEmpty)
        scheduler.advance(by: .seconds(30))
        #expect(scheduler.claim([scheduler.refund(3), scheduler.refund(4)]).count == 1, "one probe")
    }

    @Test func pauseHoldsInTheCycleThatTakesIt() {
        let scheduler = PureScheduler()
        for claim in scheduler.claim([scheduler.refund(1), scheduler.refund(2)]) { scheduler.end(claim, .busy) }
        let decision = scheduler.run(due: .new((3...5).map { scheduler.refund($0) }))
        #expect(decision.queries.isEmpty)
        #expect(decision.nextWake == scheduler.now.advanced(by: .seconds(30)))
    }

    @Test func firstOrdersLimitEndsWithAnAnswerToAnother() {
        let scheduler = PureScheduler()
        let claims = scheduler.claim((1...3).map { scheduler.refund($0) })
        scheduler.end(claims[0], .busy)
        scheduler.end(claims[1], .report(.settled))
        #expect(scheduler.run().summary.contains("close gateway default"))
        #expect(!isOpen(scheduler))
    }

    @Test func limitOfSeveralOrdersHoldsAlthoughOthersAreAnswered() {
        let scheduler = PureScheduler()
        let claims = scheduler.claim((1...4).map { scheduler.refund($0) })
        for claim in claims.prefix(2) { scheduler.end(claim, .busy) }
        for claim in claims.suffix(2) { scheduler.end(claim, .report(.settled)) }
        scheduler.run()
        #expect(isOpen(scheduler))
        #expect(scheduler.claim([scheduler.refund(5)]).isEmpty)
    }

    @Test func limitWithoutOtherAnswersPausesTheGateway() {
        let scheduler = PureScheduler()
        let decision = scheduler.query(scheduler.refund(1), .busy)
        #expect(decision.polls.map(\.refund.attempts) == [0])
        #expect(decision.nextWake == scheduler.now.advanced(by: .seconds(30)))
        #expect(isOpen(scheduler))
    }

    @Test func gatewayThatMovesIsQueriedAtOnce() {
        let scheduler = PureScheduler()
        scheduler.query(scheduler.refund(1), .busy)
        scheduler.settings.gateways["default"]?.address = "https://new.example/api/entry"
        scheduler.state.apply(scheduler.settings)
        let decision = scheduler.run(due: .waiting([scheduler.refund(1)]))
        #expect(decision.summary == ["close gateway default", "claim 1"])
    }

    @Test func reloadLetsTheNextProbeGoAtOnce() {
        let scheduler = PureScheduler()
        scheduler.query(scheduler.refund(1), .busy)
        scheduler.state.apply(scheduler.settings)
        #expect(scheduler.claim([scheduler.refund(1), scheduler.refund(2)]).count == 1)
    }

    @Test func answerAfterTheClockWasSetBackEndsTheFailure() throws {
        let scheduler = PureScheduler()
        scheduler.query(scheduler.refund(1), .unreachable)
        scheduler.advance(by: .seconds(-3_600))
        let decision = scheduler.query(scheduler.refund(1), .notFound)
        let sighting = decision.writes.compactMap {
            if case .gatewaySeen(_, let seen) = $0.action { seen } else { nil }
        }
        #expect(sighting == [GatewaySighting(lastVerified: scheduler.now, lastErrorAt: scheduler.now)])
    }

    @Test func lapseIsRecordedAtOnceAndEndsWithAVerifiedAnswer() {
        let scheduler = PureScheduler()
        func lapses(_ decision: Decision) -> [String] {
            decision.writes.compactMap {
                if case .breaker(.lapse, let name, let open) = $0.action {
                    "\(name) \(open?.reason ?? "ends")"
                } else {
                    nil
                }
            }
        }
        #expect(lapses(scheduler.query(scheduler.refund(1), .unverified(reason: "a"))).isEmpty)
        #expect(lapses(scheduler.query(scheduler.refund(2), .unverified(reason: "a"))) == ["default 2 brief"])
        #expect(lapses(scheduler.query(scheduler.refund(3), .unverified(reason: "a"))) == ["default 3"])
        #expect(lapses(scheduler.query(scheduler.refund(4), .unverified(reason: "a"))).isEmpty, "recorded a moment ago")
        scheduler.advance(by: .seconds(10))
        #expect(lapses(scheduler.query(scheduler.refund(5), .unverified(reason: "a"))) == ["default 5"])
        #expect(lapses(scheduler.query(scheduler.refund(6), .notFound)) == ["default ends"])
        #expect(lapses(scheduler.query(scheduler.refund(6), .notFound)).isEmpty)
    }

    @Test func gatewayThatRefusesOurCredentialsIsNotCalledDown() {
        let scheduler = PureScheduler()
        let names = scheduler.query(scheduler.refund(1), .refusal).eventNames
        #expect(names.contains("incident"))
        #expect(!names.contains("gatewayBreakerOpened"))
    }

    @Test func lastVerifiedAnswerAndLastErrorAreRecordedAtOnceWhenTheyAlternate() throws {
        let scheduler = PureScheduler()
        func sightings(_ decision: Decision) -> [GatewaySighting] {
            decision.writes.compactMap { if case .gatewaySeen(_, let seen) = $0.action { seen } else { nil } }
        }
        let first = scheduler.now
        #expect(
            sightings(scheduler.query(scheduler.refund(1), .notFound)) == [GatewaySighting(lastVerified: first)]
        )
        scheduler.advance(by: .seconds(1))
        #expect(sightings(scheduler.query(scheduler.refund(1), .notFound)).isEmpty, "recorded a moment ago")
        scheduler.advance(by: .seconds(1))
        let failed = try #require(sightings(scheduler.query(scheduler.refund(1), .unreachable)).first)
        #expect(failed.lastVerified == first.advanced(by: .seconds(1)))
        #expect(failed.lastError == "no answer")
        #expect(failed.lastErrorAt == scheduler.now)
        scheduler.advance(by: .seconds(1))
        #expect(sightings(scheduler.query(scheduler.refund(1), .unreachable)).isEmpty)
        let again = try #require(sightings(scheduler.query(scheduler.refund(1), .notFound)).first)
        #expect(again.lastVerified == scheduler.now)
        scheduler.advance(by: .seconds(10))
        #expect(sightings(scheduler.query(scheduler.refund(1), .notFound)).count == 1)
    }
}
