import RefundCore
import Testing

@testable import RefundDaemon

/// `max_queries_per_second` and `max_in_flight`, whatever happens to configuration, gateway and clock.
struct EngineLimitTests {
    private func harness(rate: Double, inFlight: Int = 1_000, refunds: Int = 120) throws -> EngineHarness {
        let harness = try EngineHarness { $0.set(rate: rate, inFlight: inFlight) }
        for number in 1...refunds { try harness.enqueue("R-\(number)") }
        return harness
    }

    @Test(arguments: [(10.0, 0), (12, 2), (100, 90), (5, 0), (0.1, 0)])
    func reloadWithAnotherRateBeginsNoNewSecond(rate: Double, free: Int) throws {
        let harness = try harness(rate: 10)
        #expect(try harness.run().queries.count == 10)
        var settings = EngineHarness.settings
        settings.set(rate: rate, inFlight: 2_000)
        try harness.engine.reconfigure(settings, at: harness.now)
        var sent = 0
        while case let queries = try harness.run().queries, !queries.isEmpty { sent += queries.count }
        #expect(sent == free)
    }

    @Test func reloadWithFewerPlacesSendsNothingUntilEnoughHaveEnded() throws {
        let harness = try harness(rate: 10_000, inFlight: 16)
        #expect(try harness.run().queries.count == 16)
        var settings = EngineHarness.settings
        settings.set(rate: 10_000, inFlight: 4)
        try harness.engine.reconfigure(settings, at: harness.now)
        harness.answerFirst(12, .report(.settled))
        #expect(try harness.run().queries.isEmpty)
        harness.answerFirst(1, .report(.settled))
        #expect(try harness.run().queries.count == 1)
    }

    @Test func clockSetBackNeitherStallsNorBeginsANewSecond() throws {
        let harness = try harness(rate: 4)
        #expect(try harness.run().queries.count == 4)
        harness.advance(by: .milliseconds(600) - .seconds(3_600))
        #expect(try harness.run().queries.isEmpty)
        let wake = try #require(harness.cycle.nextWake)
        #expect(wake.duration(since: harness.now) <= .seconds(1))
        #expect(try harness.runAtNextWake().queries.count == 4)
    }

    @Test func probesKeepTheRateToo() throws {
        let harness = try harness(rate: 0.05, refunds: 3)
        try harness.run()
        harness.answerAll(.refusal)
        for _ in 1...5 {
            let last = harness.now
            try harness.run()
            #expect(try harness.runAtNextWake().queries.count == 1)
            #expect(harness.now.duration(since: last) >= .seconds(20))
            harness.answerAll(.refusal)
        }
    }
}

extension EngineSettings {
    fileprivate mutating func set(rate: Double, inFlight: Int) {
        gateways["default"]?.limits.maxQueriesPerSecond = rate
        gateways["default"]?.limits.maxInFlight = inFlight
    }
}
