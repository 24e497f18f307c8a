import RefundCore
import Testing

struct RateLimitTests {
    static let rates = [0.1, 0.5, 0.9, 1, 1.5, 2, 3.7, 20, 20.5, 999, 1_000, 1_001, 1_500, 3_000]

    /// Takes every permit that is free at ever later times, in steps of up to `step` milliseconds, for some seconds.
    private func grants(
        _ limit: inout RateLimit,
        _ random: inout SplitMix64,
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
        var random = SplitMix64(seed: UInt64(rate * 10) + UInt64(step))
        var limit = RateLimit(perSecond: rate)
        // High rates show what they do within a few seconds.
        let seconds: Int64 = rate > 100 ? 4 : 30
        let times = grants(&limit, &random, from: 1_790_000_000_000, step: step, seconds: seconds)
        #expect(mostInOneSecond(times) <= max(1, Int(rate)))
        #expect(Double(times.count) <= rate * Double(seconds) + max(1, rate), "nor more in the long run")
    }

    @Test(arguments: rates)
    func frequentRequestsGetTheWholeRate(rate: Double) {
        var random = SplitMix64(seed: 7)
        var limit = RateLimit(perSecond: rate)
        let seconds: Int64 = rate > 100 ? 4 : 30
        let times = grants(&limit, &random, from: 0, step: 4, seconds: seconds)
        #expect(times.count >= Int(Double(seconds) * (rate < 1 ? rate : rate.rounded(.down)) * 0.95))
    }

    @Test(arguments: rates, 0..<2 as Range<UInt64>)
    func nextPermitIsTheFirstMomentOneIsFree(rate: Double, seed: UInt64) {
        var random = SplitMix64(seed: seed)
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

    @Test func burstIsServedAtOnceAndThenWaitsForTheWindow() {
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
    func clockSetBackHoldsNothingUp(taken: Int) {
        var limit = RateLimit(perSecond: 5)
        for _ in 0..<taken { limit.take(at: enqueued) }
        limit.clockSetBack(by: hours(24))
        let back = enqueued.advanced(by: hours(-24))
        #expect(limit.freePermits(at: back) == max(5 - taken, 0), "nor does a new second begin")
        #expect(limit.nextPermit(at: back) == (taken < 5 ? back : back.advanced(by: .seconds(1))))
        #expect(limit.freePermits(at: back.advanced(by: .seconds(1))) == 5)
    }

    @Test(arguments: [1, 5, 7, 20, 400], [1.0, 3, 5, 20, 0.5])
    func changedRateCountsWhatTheLastSecondSaw(taken: Int, rate: Double) {
        var limit = RateLimit(perSecond: 5)
        var now = enqueued
        for _ in 0..<taken {
            now = limit.nextPermit(at: now)
            limit.take(at: now)
        }
        let inTheLastSecond = taken % 5 == 0 ? 5 : taken % 5
        limit.change(perSecond: rate)
        #expect(limit.freePermits(at: now) == max(0, max(1, Int(rate)) - inTheLastSecond))
        let window = now.advanced(by: .seconds(rate < 1 ? 1 / rate : 1))
        #expect(limit.nextPermit(at: now) == (limit.freePermits(at: now) > 0 ? now : window))
        #expect(limit.freePermits(at: window) == max(1, Int(rate)))
    }

    @Test func noSecondSeesMoreThanTheGreaterRateWhileTheRateChanges() {
        var random = SplitMix64(seed: 11)
        var limit = RateLimit(perSecond: 10)
        var times: [Int64] = []
        for round in 0..<200 {
            limit.change(perSecond: [10, 3, 7, 1][round % 4])
            let from = 1_790_000_000_000 + Int64(round) * 130
            for time in stride(from: from, to: from + 130, by: 10) {
                let now = Timestamp(milliseconds: time)
                for _ in 0..<min(limit.freePermits(at: now), Int.random(in: 0...3, using: &random)) {
                    limit.take(at: now)
                    times.append(time)
                }
            }
        }
        #expect(mostInOneSecond(times) <= 10)
    }

    @Test func limitHoldsAgainAfterAClockWasSetBack() {
        var random = SplitMix64(seed: 3)
        var limit = RateLimit(perSecond: 5)
        let before = grants(&limit, &random, from: 1_790_000_000_000, step: 100)
        limit.clockSetBack(by: .milliseconds((before.last ?? 0) - 1_780_000_000_000))
        let times = grants(&limit, &random, from: 1_780_000_000_000, step: 100)
        let shifted = before.map { $0 - (before.last ?? 0) + 1_780_000_000_000 }
        #expect(mostInOneSecond(shifted + times) == 5, "over the step as well")
        #expect(times.count >= 130)
    }

    @Test func permitsCountFromWhenTheyAreUsed() {
        var limit = RateLimit(perSecond: 4)
        for _ in 0..<3 { limit.take(at: enqueued) }
        let used = enqueued.advanced(by: .milliseconds(900))
        limit.restamp(2, at: used)
        #expect(limit.freePermits(at: enqueued.advanced(by: .seconds(1))) == 2, "only the first has passed")
        limit.take(at: enqueued.advanced(by: .seconds(1)))
        limit.take(at: enqueued.advanced(by: .seconds(1)))
        #expect(limit.nextPermit(at: enqueued.advanced(by: .seconds(1))) == used.advanced(by: .seconds(1)))
    }

    @Test(arguments: [0, 1, 5, 100])
    func restampingMorePermitsThanThereAreTrapsNothing(count: Int) {
        var limit = RateLimit(perSecond: 4)
        limit.restamp(count, at: enqueued)
        limit.take(at: enqueued)
        limit.restamp(count, at: enqueued.advanced(by: .seconds(-1)))
        #expect(limit.freePermits(at: enqueued) == 3, "no permit moves to an earlier time")
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
