import RefundCore
import Testing

struct CircuitBreakerTests {
    private let start = Timestamp(milliseconds: 1_700_000_000_000)

    private func opened() -> CircuitBreaker {
        var breaker = CircuitBreaker()
        for _ in 1...CircuitBreaker.threshold { _ = breaker.failed("no answer", at: start) }
        return breaker
    }

    @Test func opensAfterARunOfFailures() {
        var breaker = CircuitBreaker()
        for _ in 1..<CircuitBreaker.threshold { #expect(breaker.failed("no answer", at: start) == .none) }
        #expect(breaker.nextProbe(at: start) == nil)
        #expect(breaker.failed("no answer", at: start) == .opened)
        #expect(breaker.openSince == start)
        #expect(breaker.reason == "no answer")
        #expect(breaker.nextProbe(at: start) == start.advanced(by: CircuitBreaker.firstInterval))
    }

    @Test func successEndsARunOfFailures() {
        var breaker = CircuitBreaker()
        for _ in 1..<CircuitBreaker.threshold { _ = breaker.failed("no answer", at: start) }
        #expect(breaker.succeeded() == .none)
        #expect(breaker.failed("no answer", at: start) == .none)
    }

    @Test func eachFailedProbeDoublesTheWaitUpToTheLongest() {
        var breaker = opened()
        var now = start
        for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
            #expect(breaker.nextProbe(at: now) == now.advanced(by: .seconds(seconds)))
            now = now.advanced(by: .seconds(seconds))
            breaker.probed(at: now)
            #expect(breaker.failed("no answer", at: now) == .none)
        }
    }

    @Test func failureOfAnEarlierRequestDoesNotLengthenTheWait() {
        var breaker = opened()
        _ = breaker.failed("no answer", at: start)
        #expect(breaker.nextProbe(at: start) == start.advanced(by: CircuitBreaker.firstInterval))
    }

    @Test func successClosesTheBreakerAndForgetsTheRun() {
        var breaker = opened()
        #expect(breaker.succeeded() == .closed)
        #expect(breaker == CircuitBreaker())
    }

    @Test func interruptedProbeIsRepeatedAtOnceWithoutALongerWait() {
        var breaker = opened()
        let now = start.advanced(by: .seconds(1))
        breaker.probed(at: now)
        breaker.probeInterrupted(at: now)
        #expect(breaker.nextProbe(at: now) == now)
        breaker.probed(at: now)
        _ = breaker.failed("no answer", at: now)
        #expect(breaker.nextProbe(at: now) == now.advanced(by: .seconds(2)))
    }

    @Test func interruptionOfAnEarlierRequestBringsNoProbeForward() {
        var breaker = opened()
        breaker.probeInterrupted(at: start)
        #expect(breaker.nextProbe(at: start) == start.advanced(by: CircuitBreaker.firstInterval))
    }

    @Test func probeMayBeAskedForAtOnce() {
        var breaker = opened()
        breaker.probeNow()
        #expect(breaker.nextProbe(at: start).map { $0 <= start } == true)
        var closed = CircuitBreaker()
        closed.probeNow()
        #expect(closed.nextProbe(at: start) == nil)
    }

    // MARK: - Pauses

    @Test(
        arguments: [
            (nil, 1), (0, 1), (1, 1), (30, 30), (120, 120), (3_600, 3_600), (86_400, 3_600),
        ] as [(Int?, Int)]
    )
    func requestedPauseOpensTheBreakerAtOnceWithinBounds(asked: Int?, granted: Int) {
        var breaker = CircuitBreaker()
        #expect(breaker.paused(for: asked.map { .seconds($0) }, "HTTP 429", at: start) == .opened)
        #expect(breaker.openSince == start)
        #expect(breaker.nextProbe(at: start) == start.advanced(by: .seconds(granted)))
        let end = start.advanced(by: .seconds(granted))
        breaker.probed(at: end)
        #expect(breaker.succeeded() == .closed)
        #expect(breaker.nextProbe(at: end) == nil)
    }

