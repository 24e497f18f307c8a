import RefundCore
import Testing

struct BreakerTests {
    private let start = Timestamp(milliseconds: 1_700_000_000_000)

    private func opened() -> Breaker {
        var breaker = Breaker()
        for _ in 1...Breaker.threshold { _ = breaker.failed(at: start) }
        return breaker
    }

    @Test func opensOnlyAfterARunOfFaults() {
        var breaker = Breaker()
        for _ in 1..<Breaker.threshold { #expect(breaker.failed(at: start) == .none) }
        #expect(breaker.nextProbe(at: start) == nil)
        #expect(breaker.failed(at: start) == .opened)
        #expect(breaker.openSince == start)
        #expect(breaker.nextProbe(at: start) == start.advanced(by: Breaker.firstInterval))
    }

    @Test func successBetweenFaultsBeginsTheRunAnew() {
        var breaker = Breaker()
        for _ in 1..<Breaker.threshold { _ = breaker.failed(at: start) }
        #expect(breaker.succeeded() == .none)
        #expect(breaker.failed(at: start) == .none)
    }

    @Test func eachFailedProbeDoublesTheWaitUpToTheLongest() {
        var breaker = opened()
        var now = start
        for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
            #expect(breaker.nextProbe(at: now) == now.advanced(by: .seconds(seconds)))
            now = now.advanced(by: .seconds(seconds))
            breaker.probed(at: now)
            #expect(breaker.failed(at: now) == .none)
        }
    }

    @Test func faultOfWhatWasUnderWayWhenItOpenedDoesNotLengthenTheWait() {
        var breaker = opened()
        _ = breaker.failed(at: start)
        #expect(breaker.nextProbe(at: start) == start.advanced(by: Breaker.firstInterval))
    }

    @Test func successClosesItAndForgetsTheRun() {
        var breaker = opened()
        #expect(breaker.succeeded() == .closed)
        #expect(breaker == Breaker())
    }

    @Test(
        arguments: [
            (nil, 1), (0, 1), (1, 1), (30, 30), (120, 120), (3_600, 3_600), (86_400, 3_600),
        ] as [(Int?, Int)]
    )
    func pauseThatIsAskedForOpensItAtOnceWithinBounds(asked: Int?, granted: Int) {
        var breaker = Breaker()
        #expect(breaker.paused(for: asked.map { .seconds($0) }, at: start) == .opened)
        #expect(breaker.openSince == start)
        #expect(breaker.nextProbe(at: start) == start.advanced(by: .seconds(granted)))
        let end = start.advanced(by: .seconds(granted))
        breaker.probed(at: end)
        #expect(breaker.succeeded() == .closed)
        #expect(breaker.nextProbe(at: end) == nil)
    }

    @Test func ofSeveralPausesTheLongestStands() {
        var breaker = Breaker()
        _ = breaker.paused(for: .seconds(10), at: start)
        #expect(breaker.paused(for: .seconds(30), at: start) == .none)
        #expect(breaker.paused(for: nil, at: start) == .none)
        #expect(breaker.paused(for: .seconds(10), at: start) == .none)
        #expect(breaker.failed(at: start) == .none)
        #expect(breaker.nextProbe(at: start) == start.advanced(by: .seconds(30)))
        #expect(breaker.openSince == start)
    }

    @Test func probeThatIsAskedToWaitDoublesTheShortestWait() {
        var breaker = Breaker()
        _ = breaker.paused(for: nil, at: start)
        var now = start
        for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
            #expect(breaker.nextProbe(at: now) == now.advanced(by: .seconds(seconds)))
            now = now.advanced(by: .seconds(seconds))
            breaker.probed(at: now)
            #expect(breaker.paused(for: .seconds(seconds / 2), at: now) == .none)
        }
    }

    @Test func faultsAfterAPauseGoOnWithTheOrdinaryWaits() {
        var breaker = Breaker()
        _ = breaker.paused(for: .seconds(600), at: start)
        let end = start.advanced(by: .seconds(600))
        breaker.probed(at: end)
        _ = breaker.failed(at: end)
        #expect(breaker.nextProbe(at: end) == end.advanced(by: .seconds(2)))
    }

    @Test func clockSetBackWhileItIsOpenProlongsNoPause() {
        var breaker = Breaker()
        _ = breaker.paused(for: .seconds(3_600), at: start)
        let now = start.advanced(by: .seconds(3_000))
        let back = now.advanced(by: .zero - .seconds(1_800))
        breaker.clockSetBack(by: .seconds(1_800))
        #expect(breaker.nextProbe(at: back) == back.advanced(by: .seconds(600)))
    }

    @Test func clockSetBackDoesNotHoldUpTheProbe() {
        let breaker = opened()
        let earlier = start.advanced(by: .zero - .seconds(3_600))
        #expect(breaker.nextProbe(at: earlier) == earlier)
    }

    @Test func pauseIsEndedByAProbeAndNotByWhatWasUnderWayWhenItWasAskedFor() {
        var breaker = Breaker()
        #expect(breaker.paused(for: .seconds(600), at: start) == .opened)
        #expect(breaker.succeeded() == .none)
        #expect(breaker.nextProbe(at: start) == start.advanced(by: .seconds(600)))
        breaker.probed(at: start.advanced(by: .seconds(600)))
        #expect(breaker.succeeded() == .closed)
    }
}
