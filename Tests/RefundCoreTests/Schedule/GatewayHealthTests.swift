import RefundCore
import Testing

struct GatewayHealthTests {
    static let unverified = QueryOutcome.unverified(reason: "the answer has no signature")
    static let noVerdicts: [QueryOutcome] = [
        .unreachable(reason: "no answer"), .slowedDown(reason: "HTTP 429", retryAfter: .seconds(5)),
    ]
    static let refused = QueryOutcome.credentialsRefused(code: "SYS002", message: "signature refused", isVerified: true)
    static let hint = QueryOutcome.credentialsRefused(code: "E07303", message: "not authorised", isVerified: false)
    /// Outcomes that stand in an answer whose signature is right.
    static let verified: [QueryOutcome] = [
        .says(.processing), .unknownOrder, .inconclusive(reason: "the gateway answered SYS999"),
    ]

    private func later(_ seconds: Int) -> Timestamp {
        enqueued.advanced(by: .seconds(seconds))
    }

    @Test(arguments: [refused, hint])
    func refusedCredentialsRaiseTheAlarmAtOnceSignedOrNot(outcome: QueryOutcome) {
        guard case .credentialsRefused(let code, let message, let isVerified) = outcome else { return }
        var health = GatewayHealth()
        let trouble = GatewayHealth.Trouble(code: code, message: message, isVerified: isVerified, since: enqueued)
        #expect(health.answered(outcome, of: 1, at: enqueued) == .alarm(trouble))
        #expect(health.trouble == trouble)
    }

