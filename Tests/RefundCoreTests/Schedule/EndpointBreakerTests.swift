import RefundCore
import Testing

/// The circuit breaker of an endpoint.
struct EndpointBreakerTests {
    private let start = Timestamp(milliseconds: 1_800_000_000_000)
    private let endpoint = "https://shop.example:443"

    private func later(_ seconds: Int) -> Timestamp { start.advanced(by: .seconds(seconds)) }

    /// Makes one attempt after the other, each for another webhook.
    private func fail(
        _ limiter: inout EndpointLimiter,
        _ endpoint: String,
        times: Int = CircuitBreaker.threshold,
        status: Int? = 500
    ) -> [CircuitBreaker.Change] {
        (0..<times).map { number in
            limiter.started(endpoint, at: start)
            return limiter.ended(endpoint, "msg_\(number)", .test(status: status), at: start)
        }
    }

    private func opened() -> EndpointLimiter {
        var limiter = EndpointLimiter(capacity: 16)
        #expect(fail(&limiter, endpoint).last == .opened)
        return limiter
    }

    @Test(arguments: [nil, 500, 503, 429, 404, 302])
    func failuresOfSeveralWebhooksInARowOpenTheBreaker(status: Int?) {
        var limiter = EndpointLimiter(capacity: 16)
        let changes = fail(&limiter, endpoint, status: status)
        #expect(changes == Array(repeating: .none, count: CircuitBreaker.threshold - 1) + [.opened])
        #expect(limiter.isOpen(endpoint))
        #expect(!limiter.isOpen("https://other.example:443"))
        #expect(limiter.free(for: "https://other.example:443", at: start) == 2)
    }

    @Test func successEndsARunOfFailures() {
        var limiter = EndpointLimiter(capacity: 16)
        _ = fail(&limiter, endpoint, times: CircuitBreaker.threshold - 1)
        limiter.started(endpoint, at: start)
        #expect(limiter.ended(endpoint, "good", .test(status: 200), at: start) == .none)
        _ = fail(&limiter, endpoint, times: CircuitBreaker.threshold - 1)
        #expect(!limiter.isOpen(endpoint))
    }

    @Test func goneURLIsNoFailureOfItsEndpoint() {
        var limiter = EndpointLimiter(capacity: 16)
        let changes = fail(&limiter, endpoint, times: 3 * CircuitBreaker.threshold, status: 410)
        #expect(changes.allSatisfy { $0 == .none })
        #expect(limiter.free(for: endpoint, at: start) == 2, "as before the first of them")
    }

    @Test func webhookThatFailsAloneOpensNoBreaker() {
        var limiter = EndpointLimiter(capacity: 16)
        for _ in 0..<100 {
            limiter.started(endpoint, at: start)
            #expect(limiter.ended(endpoint, "msg_lone", .test(status: 500), at: start) == .none)
            #expect(limiter.free(for: endpoint, at: start) == 1)
            #expect(limiter.nextProbe(of: endpoint, at: start) == nil)
        }
    }

    @Test func openBreakerLetsOneProbeThroughAtGrowingIntervals() {
        var limiter = opened()
        #expect(limiter.free(for: endpoint, at: start) == 0)
        #expect(limiter.nextProbe(of: endpoint, at: start) == later(1))
        #expect(limiter.free(for: endpoint, at: later(1)) == 1)
        limiter.started(endpoint, at: later(1))
        #expect(limiter.free(for: endpoint, at: later(3_600)) == 0, "the probe is still in flight")
        // Even of the same webhook as before: a probe speaks for its endpoint.
        #expect(limiter.ended(endpoint, "msg_9", .test(status: nil), at: later(2)) == .none)
        #expect(limiter.nextProbe(of: endpoint, at: later(2)) == later(4))
        #expect(limiter.free(for: endpoint, at: later(3)) == 0)
        #expect(limiter.free(for: endpoint, at: later(4)) == 1)
    }

    @Test func deliveredProbeClosesTheBreaker() {
        var limiter = opened()
        limiter.started(endpoint, at: later(1))
        #expect(limiter.ended(endpoint, "msg", .test(status: 204), at: later(1)) == .closed)
        #expect(!limiter.isOpen(endpoint))
        #expect(limiter.free(for: endpoint, at: later(1)) == 12)
        #expect(limiter.nextProbe(of: endpoint, at: later(1)) == nil)
    }

    @Test func interruptedProbeIsFollowedByAnotherAtOnce() {
        var limiter = opened()
        limiter.started(endpoint, at: later(1))
        limiter.interrupted(endpoint, at: later(2))
        #expect(limiter.isOpen(endpoint))
        #expect(limiter.free(for: endpoint, at: later(2)) == 1)
    }

