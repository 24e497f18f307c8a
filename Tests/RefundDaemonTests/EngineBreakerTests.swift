import RefundCore
import RefundStoreSQLite
import Testing

@testable import RefundDaemon

/// A gateway that is down, or asks to be asked less.
struct EngineBreakerTests {
    private static let down = QueryOutcome.unreachable(reason: "no answer")
    private static let busy = QueryOutcome.slowedDown(reason: "HTTP 429", retryAfter: .seconds(30))

    /// An engine whose gateway was found down by sixteen queries, with more refunds waiting.
    private func down(_ refunds: Int) throws -> EngineHarness {
        let harness = try EngineHarness { $0.gateways["default"]?.limits.maxInFlight = 16 }
        for number in 1...refunds { try harness.enqueue("R-\(number)") }
        #expect(try harness.run().queries.count == 16)
        harness.answerAll(Self.down)
        #expect(try harness.run().queries.isEmpty)
        return harness
    }

    private func settled(_ harness: EngineHarness) throws -> Int? {
        try harness.store.read { tx in try tx.status(at: harness.now).states[.settled] }
    }

    private func breakers(_ harness: EngineHarness) throws -> [String: OpenBreaker] {
        try harness.store.read { tx in try tx.openBreakers(.gateway) }
    }

    @Test func aRunOfFaultsStopsAllButProbes() throws {
        let harness = try down(40)
        let open = OpenBreaker(since: harness.now, reason: "no answer")
        #expect(try breakers(harness) == ["default": open])
        for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
            #expect(harness.cycle.nextWake == harness.now.advanced(by: .seconds(seconds)))
            #expect(try harness.runAtNextWake().queries.count == 1)
            #expect(try harness.run().queries.isEmpty, "one at a time")
            harness.answerAll(Self.down)
            #expect(try harness.run().queries.isEmpty)
        }
        #expect(try breakers(harness) == ["default": open], "it is told once")
    }

    @Test func faultOfAProbeUsesUpNoBackoff() throws {
        let harness = try down(40)
        harness.advance(by: .seconds(1))
        let id = try #require(try harness.run().queries.first?.refund.id)
        let before = try harness.refund(id)
        harness.advance(by: .seconds(3))
        harness.answerAll(Self.down)
        try harness.run()
        var expected = before
        expected.lastQueryAt = harness.now
        expected.lastError = "no answer"
        expected.updatedAt = harness.now
        #expect(try harness.refund(id) == expected)
    }

    @Test func faultsOfWhatWasInFlightCountForTheirRefunds() throws {
        let harness = try EngineHarness { $0.gateways["default"]?.limits.maxInFlight = 16 }
        let ids = try (1...16).map { try harness.enqueue("R-\($0)") }
        try harness.run()
        harness.answerFirst(12, Self.down)
        try harness.run()
        #expect(try breakers(harness).count == 1)
        harness.advance(by: .seconds(5))
        #expect(try harness.run().queries.isEmpty, "no probe while others are still in flight")
        harness.answerAll(Self.down)
        #expect(try harness.run().queries.count == 1)
        for id in ids { #expect(try harness.refund(id).attempts == 1) }
    }

    @Test func everyRefundTakesItsTurnAsAProbe() throws {
        let harness = try down(20)
        harness.advance(by: .seconds(3_600))
        var probed: [Int64] = []
        for _ in 1...20 {
            probed += try harness.runAtNextWake().queries.map(\.refund.id)
            harness.answerAll(Self.down)
            try harness.run()
        }
        #expect(Set(probed).count == 20)
    }

    @Test(arguments: [
        QueryOutcome.report(.processing), .notFound, .inconclusive(reason: "SYS999"), .unverified(reason: "no sign"),
    ])
    func anythingThatTheGatewayAnswersLetsAllBeAskedAgain(outcome: QueryOutcome) throws {
        let harness = try down(40)
        try harness.runAtNextWake()
        harness.answerAll(outcome)
        #expect(try harness.run().queries.count == 16)
        #expect(try breakers(harness).isEmpty)
    }

    @Test func afterAnOutageAllSettleWithFewAttempts() throws {
        let harness = try down(200)
        for _ in 1...40 {
            try harness.runAtNextWake()
            harness.answerAll(Self.down)
            try harness.run()
        }
        let end = harness.now
        try harness.runAtNextWake()
        for _ in 1...20 {
            harness.answerAll(.report(.settled))
            try harness.run()
        }
        #expect(try settled(harness) == 200)
        #expect(harness.now.duration(since: end) <= .seconds(61), "the wait for the probe and nothing else")
        for id in 1...200 as ClosedRange<Int64> { #expect(try harness.refund(id).attempts <= 2) }
    }

    @Test func openingAndClosingAreNotedOnce() throws {
        let harness = try EngineHarness { $0.gateways["default"]?.limits.maxInFlight = 16 }
        for number in 1...20 { try harness.enqueue("R-\(number)") }
        var changes: [String] = []
        func note() {
            for note in harness.cycle.notes {
                switch note {
                case .breakerOpened(let gateway, let reason): changes.append("\(gateway) opened: \(reason)")
                case .breakerClosed(let gateway): changes.append("\(gateway) closed")
                default: break
                }
            }
        }
        try harness.run()
        for outcome in [Self.down, Self.down, Self.busy, Self.down, .report(.processing), .report(.processing)] {
            harness.answerAll(outcome)
            try harness.run()
            note()
            try harness.runAtNextWake()
            note()
        }
        #expect(changes == ["default opened: no answer", "default closed"])
    }

    @Test func gatewayThatAsksForAPauseIsLeftAloneUntilItEnds() throws {
        let harness = try EngineHarness { $0.gateways["default"]?.limits.maxInFlight = 3 }
        let ids = try (1...5).map { try harness.enqueue("R-\($0)") }
        try harness.run()
        let before = try ids.map(harness.refund)
        harness.answerAll(Self.busy)
        #expect(try harness.run().queries.isEmpty)
        #expect(try breakers(harness)["default"]?.reason == "HTTP 429")
        for id in ids.prefix(3) {
            let refund = try harness.refund(id)
            #expect(refund.attempts == 0)
            #expect(refund.lastError == "HTTP 429")
            #expect(refund.lastQueryAt == harness.now)
        }
        #expect(try ids.map { try harness.refund($0).nextQueryAt } == before.map(\.nextQueryAt))
        harness.advance(by: .milliseconds(29_999))
        #expect(try harness.run().queries.isEmpty)
        harness.advance(by: .milliseconds(1))
        #expect(try harness.run().queries.count == 1, "one probe")
        harness.answerAll(.report(.processing))
        #expect(try harness.run().queries.count == 3, "then as before")
    }

    @Test func refundThatIsAlwaysTooMuchHoldsUpNoOther() throws {
        let harness = try EngineHarness { $0.gateways["default"]?.limits.maxInFlight = 4 }
        let bad = try harness.enqueue("R-0")
        for number in 1...30 { try harness.enqueue("R-\(number)") }
        try harness.run()
        for _ in 1...60 {
            for refund in harness.cycle.queries.map(\.refund) {
                harness.answerFirst(1, refund.id == bad ? Self.busy : .report(.settled))
            }
            try harness.run()
            if harness.cycle.queries.isEmpty { try harness.runAtNextWake() }
        }
        #expect(try harness.refund(bad).state == .pending)
        #expect(try settled(harness) == 30)
    }

    @Test func clockSetBackProlongsNoPause() throws {
        let harness = try EngineHarness()
        try harness.enqueue("R-1")
        try harness.run()
        harness.answerAll(.slowedDown(reason: "HTTP 503", retryAfter: .seconds(3_600)))
        try harness.run()
        harness.advance(by: .seconds(3_000))
        try harness.run()
        harness.advance(by: .zero - .seconds(1_800))
        #expect(try harness.run().queries.isEmpty)
        #expect(harness.cycle.nextWake == harness.now.advanced(by: .seconds(600)))
    }

    @Test func breakerOfADaemonThatIsGoneIsForgotten() throws {
        let harness = try down(20)
        harness.advance(by: .seconds(60))
        #expect(try harness.firstCycleAfterARestart().queries.count == 20)
        #expect(try breakers(harness).isEmpty)
    }

    @Test func breakerOfOneGatewayLeavesAnotherAlone() throws {
        let harness = try EngineHarness { settings in
            settings.gateways["other"] = settings.gateways["default"]
        }
        for number in 1...12 { try harness.enqueue("R-\(number)") }
        try harness.run()
        harness.answerAll(Self.down)
        try harness.run()
        let other = try harness.enqueue("R-1", [(name: .gateway, value: "other")])
        #expect(try harness.run().queries.map(\.refund.id) == [other])
    }

    @Test func pauseHoldsAlthoughOthersOfTheSameBatchAreAnswered() throws {
        let harness = try EngineHarness { $0.gateways["default"]?.limits.maxInFlight = 4 }
        for number in 1...8 { try harness.enqueue("R-\(number)") }
        try harness.run()
        harness.answerFirst(1, Self.busy)
        harness.answerAll(.report(.settled))
        #expect(try harness.run().queries.isEmpty)
        #expect(harness.cycle.nextWake == harness.now.advanced(by: .seconds(30)))
        #expect(try harness.runAtNextWake().queries.count == 1)
        harness.answerAll(.report(.settled))
        #expect(try harness.run().queries.count == 4)
    }

    @Test func gatewayThatMovesIsAskedAtOnceWhateverItsOldAddressAskedFor() throws {
        let harness = try down(40)
        var settings = harness.engine.settings
        try harness.engine.reconfigure(settings, at: harness.now)
        #expect(try harness.run().queries.isEmpty, "a reload alone changes nothing")
        settings.gateways["default"]?.address = "https://new.example/api/entry"
        try harness.engine.reconfigure(settings, at: harness.now)
        #expect(try harness.run().queries.count == 16)
        #expect(try breakers(harness).isEmpty)
    }
}