    @Test func twentyUnverifiedAnswersInARowRaiseTheAlarm() {
        var health = GatewayHealth()
        for second in 1...19 { #expect(health.answered(Self.unverified, of: 1, at: later(second)) == .none) }
        #expect(health.nextQuery(at: later(19)) == nil)
        let trouble = GatewayHealth.Trouble(
            code: "UNVERIFIED",
            message: "the answer has no signature",
            isVerified: false,
            since: later(20)
        )
        #expect(health.answered(Self.unverified, of: 1, at: later(20)) == .alarm(trouble))
    }

    @Test func tenMinutesOfUnverifiedAnswersRaiseTheAlarm() {
        var health = GatewayHealth()
        #expect(health.answered(Self.unverified, of: 1, at: enqueued) == .none)
        #expect(health.answered(Self.unverified, of: 1, at: later(599)) == .none)
        guard case .alarm = health.answered(Self.unverified, of: 1, at: later(600)) else {
            Issue.record("no alarm after ten minutes")
            return
        }
    }

    @Test(arguments: verified)
    func anAnswerThatVerifiesBeginsTheCountAnew(outcome: QueryOutcome) {
        var health = GatewayHealth()
        for _ in 0..<19 { _ = health.answered(Self.unverified, of: 1, at: enqueued) }
        #expect(health.answered(outcome, of: 1, at: later(700)) == .none)
        for _ in 0..<19 { #expect(health.answered(Self.unverified, of: 1, at: later(701)) == .none) }
        #expect(health.trouble == nil)
    }

    @Test(arguments: noVerdicts)
    func noAnswerAtAllSaysNothingOfOurCredentials(outcome: QueryOutcome) {
        var health = GatewayHealth()
        for second in 0..<2_000 { #expect(health.answered(outcome, of: 1, at: later(second)) == .none) }
        #expect(health.trouble == nil)
        _ = health.answered(Self.refused, of: 1, at: later(2_000))
        #expect(health.answered(outcome, of: 1, at: later(2_015)) == .none)
        #expect(health.trouble != nil)
    }

    @Test(arguments: noVerdicts)
    func noAnswerBetweenUnverifiedOnesDoesNotBeginTheCountAnew(outcome: QueryOutcome) {
        var health = GatewayHealth()
        for second in 1...19 {
            _ = health.answered(Self.unverified, of: 1, at: later(second))
            _ = health.answered(outcome, of: 1, at: later(second))
        }
        #expect(health.answered(Self.unverified, of: 1, at: later(20)) != .none)
    }

    @Test func aSingleRefundThatIsAskedWithBackoffRaisesTheAlarmTooWhenNothingVerifies() {
        var health = GatewayHealth()
        let policy = PollingPolicy()
        var age: Duration = .zero
        var attempts = 0
        while health.trouble == nil, attempts < 20 {
            attempts += 1
            _ = health.answered(Self.unverified, of: 1, at: enqueued.advanced(by: age))
            age += policy.delay(afterAttempts: attempts, age: age, draw: 0.5)
        }
        #expect(attempts == 8, "after 5, 10, 20, … seconds the eighth query is the first after ten minutes")
    }

    @Test func theAlarmIsRaisedOnce() {
        var health = GatewayHealth()
        _ = health.answered(Self.refused, of: 1, at: enqueued)
        let trouble = health.trouble
        for second in 1...100 {
            #expect(health.answered(Self.hint, of: 1, at: later(second)) == .none)
            #expect(health.answered(Self.unverified, of: 1, at: later(second)) == .none)
        }
        #expect(health.trouble == trouble)
    }

    @Test(arguments: verified)
    func anAnswerThatVerifiesEndsTheTroubleAndItCanBeRaisedAgain(outcome: QueryOutcome) {
        var health = GatewayHealth()
        _ = health.answered(Self.refused, of: 1, at: enqueued)
        #expect(health.answered(outcome, of: 1, at: later(15)) == .recover)
        #expect(health.trouble == nil)
        #expect(health.nextQuery(at: later(15)) == nil)
        #expect(health.answered(outcome, of: 1, at: later(16)) == .none)
        guard case .alarm(let trouble) = health.answered(Self.refused, of: 1, at: later(31)) else {
            Issue.record("the alarm is not raised again")
            return
        }
        #expect(trouble.since == later(31))
    }

    @Test func refundThatIsRefusedWhileOthersAreBelievedRaisesTheAlarmOnce() {
        var health = GatewayHealth()
        expectAlarm(health.answered(Self.refused, of: 1, at: later(1)))
        #expect(health.answered(.says(.processing), of: 2, at: later(16)) == .recover)
        for second in 17...60 {
            #expect(health.answered(Self.refused, of: 1, at: later(second)) == .none)
        }
        expectAlarm(health.answered(Self.refused, of: 3, at: later(61)), "another refund is not this one")
    }

    @Test func refundThatIsRefusedWhenNothingIsBelievedAnyMoreRaisesTheAlarmAgain() {
        var health = GatewayHealth()
        expectAlarm(health.answered(Self.refused, of: 1, at: later(1)))
        #expect(health.answered(.says(.processing), of: 2, at: later(16)) == .recover)
        #expect(health.answered(Self.refused, of: 1, at: later(615)) == .none)
        expectAlarm(health.answered(Self.refused, of: 1, at: later(616)))
    }

    @Test func refundThatWasBelievedAgainMayRaiseTheAlarmAgain() {
        var health = GatewayHealth()
        expectAlarm(health.answered(Self.refused, of: 1, at: later(1)))
        #expect(health.answered(.says(.processing), of: 1, at: later(16)) == .recover)
        expectAlarm(health.answered(Self.refused, of: 1, at: later(17)))
    }

    private func expectAlarm(_ action: GatewayHealth.Action, _ comment: Comment? = nil) {
        guard case .alarm = action else {
            Issue.record(comment ?? "the alarm is not raised: \(action)")
            return
        }
    }

    @Test func whileTheAlarmStandsItIsAskedEveryFifteenSeconds() {
        var health = GatewayHealth()
        _ = health.answered(Self.refused, of: 1, at: enqueued)
        #expect(health.nextQuery(at: enqueued) == later(15))
        #expect(health.nextQuery(at: later(14)) == later(15))
        #expect(health.nextQuery(at: later(15)) == later(15))
        health.probed(at: later(20))
        #expect(health.nextQuery(at: later(21)) == later(35))
        _ = health.answered(Self.hint, of: 1, at: later(23))
        #expect(health.nextQuery(at: later(23)) == later(38))
    }

    @Test func aProbeOfAHealthyGatewayIsNotAProbe() {
        var health = GatewayHealth()
        health.probed(at: enqueued)
        #expect(health.nextQuery(at: enqueued) == nil)
    }

    @Test func troubleFromBeforeARestartIsProbedAtOnceAndNotToldAgain() {
        let trouble = GatewayHealth.Trouble(code: "SYS002", message: "", isVerified: true, since: enqueued)
        var health = GatewayHealth(trouble: trouble)
        #expect(health.nextQuery(at: later(5)) == later(5))
        #expect(health.answered(Self.refused, of: 1, at: later(6)) == .none)
        #expect(health.trouble == trouble)
        #expect(health.answered(.says(.processing), of: 1, at: later(21)) == .recover)
    }

    @Test func aClockSetBackHoldsNoProbeUp() {
        var health = GatewayHealth()
        _ = health.answered(Self.refused, of: 1, at: enqueued)
        health.clockSetBack(by: hours(1_000))
        let back = enqueued.advanced(by: hours(-1_000))
        #expect(health.nextQuery(at: back) == back.advanced(by: .seconds(15)))
    }

    @Test func aClockSetBackDoesNotPutTheAlarmOff() {
        var health = GatewayHealth()
        _ = health.answered(Self.unverified, of: 1, at: enqueued)
        health.clockSetBack(by: hour)
        #expect(health.answered(Self.unverified, of: 1, at: enqueued.advanced(by: .seconds(600) - hour)) != .none)
    }

    @Test func noTimeTraps() {
        var health = GatewayHealth()
        _ = health.answered(Self.refused, of: 1, at: enqueued)
        _ = health.answered(Self.unverified, of: 1, at: Timestamp(milliseconds: .min))
        _ = health.nextQuery(at: Timestamp(milliseconds: .max))
    }
}
