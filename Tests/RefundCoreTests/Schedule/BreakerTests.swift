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

    @Test func clockSetBackDoesNotHoldUpTheProbe() {
        let breaker = opened()
        let earlier = start.advanced(by: .zero - .seconds(3_600))
        #expect(breaker.nextProbe(at: earlier) == earlier)
    }
}