    @Test(arguments: [429, 503], [nil, .seconds(30)] as [Duration?])
    func retryAfterOfOneURLPausesNoOtherOfItsEndpoint(status: Int, retryAfter: Duration?) {
        var limiter = EndpointLimiter(capacity: 16)
        limiter.started(endpoint, count: 2, at: start)
        _ = limiter.ended(endpoint, "a", .test(status: status, retryAfter: retryAfter), at: start)
        _ = limiter.ended(endpoint, "b", .test(status: 200), at: start)
        #expect(limiter.nextProbe(of: endpoint, at: start) == nil)
        #expect(limiter.free(for: endpoint, at: start) == 12)
    }

    @Test func unnoticedClockStepDelaysNoProbe() {
        let limiter = opened()
        #expect(limiter.free(for: endpoint, at: later(-3_600)) == 1)
    }

    @Test func clockSetBackMovesTheProbe() {
        var limiter = opened()
        limiter.clockSetBack(by: .seconds(30))
        #expect(limiter.nextProbe(of: endpoint, at: later(-30)) == later(-29))
    }

    // MARK: - Other daemons

    @Test func breakerOfAnotherDaemonIsTakenOver() {
        var limiter = EndpointLimiter(capacity: 16)
        #expect(limiter.adopt(endpoint, nil, at: start) == .none)
        #expect(limiter.adopt(endpoint, (start, "down", later(8)), at: start) == .opened)
        #expect(limiter.opening(of: endpoint)?.reason == "down")
        #expect(limiter.free(for: endpoint, at: later(7)) == 0)
        #expect(limiter.adopt(endpoint, (start, "down", later(8)), at: later(8)) == .none)
        #expect(limiter.free(for: endpoint, at: later(8)) == 1)
        // It goes on where the others are: the wait doubles from 8 s.
        limiter.started(endpoint, at: later(8))
        #expect(limiter.adopt(endpoint, nil, at: later(8)) == .none, "its own probe is in flight")
        _ = limiter.ended(endpoint, "m", .test(status: 500), at: later(9))
        #expect(limiter.nextProbe(of: endpoint, at: later(9)) == later(25))
        #expect(limiter.adopt(endpoint, nil, at: later(10)) == .closed)
        #expect(!limiter.isOpen(endpoint))
    }

    @Test func probeThatEndedWithoutAResultIsRepeatedAlthoughItIsOnRecord() {
        var limiter = opened()
        #expect(limiter.adopt(endpoint, (start, "down", later(1)), at: start) == .none)
        limiter.started(endpoint, at: later(1))
        _ = limiter.adopt(endpoint, (start, "down", later(2)), at: later(1))
        limiter.interrupted(endpoint, at: later(1))
        _ = limiter.adopt(endpoint, (start, "down", later(2)), at: later(1))
        #expect(limiter.free(for: endpoint, at: later(1)) == 1)
        _ = limiter.adopt(endpoint, (start, "down", later(5)), at: later(1))
        #expect(limiter.free(for: endpoint, at: later(4)) == 0, "another daemon has probed since")
    }

    // MARK: - Memory

    @Test func idleEndpointsAreForgottenBeforeOpenOnesAndLongDueOnesFirst() {
        var limiter = EndpointLimiter(capacity: 16)
        for number in 0..<3_000 { _ = fail(&limiter, "closed\(number)", times: 1) }
        for number in 0..<2_000 { _ = fail(&limiter, "open\(number)") }
        #expect(limiter.forgetIdle(at: start).isEmpty)
        #expect(limiter.isOpen("open0") && limiter.isOpen("open1999"))
        #expect(limiter.free(for: "closed0", at: start) == 2, "forgotten")
        for number in 2_000..<5_000 { _ = fail(&limiter, "open\(number)") }
        // The last ones have been probed since.
        for number in 4_000..<5_000 { limiter.started("open\(number)", at: later(60)) }
        for number in 4_000..<5_000 { _ = limiter.ended("open\(number)", "m", .test(status: 500), at: later(60)) }
        let forgotten = limiter.forgetIdle(at: later(60))
        #expect(forgotten.count == 5_000 - 2_048)
        #expect((4_000..<5_000).allSatisfy { limiter.isOpen("open\($0)") })
        #expect(forgotten.allSatisfy { !limiter.isOpen($0) })
        #expect(limiter.forgetIdle(at: later(60)).isEmpty)
    }

    @Test func probeOfAGoneURLShowsThatTheEndpointIsUp() {
        var limiter = opened()
        limiter.started(endpoint, at: later(1))
        #expect(limiter.ended(endpoint, "msg_gone", .test(status: 410), at: later(1)) == .closed)
    }
}
