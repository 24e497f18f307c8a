import RefundCore
import RefundStore
import Testing

@testable import RefundScheduler

/// A gateway that is down, or asks to be queried less.
struct SchedulerOutageTests {
    private let harness: SchedulerHarness

    init() throws {
        harness = try SchedulerHarness { $0 = $0.limited(inFlight: 16) }
    }

    /// Lets the gateway be found down by sixteen queries, with more refunds waiting.
    private func goDown(_ refunds: Int) throws {
        try harness.enqueue(refunds)
        #expect(try harness.run().queries.count == 16)
        harness.endQueries(.unreachable)
        #expect(try harness.run().queries.isEmpty)
    }

    private func breaker() throws -> OpenBreaker? {
        try harness.status().breakers["default"]
    }

    @Test func runOfFailuresStopsAllButProbes() throws {
        try goDown(40)
        let open = try #require(try breaker())
        #expect(open.since == harness.now)
        #expect(open.reason == "no answer")
        for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
            #expect(harness.decision.nextWake == harness.now.advanced(by: .seconds(seconds)))
            #expect(try harness.runAtNextWake().queries.count == 1)
            #expect(try harness.run().queries.isEmpty, "one at a time")
            harness.endQueries(.unreachable)
            #expect(try harness.run().queries.isEmpty)
        }
        let last = try #require(try breaker())
        #expect((last.since, last.reason) == (open.since, open.reason), "it opened once")
    }

    @Test func failedProbeUsesUpNoBackoff() throws {
        try goDown(40)
        harness.advance(by: .seconds(1))
        let id = try #require(try harness.run().queries.first?.refund.id)
        var expected = try harness.refund(id)
        harness.advance(by: .seconds(3))
        harness.endQueries(.unreachable)
        try harness.run()
        expected.lastQueryAt = harness.now
        expected.lastError = "no answer"
        expected.updatedAt = harness.now
        #expect(try harness.refund(id) == expected)
    }

    @Test func everyRefundTakesItsTurnAsAProbe() throws {
        try goDown(20)
        harness.advance(by: .seconds(3_600))
        var probed: [Int64] = []
        while probed.count < 20 {
            probed += try harness.runAtNextWake().queries.map(\.refund.id)
            harness.endQueries(.unreachable)
            try harness.run()
        }
        #expect(Set(probed).count == 20)
    }

    @Test(arguments: [QueryOutcome.report(.processing), .notFound, .inconclusive, .unverified])
    func anyAnswerLetsAllBeQueriedAgain(outcome: QueryOutcome) throws {
        try goDown(40)
        try harness.runAtNextWake()
        harness.endQueries(outcome)
        try harness.run()
        try harness.run()
        #expect(harness.queries.count == 16)
        #expect(try breaker() == nil)
    }

    @Test func afterAnOutageAllSettleWithFewAttempts() throws {
        try goDown(200)
        for _ in 1...40 {
            try harness.runAtNextWake()
            harness.endQueries(.unreachable)
            try harness.run()
        }
        let end = harness.now
        try harness.runAtNextWake()
        for _ in 1...40 {
            harness.endQueries(.report(.settled))
            try harness.run()
        }
        #expect(try harness.status().states[.settled] == 200)
        #expect(harness.now.duration(since: end) <= .seconds(61), "the wait for the probe and nothing else")
        for id in 1...200 as ClosedRange<Int64> { #expect(try harness.refund(id).attempts <= 2) }
    }

    @Test func orderThatIsAlwaysLimitedDelaysNoOther() throws {
        let bad = try harness.enqueue("R-0")
        try harness.enqueue(30)
        let start = harness.now
        for _ in 1...10 where try harness.status().states[.settled] != 30 {
            try harness.run()
            harness.endQueries { $0.id == bad ? .busy : .report(.settled) }
            try harness.run()
        }
        #expect(try harness.status().states[.settled] == 30)
        #expect(harness.now == start, "without any wait")
        #expect(try harness.refund(bad).state == .pending)
    }

    @Test func breakerOfADaemonThatIsGoneIsForgotten() throws {
        try goDown(20)
        harness.advance(by: .seconds(60))
        #expect(try harness.restart().queries.count == 16)
        #expect(try breaker() == nil)
    }

    @Test func breakerOfOneGatewayLeavesAnotherAlone() throws {
        try harness.apply { $0.gateways["other"] = $0.gateways["default"] }
        try goDown(20)
        let other = try harness.enqueue("R-1", [(name: .gateway, value: "other")])
        #expect(try harness.run().queries.map(\.refund.id) == [other])
    }

    @Test func gatewayThatMovesIsQueriedAtOnce() throws {
        try goDown(40)
        try harness.apply { $0.gateways["default"]?.address = "https://new.example/api/entry" }
        #expect(try harness.run().queries.count == 16)
        #expect(try breaker() == nil)
    }

    @Test func probesKeepTheRateToo() throws {
        try harness.apply { $0 = $0.limited(rate: 0.05) }
        try harness.enqueue(3)
        try harness.query(.refusal)
        var last = harness.now
        for _ in 1...5 {
            try harness.runAtNextWake()
            while harness.queries.isEmpty { try harness.runAtNextWake() }
            #expect(harness.queries.count == 1)
            #expect(harness.now.duration(since: last) >= .seconds(20))
            last = harness.now
            harness.endQueries(.refusal)
            try harness.run()
        }
    }
}
