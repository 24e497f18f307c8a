import RefundCore
import RefundStoreSQLite
import Testing

@testable import RefundDaemon

/// A gateway that refuses our credentials or cannot be believed.
struct EngineTroubleTests {
    private static let unverified = QueryOutcome.unverified(reason: "wrong key")

    private func troubles(_ harness: EngineHarness) throws -> [String: GatewayHealth.Trouble] {
        try harness.store.read { tx in try tx.troubles() }
    }

    private func breakers(_ harness: EngineHarness) throws -> [String: OpenBreaker] {
        try harness.store.read { tx in try tx.openBreakers(.gateway) }
    }

    private func events(_ harness: EngineHarness) throws -> Int {
        try harness.store.read { tx in try tx.status(at: harness.now).webhooks.reduce(0) { $0 + $1.count } }
    }

    @Test(arguments: [
        QueryOutcome.refusal, unverified, .unreachable(reason: "no answer"),
        .slowedDown(reason: "HTTP 429", retryAfter: .seconds(1)),
    ])
    func whileTheAlarmStandsOneRefundIsAskedEveryFifteenSecondsAndNoRowChanges(outcome: QueryOutcome) throws {
        let harness = try EngineHarness()
        let ids = try (1...5).map { try harness.enqueue("R-\($0)") }
        let before = try ids.map(harness.refund)
        try harness.run()
        harness.answerAll(.refusal)
        #expect(try harness.run().queries.isEmpty)
        var probed: [Int64] = []
        for _ in 1...10 {
            let wait = try #require(harness.cycle.nextWake).duration(since: harness.now)
            #expect(wait >= .seconds(15))
            probed += try harness.runAtNextWake().queries.map(\.refund.id)
            harness.answerAll(outcome)
            #expect(try harness.run().queries.isEmpty)
        }
        #expect(probed == ids + ids, "each takes its turn")
        #expect(try ids.map(harness.refund) == before)
        #expect(try events(harness) == 1, "told once")
    }

    @Test func answerThatVerifiesEndsTheTroubleByItself() throws {
        let harness = try EngineHarness()
        for number in 1...5 { try harness.enqueue("R-\(number)") }
        try harness.run()
        harness.answerAll(.refusal)
        try harness.run()
        try harness.runAtNextWake()
        harness.answerAll(.report(.settled))
        #expect(try harness.run().queries.count == 4)
        #expect(try troubles(harness).isEmpty)
    }

    @Test func wrongPublicKeyRaisesTheAlarmWithASingleRefundToo() throws {
        let harness = try EngineHarness()
        let id = try harness.enqueue("R-1")
        let start = harness.now
        try harness.run()
        while try troubles(harness).isEmpty, harness.now.duration(since: start) < .seconds(3_600) {
            harness.answerAll(Self.unverified)
            try harness.run()
            try harness.runAtNextWake()
        }
        #expect(try troubles(harness)["default"]?.code == "UNVERIFIED")
        #expect(harness.now.duration(since: start) < .seconds(15 * 60))
        #expect(try harness.refund(id).state == .pending)
        #expect(try events(harness) == 1)
    }

    @Test func troubleWhileTheBreakerIsOpenIsProbedAtTheSlowerPaceAndBothEnd() throws {
        let harness = try EngineHarness()
        for number in 1...12 { try harness.enqueue("R-\(number)") }
        try harness.run()
        harness.answerAll(.unreachable(reason: "no answer"))
        try harness.run()
        try harness.runAtNextWake()
        harness.answerAll(.refusal)
        try harness.run()
        // The refusal is an answer: the gateway is there, and refuses us.
        #expect(try breakers(harness).isEmpty)
        #expect(try troubles(harness)["default"]?.code == "SYS002")
        #expect(harness.cycle.nextWake == harness.now.advanced(by: .seconds(15)))
        for _ in 1...Breaker.threshold {
            try harness.runAtNextWake()
            harness.answerAll(.unreachable(reason: "no answer"))
            try harness.run()
        }
        #expect(try breakers(harness).count == 1)
        #expect(try troubles(harness).count == 1, "no answer says nothing of our credentials")
        let wake = try #require(harness.cycle.nextWake)
        #expect(wake.duration(since: harness.now) >= .seconds(15))
        try harness.runAtNextWake()
        harness.answerAll(.report(.settled))
        #expect(try harness.run().queries.count == 11)
        #expect(try breakers(harness).isEmpty)
        #expect(try troubles(harness).isEmpty)
    }

    @Test func gatewayThatTheConfigurationLosesLeavesNothingBehind() throws {
        let harness = try EngineHarness { settings in
            settings.gateways["other"] = settings.gateways["default"]
            settings.gateways["third"] = settings.gateways["default"]
        }
        for name in ["other", "third"] {
            for number in 1...12 { try harness.enqueue("R-\(number)", [(name: .gateway, value: name)]) }
        }
        try harness.run()
        // What came back of `other` is a refusal, and of `third` nothing.
        for refund in harness.unanswered {
            harness.answerFirst(1, refund.gateway == "other" ? .refusal : .unreachable(reason: "no answer"))
        }
        try harness.run()
        #expect(try troubles(harness).keys.sorted() == ["other"])
        #expect(try breakers(harness).keys.sorted() == ["third"])
        harness.advance(by: .seconds(15))
        #expect(try harness.run().queries.count == 2)

        try harness.engine.reconfigure(EngineHarness.settings, at: harness.now)
        #expect(try troubles(harness).isEmpty)
        #expect(try breakers(harness).isEmpty)
        // Answers of a gateway that is gone are nobody's trouble.
        harness.answerAll(.refusal)
        try harness.run()
        #expect(try troubles(harness).isEmpty)
    }

    @Test func gatewayThatIsGoneAtTheNextStartLeavesNothingBehind() throws {
        let harness = try EngineHarness { settings in settings.gateways["other"] = settings.gateways["default"] }
        try harness.enqueue("R-1", [(name: .gateway, value: "other")])
        try harness.run()
        harness.answerAll(.refusal)
        try harness.run()
        #expect(try troubles(harness).count == 1)
        _ = try harness.firstCycleAfterARestart()
        #expect(try troubles(harness).isEmpty)
    }

    @Test func refundThatIsAlwaysRefusedIsToldOnceAndThenBacksOffLikeAnyOther() throws {
        let harness = try EngineHarness()
        let poison = try harness.enqueue("R-1")
        // Others come and are believed all the time.
        for number in 2...40 {
            try harness.enqueue("R-\(number)")
            try harness.run()
            for refund in harness.unanswered {
                harness.answerFirst(1, refund.id == poison ? .refusal : .report(.processing))
            }
            try harness.run()
            harness.advance(by: .seconds(30))
        }
        let told = try harness.eventCount(.gatewayNeedsAttention)
        #expect(told == 1)
        #expect(try troubles(harness).isEmpty)
        #expect(try harness.refund(poison).attempts > 3)
        #expect(try harness.refund(poison).lastError?.contains("SYS002") == true)
    }

    @Test func alarmThatCannotBeWrittenAtOnceIsNotedOnceItIs() throws {
        let harness = try EngineHarness()
        try harness.enqueue("R-1")
        try harness.run()
        harness.answerAll(.refusal)
        let other = try RefundStore(path: harness.store.path, access: .existing)
        defer { other.close() }
        try other.transaction { _ in
            #expect(throws: StoreError.self) { try harness.run() }
        }
        try harness.run()
        let alarms = harness.cycle.notes.filter { if case .gatewayTrouble = $0 { true } else { false } }
        #expect(alarms.count == 1)
    }
}
