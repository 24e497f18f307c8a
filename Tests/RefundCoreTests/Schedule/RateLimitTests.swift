import RefundCore
import RefundTestSupport
import Testing

struct RateLimitTests {
    static let rates = [0.1, 0.5, 0.9, 1, 1.5, 2, 3.7, 20, 20.5, 999, 1_000, 1_001, 1_500, 3_000]

    /// Takes every permit that is free at ever later times, in steps of up to `step` milliseconds, for some seconds.
    private func grants(
        _ limit: inout RateLimit,
        _ random: inout SeededRandom,
        from: Int64,
        step: Int64,
        seconds: Int64 = 30
    ) -> [Int64] {
        var now = from
        var times: [Int64] = []
        while now < from + seconds * 1_000 {
            let time = Timestamp(milliseconds: now)
            for _ in 0..<limit.freePermits(at: time) {
                limit.take(at: time)
                times.append(now)
            }
            now += Int64.random(in: 1...step, using: &random)
        }
        return times
    }

    private func mostInOneSecond(_ times: [Int64]) -> Int {
        var most = 0
        var first = 0
        for (index, time) in times.enumerated() {
            while times[first] <= time - 1_000 { first += 1 }
            most = max(most, index - first + 1)
        }
        return most
    }

    @Test(arguments: rates, [9, 40, 400, 3_000] as [Int64])
    func noSecondSeesMoreThanTheRate(rate: Double, step: Int64) {
        var random = SeededRandom(seed: UInt64(rate * 10) + UInt64(step))
        var limit = RateLimit(perSecond: rate)
        // High rates show what they do within a few seconds.
        let seconds: Int64 = rate > 100 ? 4 : 30
        let times = grants(&limit, &random, from: 1_790_000_000_000, step: step, seconds: seconds)
        #expect(mostInOneSecond(times) <= max(1, Int(rate)))
        #expect(Double(times.count) <= rate * Double(seconds) + max(1, rate), "nor is it more in the long run")
    }

    @Test(arguments: rates)
    func whoeverAsksOftenGetsTheWholeRate(rate: Double) {
        var random = SeededRandom(seed: 7)
        var limit = RateLimit(perSecond: rate)
        let seconds: Int64 = rate > 100 ? 4 : 30
        let times = grants(&limit, &random, from: 0, step: 4, seconds: seconds)
        #expect(times.count >= Int(Double(seconds) * (rate < 1 ? rate : rate.rounded(.down)) * 0.95))
    }

    @Test(arguments: rates, 0..<2 as Range<UInt64>)
    func theNextPermitIsTheFirstMomentOneIsFree(rate: Double, seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var limit = RateLimit(perSecond: rate)
        var now = Timestamp(milliseconds: 1_790_000_000_000)
        for _ in 0..<300 {
            let next = limit.nextPermit(at: now)
            #expect(next >= now)
            #expect((next == now) == (limit.freePermits(at: now) > 0))
            if next > now { #expect(limit.freePermits(at: next.advanced(by: .milliseconds(-1))) == 0) }
            #expect(limit.freePermits(at: next) > 0)
            limit.take(at: next)
            now = next.advanced(by: .milliseconds(Int64.random(in: 0...200, using: &random)))
        }
    }

    @Test func aBurstIsServedAtOnceAndThenWaitsForTheWindow() {
        var limit = RateLimit(perSecond: 20)
        #expect(limit.freePermits(at: enqueued) == 20)
        for _ in 0..<20 { limit.take(at: enqueued) }
        #expect(limit.freePermits(at: enqueued) == 0)
        #expect(limit.nextPermit(at: enqueued) == enqueued.advanced(by: .seconds(1)))
        #expect(limit.freePermits(at: enqueued.advanced(by: .seconds(1))) == 20)
    }

    @Test func halfAPermitPerSecondIsOneInTwo() {
        var limit = RateLimit(perSecond: 0.5)
        limit.take(at: enqueued)
        #expect(limit.nextPermit(at: enqueued) == enqueued.advanced(by: .seconds(2)))
    }

    @Test(arguments: [1, 5, 100])
    func aClockSetBackHoldsNothingUp(taken: Int) {
        var limit = RateLimit(perSecond: 5)
        for _ in 0..<taken { limit.take(at: enqueued) }
        let back = enqueued.advanced(by: hours(-24))
        #expect(limit.nextPermit(at: back) == back)
        #expect(limit.freePermits(at: back) == 5)
    }

    @Test func theLimitHoldsAgainAfterAClockWasSetBack() {
        var random = SeededRandom(seed: 3)
        var limit = RateLimit(perSecond: 5)
        _ = grants(&limit, &random, from: 1_790_000_000_000, step: 100)
        let times = grants(&limit, &random, from: 1_780_000_000_000, step: 100)
        #expect(mostInOneSecond(times) == 5)
        #expect(times.count >= 140)
    }

    @Test(arguments: [.leastNonzeroMagnitude, 1e-300, 1e18, .greatestFiniteMagnitude, .infinity, .nan, 0, -1])
    func noRateTraps(rate: Double) {
        var limit = RateLimit(perSecond: rate)
        #expect(limit.freePermits(at: enqueued) >= 1)
        limit.take(at: enqueued)
        for now in [Timestamp(milliseconds: .min), enqueued, Timestamp(milliseconds: .max)] {
            #expect(limit.nextPermit(at: now) >= now)
            #expect(limit.freePermits(at: now) >= 0)
        }
    }
}
