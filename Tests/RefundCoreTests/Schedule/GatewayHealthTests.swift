import RefundCore
import Testing

struct GatewayHealthTests {
    static let unverified = QueryOutcome.unverified(reason: "the answer has no signature")
    static let noAnswers: [QueryOutcome] = [
        .unreachable(reason: "no answer"), .slowedDown(reason: "HTTP 429", retryAfter: .seconds(5)),
    ]
    static let refused = QueryOutcome.credentialsRefused(code: "SYS002", message: "signature refused", isVerified: true)
    static let hint = QueryOutcome.credentialsRefused(code: "E07303", message: "not authorised", isVerified: false)
    /// Outcomes of answers whose signature verifies.
    static let verified: [QueryOutcome] = [
        .says(.processing), .unknownOrder, .inconclusive(reason: "the gateway answered SYS999"),
    ]

    func later(_ seconds: Int) -> Timestamp {
        enqueued.advanced(by: .seconds(seconds))
    }

    func expectIncident(
        _ change: GatewayHealth.Change,
        _ kind: GatewayIncident.Kind = .misconfigured,
        since: Timestamp? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        guard case .incident(let incident) = change else {
            Issue.record("no incident: \(change)", sourceLocation: sourceLocation)
            return
        }
        #expect(incident.kind == kind, sourceLocation: sourceLocation)
        if let since { #expect(incident.since == since, sourceLocation: sourceLocation) }
    }

    // MARK: - Refused credentials

    @Test(arguments: [refused, hint])
    func refusedCredentialsAreAnIncidentSignedOrNot(outcome: QueryOutcome) {
        guard case .credentialsRefused(let code, let message, let isVerified) = outcome else { return }
        var health = GatewayHealth()
        let incident = GatewayIncident(
            kind: .misconfigured,
            code: code,
            message: message,
            isVerified: isVerified,
            since: enqueued
        )
        #expect(health.answered(outcome, refund: 1, others: [], at: enqueued) == .incident(incident))
        #expect(health.incident == incident)
        #expect(health.isBlocked)
    }

    @Test func refusalWaitsForTheQueriesInFlightBesideIt() {
        var health = GatewayHealth()
        #expect(health.answered(Self.refused, refund: 1, others: [2, 3], at: later(0)) == .failing)
        #expect(health.answered(Self.noAnswers[0], refund: 2, others: [3], at: later(1)) == .none)
        #expect(!health.isBlocked)
        expectIncident(health.answered(Self.refused, refund: 3, others: [], at: later(2)), since: later(0))
    }

    @Test func refusalBesideAnAnsweredQueryIsNoIncident() {
        var health = GatewayHealth()
        _ = health.answered(Self.refused, refund: 1, others: [2, 3], at: later(0))
        #expect(health.answered(.says(.processing), refund: 2, others: [3], at: later(1)) == .recovered)
        #expect(health.answered(Self.refused, refund: 3, others: [], at: later(2)) == .none)
        #expect(health.incident == nil)
    }

    @Test func refusalWaitsForNoInterruptedQuery() {
        var health = GatewayHealth()
        _ = health.answered(Self.refused, refund: 1, others: [2], at: later(0))
        expectIncident(health.interrupted(2))
    }

    @Test(arguments: [unverified, noAnswers[0], noAnswers[1], refused])
    func refusalWaitsForNoQueryThatFailed(outcome: QueryOutcome) {
        var health = GatewayHealth()
        _ = health.answered(.says(.processing), refund: 7, others: [], at: later(0))
        _ = health.answered(Self.refused, refund: 2, others: [], at: later(1))
        _ = health.answered(.says(.processing), refund: 7, others: [], at: later(2))
        // Refund 2 is known to be refused alone; refund 7 was answered itself, which does not speak for its refusal now.
        _ = health.answered(Self.refused, refund: 7, others: [2], at: later(700))
        expectIncident(health.answered(outcome, refund: 2, others: [], at: later(701)))
    }

    @Test func refusalIsUndecidedOnlyUntilAnIncidentBegins() {
        var health = GatewayHealth()
        for second in 0..<GatewayHealth.unverifiedLimit - 1 {
            _ = health.answered(Self.unverified, refund: 3, others: [2], at: later(second))
        }
        _ = health.answered(Self.refused, refund: 1, others: [2], at: later(30))
        #expect(health.isUndecided)
        for second in 31..<31 + GatewayHealth.unverifiedLimit {
            _ = health.answered(Self.unverified, refund: 3, others: [2], at: later(second))
        }
        #expect(health.isBlocked)
        #expect(!health.isUndecided)
    }

    @Test func refusalWhileOthersAreAnsweredIsTheRefundsOwn() {
        var health = GatewayHealth()
        _ = health.answered(.says(.processing), refund: 2, others: [1], at: later(0))
        #expect(health.isRefusedAlone(1, of: "M-1", at: later(599)))
        for second in 1...599 {
            #expect(health.answered(Self.refused, refund: 1, others: [], at: later(second)) == .none)
        }
        expectIncident(health.answered(Self.refused, refund: 1, others: [], at: later(600)))
    }

    @Test func refundThatWasAnsweredItselfDoesNotSpeakForItsRefusal() {
        var health = GatewayHealth()
        _ = health.answered(.says(.processing), refund: 1, others: [], at: later(0))
        _ = health.answered(.says(.processing), refund: 1, others: [], at: later(5))
        #expect(!health.isRefusedAlone(1, of: "M-1", at: later(10)))
        expectIncident(health.answered(Self.refused, refund: 1, others: [], at: later(10)))
    }

    @Test func credentialsRevokedWhileManyRefundsAreAnsweredAreOneIncident() {
        var health = GatewayHealth()
        for refund in 1...100 as ClosedRange<Int64> {
            _ = health.answered(.says(.processing), refund: refund, others: [], at: later(0))
        }
        var changes: [GatewayHealth.Change] = []
        for refund in 1...100 as ClosedRange<Int64> {
            changes.append(health.answered(Self.refused, refund: refund, others: [], at: later(1)))
        }
        #expect(changes.prefix(GatewayHealth.refusedLimit).allSatisfy { $0 == .none })
        expectIncident(changes[GatewayHealth.refusedLimit])
        #expect(changes.suffix(79).allSatisfy { $0 == .none })
    }

    @Test func secondRefundThatWasAnsweredBeforeShowsThatTheCredentialsWereRevoked() {
        var health = GatewayHealth()
        for refund in [1, 2, 3] as [Int64] {
            _ = health.answered(.says(.processing), refund: refund, others: [], at: later(0))
        }
        #expect(health.answered(Self.refused, refund: 1, wasAnswered: true, others: [], at: later(5)) == .none)
        expectIncident(health.answered(Self.refused, refund: 2, wasAnswered: true, others: [], at: later(6)))
    }

    @Test(arguments: [true, false])
    func refundRefusedAgainAndAgainWhileNothingIsAnsweredIsAnIncident(wasAnswered: Bool) {
        var health = GatewayHealth()
        for refund in [1, 2] as [Int64] {
            _ = health.answered(.says(.processing), refund: refund, others: [], at: later(0))
        }
        func refuse(_ refund: Int64, at now: Timestamp) -> GatewayHealth.Change {
            health.answered(Self.refused, refund: refund, wasAnswered: wasAnswered, others: [], at: now)
        }
        // A refund that the gateway has never answered may be refused for reasons of its own.
        if !wasAnswered { #expect(refuse(3, at: later(1)) == .none) }
        for second in 5...6 { #expect(refuse(4, at: later(second)) == .none) }
        expectIncident(refuse(4, at: later(7)))
    }

    @Test func loneNewRefundRefusedAgainAndAgainIsRefusedAlone() {
        var health = GatewayHealth()
        _ = health.answered(.says(.processing), refund: 1, others: [], at: later(0))
        for second in 1...9 {
            #expect(health.answered(Self.refused, refund: 2, others: [], at: later(second)) == .none)
        }
        #expect(health.isRefusedAlone(2, of: "M-1", at: later(10)))
    }

    @Test func merchantRefusedBesideAnAnsweredOneIsRefusedAlone() {
        var health = GatewayHealth()
        _ = health.answered(.says(.processing), refund: 1, merchant: "M-1", others: [], at: later(0))
        _ = health.answered(.says(.processing), refund: 2, merchant: "M-2", others: [], at: later(0))
        func refuse(_ refund: Int64, of merchant: String, at now: Timestamp) -> GatewayHealth.Change {
            health.answered(Self.refused, refund: refund, merchant: merchant, wasAnswered: true, others: [], at: now)
        }
        for second in 1...9 {
            #expect(refuse(2, of: "M-2", at: later(second)) == .none)
            #expect(refuse(3, of: "M-2", at: later(second)) == .none)
        }
        expectIncident(refuse(1, of: "M-1", at: later(10)))
    }

    @Test func refundRefusedAloneBeforeARestartRaisesNoIncident() {
        var health = GatewayHealth()
        health.wasRefusedAlone(1)
        for second in 0...9 {
            #expect(health.answered(Self.refused, refund: 1, others: [], at: later(second)) == .none)
        }
        expectIncident(health.answered(Self.refused, refund: 2, others: [], at: later(10)))
    }

    // MARK: - Answers that do not verify

    @Test func twentyUnverifiedAnswersInARowAreAnIncident() {
        var health = GatewayHealth()
        #expect(health.answered(Self.unverified, refund: 1, others: [], at: later(1)) == .failing)
        for second in 2...19 {
            #expect(health.answered(Self.unverified, refund: 1, others: [], at: later(second)) == .none)
        }
        #expect(!health.isBlocked)
        let incident = GatewayIncident(
            kind: .misconfigured,
            code: "UNVERIFIED",
            message: "the answer has no signature",
            isVerified: false,
            since: later(20)
        )
        #expect(health.answered(Self.unverified, refund: 1, others: [], at: later(20)) == .incident(incident))
    }

    @Test func tenMinutesOfUnverifiedAnswersAreAnIncident() {
        var health = GatewayHealth()
        _ = health.answered(Self.unverified, refund: 1, others: [], at: later(0))
        #expect(health.answered(Self.unverified, refund: 1, others: [], at: later(599)) == .none)
        expectIncident(health.answered(Self.unverified, refund: 1, others: [], at: later(600)))
    }

    @Test(arguments: verified)
    func verifiedAnswerEndsARunOfUnverifiedOnes(outcome: QueryOutcome) {
        var health = GatewayHealth()
        for _ in 0..<19 { _ = health.answered(Self.unverified, refund: 1, others: [], at: later(0)) }
        #expect(health.answered(outcome, refund: 1, others: [], at: later(700)) == .recovered)
        for _ in 0..<19 { _ = health.answered(Self.unverified, refund: 1, others: [], at: later(701)) }
        #expect(health.incident == nil)
    }

    @Test(arguments: noAnswers)
    func missingAnswerDoesNotEndARunOfUnverifiedOnes(outcome: QueryOutcome) {
        var health = GatewayHealth()
        for second in 1...19 {
            _ = health.answered(Self.unverified, refund: 1, others: [], at: later(second))
            _ = health.answered(outcome, refund: 1, others: [], at: later(second))
        }
        expectIncident(health.answered(Self.unverified, refund: 1, others: [], at: later(20)))
    }

    @Test func singleRefundWithBackoffIsEnoughForAnIncidentWhenNothingVerifies() {
        var health = GatewayHealth()
        let policy = PollingPolicy()
        var age: Duration = .zero
        var attempts = 0
        while health.incident == nil, attempts < 20 {
            attempts += 1
            _ = health.answered(Self.unverified, refund: 1, others: [], at: enqueued.advanced(by: age))
            age += policy.delay(afterAttempts: attempts, age: age, draw: 0.5)
        }
        #expect(attempts == 8, "after 5, 10, 20, … seconds the eighth query is the first after ten minutes")
    }

    // MARK: - A gateway that cannot be reached

    @Test(arguments: noAnswers)
    func tenMinutesWithoutAVerifiedAnswerAreAnIncidentOnce(outcome: QueryOutcome) {
        var health = GatewayHealth()
        #expect(health.answered(outcome, refund: 1, others: [], at: later(0)) == .failing)
        for second in 1..<600 { #expect(health.answered(outcome, refund: 1, others: [], at: later(second)) == .none) }
        expectIncident(health.answered(outcome, refund: 1, others: [], at: later(600)), .unreachable, since: later(600))
        #expect(!health.isBlocked, "rows change as usual")
        for second in 601...5_000 {
            #expect(health.answered(outcome, refund: 1, others: [], at: later(second)) == .none)
        }
    }

    @Test func timeWithoutQueriesDoesNotCount() {
        var health = GatewayHealth()
        _ = health.answered(.says(.processing), refund: 1, others: [], at: later(0))
        #expect(health.answered(Self.noAnswers[0], refund: 1, others: [], at: later(5_000)) == .failing)
        #expect(health.answered(Self.noAnswers[0], refund: 1, others: [], at: later(5_599)) == .none)
        expectIncident(health.answered(Self.noAnswers[0], refund: 1, others: [], at: later(5_600)), .unreachable)
    }

    @Test func firstFailureAfterAnAnswerIsReportedOnce() {
        var health = GatewayHealth()
        #expect(health.answered(Self.noAnswers[0], refund: 1, others: [], at: later(0)) == .failing)
        #expect(health.answered(Self.noAnswers[0], refund: 1, others: [], at: later(1)) == .none)
        #expect(health.answered(.unknownOrder, refund: 1, others: [], at: later(2)) == .recovered)
        #expect(health.answered(.unknownOrder, refund: 1, others: [], at: later(3)) == .none)
        #expect(health.answered(Self.noAnswers[0], refund: 1, others: [], at: later(4)) == .failing)
    }

    @Test func refusalOfAnUnreachableGatewayIsAnIncidentOfItsOwn() {
        var health = GatewayHealth()
        _ = health.answered(Self.noAnswers[0], refund: 1, others: [], at: later(0))
        expectIncident(health.answered(Self.noAnswers[0], refund: 1, others: [], at: later(600)), .unreachable)
        expectIncident(health.answered(Self.refused, refund: 1, others: [], at: later(660)))
        #expect(health.isBlocked)
        #expect(health.answered(Self.noAnswers[0], refund: 1, others: [], at: later(1_500)) == .none)
        #expect(health.isBlocked, "credentials matter more than a gateway that cannot be reached")
    }

    // MARK: - Incidents

    @Test func incidentIsReportedOnce() {
        var health = GatewayHealth()
        _ = health.answered(Self.refused, refund: 1, others: [], at: later(0))
        let incident = health.incident
        for second in 1...100 {
            #expect(health.answered(Self.hint, refund: 1, others: [], at: later(second)) == .none)
            #expect(health.answered(Self.unverified, refund: 1, others: [], at: later(second)) == .none)
        }
        #expect(health.incident == incident)
    }

    @Test(arguments: verified)
    func verifiedAnswerEndsAnIncident(outcome: QueryOutcome) {
        var health = GatewayHealth()
        _ = health.answered(Self.refused, refund: 1, others: [], at: later(0))
        #expect(health.answered(outcome, refund: 1, others: [], at: later(15)) == .recovered)
        #expect(health.incident == nil)
        #expect(!health.isBlocked)
        #expect(health.answered(outcome, refund: 1, others: [], at: later(16)) == .none)
        expectIncident(health.answered(Self.refused, refund: 1, others: [], at: later(31)), since: later(31))
    }

    @Test func incidentFromBeforeARestartIsNotReportedAgain() {
        let incident = GatewayIncident(
            kind: .misconfigured,
            code: "SYS002",
            message: "",
            isVerified: true,
            since: enqueued
        )
        var health = GatewayHealth(incident: incident)
        #expect(health.answered(Self.refused, refund: 1, others: [], at: later(6)) == .none)
        #expect(health.incident == incident)
        #expect(health.answered(.says(.processing), refund: 1, others: [], at: later(21)) == .recovered)
    }

    // MARK: - The clock

    @Test(arguments: [unverified] + noAnswers)
    func clockSetBackDelaysNoIncident(outcome: QueryOutcome) {
        var health = GatewayHealth()
        _ = health.answered(outcome, refund: 1, others: [], at: later(0))
        health.clockSetBack(by: hour)
        let now = later(600).advanced(by: .zero - hour)
        #expect(health.answered(outcome, refund: 1, others: [], at: now.advanced(by: .seconds(-1))) == .none)
        #expect(health.answered(outcome, refund: 1, others: [], at: now) != .none)
    }

    @Test func clockSetBackDoesNotProlongWhatAnAnswerSpeaksFor() {
        var health = GatewayHealth()
        _ = health.answered(.says(.processing), refund: 2, others: [], at: later(0))
        _ = health.answered(.says(.processing), refund: 1, others: [], at: later(0))
        health.clockSetBack(by: hour)
        #expect(health.isRefusedAlone(1, of: "M-1", at: later(599).advanced(by: .zero - hour)))
        for refund in 1...3 as ClosedRange<Int64> {
            #expect(!health.isRefusedAlone(refund, of: "M-1", at: later(600).advanced(by: .zero - hour)))
        }
    }

    @Test func noTimeTraps() {
        var health = GatewayHealth()
        _ = health.answered(Self.refused, refund: 1, others: [], at: Timestamp(milliseconds: .max))
        _ = health.answered(Self.unverified, refund: 1, others: [], at: Timestamp(milliseconds: .min))
        _ = health.answered(Self.noAnswers[0], refund: 1, others: [], at: Timestamp(milliseconds: .max))
        health.clockSetBack(by: .seconds(Int64.max / 1_000))
    }
}

extension GatewayHealth {
    /// Records what a query for the merchant `M-1` led to.
    mutating func answered(
        _ outcome: QueryOutcome,
        refund: Int64,
        wasAnswered: Bool = false,
        others: Set<Int64>,
        at now: Timestamp
    ) -> Change {
        answered(outcome, refund: refund, merchant: "M-1", wasAnswered: wasAnswered, others: others, at: now)
    }
}