    @Test func longestOfSeveralPausesCounts() {
        var breaker = CircuitBreaker()
        _ = breaker.paused(for: .seconds(10), "HTTP 429", at: start)
        #expect(breaker.paused(for: .seconds(30), "HTTP 429", at: start) == .none)
        #expect(breaker.paused(for: nil, "HTTP 429", at: start) == .none)
        #expect(breaker.paused(for: .seconds(10), "HTTP 429", at: start) == .none)
        #expect(breaker.failed("no answer", at: start) == .none)
        #expect(breaker.nextProbe(at: start) == start.advanced(by: .seconds(30)))
        #expect(breaker.openSince == start)
    }

    @Test func pauseRequestedOfAProbeDoublesTheShortestWait() {
        var breaker = CircuitBreaker()
        _ = breaker.paused(for: nil, "HTTP 429", at: start)
        var now = start
        for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
            #expect(breaker.nextProbe(at: now) == now.advanced(by: .seconds(seconds)))
            now = now.advanced(by: .seconds(seconds))
            breaker.probed(at: now)
            #expect(breaker.paused(for: .seconds(seconds / 2), "HTTP 429", at: now) == .none)
        }
    }

    @Test func failureAfterAPauseContinuesWithTheOrdinaryWaits() {
        var breaker = CircuitBreaker()
        _ = breaker.paused(for: .seconds(600), "HTTP 429", at: start)
        let end = start.advanced(by: .seconds(600))
        breaker.probed(at: end)
        _ = breaker.failed("no answer", at: end)
        #expect(breaker.nextProbe(at: end) == end.advanced(by: .seconds(2)))
    }

    @Test func onlyAProbeEndsAPause() {
        var breaker = CircuitBreaker()
        #expect(breaker.paused(for: .seconds(600), "HTTP 429", at: start) == .opened)
        #expect(breaker.succeeded() == .none)
        #expect(breaker.nextProbe(at: start) == start.advanced(by: .seconds(600)))
        breaker.probed(at: start.advanced(by: .seconds(600)))
        #expect(breaker.succeeded() == .closed)
    }

    // MARK: - Incidents

    @Test func incidentIsProbedAtAFixedInterval() {
        var breaker = CircuitBreaker()
        #expect(breaker.tripped(every: .seconds(15), "bad sign", at: start) == .opened)
        var now = start
        for _ in 1...20 {
            #expect(breaker.nextProbe(at: now) == now.advanced(by: .seconds(15)))
            now = now.advanced(by: .seconds(15))
            breaker.probed(at: now)
            #expect(breaker.failed("bad sign", at: now) == .none)
        }
        #expect(breaker.openSince == start)
        #expect(breaker.succeeded() == .closed)
    }

    @Test func incidentSlowsAnOpenBreakerDownToItsInterval() {
        var breaker = opened()
        let now = start.advanced(by: .seconds(1))
        breaker.probed(at: now)
        #expect(breaker.tripped(every: .seconds(15), "bad sign", at: now) == .none)
        #expect(breaker.nextProbe(at: now) == now.advanced(by: .seconds(15)))
        #expect(breaker.openSince == start)
    }

    // MARK: - The clock

    @Test func clockSetBackProlongsNoPause() {
        var breaker = CircuitBreaker()
        _ = breaker.paused(for: .seconds(3_600), "HTTP 429", at: start)
        let now = start.advanced(by: .seconds(3_000))
        let back = now.advanced(by: .zero - .seconds(1_800))
        breaker.clockSetBack(by: .seconds(1_800))
        #expect(breaker.nextProbe(at: back) == back.advanced(by: .seconds(600)))
    }

    @Test func unnoticedClockStepDelaysNoProbe() {
        let breaker = opened()
        let earlier = start.advanced(by: .zero - .seconds(3_600))
        #expect(breaker.nextProbe(at: earlier) == earlier)
    }
}
