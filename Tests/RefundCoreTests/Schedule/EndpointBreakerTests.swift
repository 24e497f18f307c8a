import RefundCore
import Testing

/// The breaker of an endpoint and the pause that a receiver asks for.
struct EndpointBreakerTests {
    private let start = Timestamp(milliseconds: 1_800_000_000_000)
    private let endpoint = "https://shop.example:443"

    private func later(_ seconds: Int) -> Timestamp { start.advanced(by: .seconds(seconds)) }

    /// One attempt after the other, each of another webhook.
    private func fail(
        _ shares: inout EndpointShares,
        _ endpoint: String,
        times: Int = Breaker.threshold,
        status: Int? = 500
    ) -> [Breaker.Change] {
        (0..<times).map { number in
            shares.started(endpoint, at: start)
            return shares.ended(endpoint, "msg_\(number)", .test(status: status), at: start)
        }
    }

    private func opened() -> EndpointShares {
        var shares = EndpointShares(capacity: 16)
        #expect(fail(&shares, endpoint).last == .opened)
        return shares
    }

    @Test(arguments: [nil, 500, 503, 429, 404, 302])
    func failuresOfManyWebhooksInARowOpenIt(status: Int?) {
        var shares = EndpointShares(capacity: 16)
        let changes = fail(&shares, endpoint, status: status)
        #expect(changes == Array(repeating: .none, count: Breaker.threshold - 1) + [.opened])
        #expect(shares.isOpen(endpoint))
        #expect(!shares.isOpen("https://other.example:443"))
        #expect(shares.free(for: "https://other.example:443", at: start) == 2)
    }

    @Test func successInBetweenBeginsTheRunAnew() {
        var shares = EndpointShares(capacity: 16)
        _ = fail(&shares, endpoint, times: Breaker.threshold - 1)
        shares.started(endpoint, at: start)
        #expect(shares.ended(endpoint, "good", .test(status: 200), at: start) == .none)
        _ = fail(&shares, endpoint, times: Breaker.threshold - 1)
        #expect(!shares.isOpen(endpoint))
    }

    @Test func urlThatIsGoneIsNoFaultOfItsEndpoint() {
        var shares = EndpointShares(capacity: 16)
        let changes = fail(&shares, endpoint, times: 3 * Breaker.threshold, status: 410)
        #expect(changes.allSatisfy { $0 == .none })
        #expect(shares.free(for: endpoint, at: start) == 2, "as before the first of them")
    }

    @Test func webhookThatFailsAloneKeepsToItsOwnSchedule() {
        var shares = EndpointShares(capacity: 16)
        for _ in 0..<100 {
            shares.started(endpoint, at: start)
            #expect(shares.ended(endpoint, "msg_lone", .test(status: 500), at: start) == .none)
            #expect(shares.free(for: endpoint, at: start) == 1)
            #expect(shares.nextAttempt(at: endpoint, now: start) == nil)
        }
    }

    @Test func whileItIsOpenOneProbeAtATimeIsSentAtGrowingIntervals() {
        var shares = opened()
        #expect(shares.free(for: endpoint, at: start) == 0)
        #expect(shares.nextAttempt(at: endpoint, now: start) == later(1))
        #expect(shares.free(for: endpoint, at: later(1)) == 1)
        shares.started(endpoint, at: later(1))
        #expect(shares.free(for: endpoint, at: later(3_600)) == 0, "the probe is still in flight")
        // Even the same webhook as before: a probe says something of its endpoint.
        #expect(shares.ended(endpoint, "msg_9", .test(status: nil), at: later(2)) == .none)
        #expect(shares.nextAttempt(at: endpoint, now: later(2)) == later(4))
        #expect(shares.free(for: endpoint, at: later(3)) == 0)
        #expect(shares.free(for: endpoint, at: later(4)) == 1)
    }

    @Test func successOfTheProbeClosesIt() {
        var shares = opened()
        shares.started(endpoint, at: later(1))
        #expect(shares.ended(endpoint, "msg", .test(status: 204), at: later(1)) == .closed)
        #expect(!shares.isOpen(endpoint))
        #expect(shares.free(for: endpoint, at: later(1)) == 12)
        #expect(shares.nextAttempt(at: endpoint, now: later(1)) == nil)
    }

    // MARK: - Retry-After

    @Test(arguments: [429, 503])
    func retryAfterPausesTheWholeEndpoint(status: Int) {
        var shares = EndpointShares(capacity: 16)
        shares.started(endpoint, count: 2, at: start)
        _ = shares.ended(endpoint, "a", .test(status: status, retryAfter: .seconds(30)), at: start)
        _ = shares.ended(endpoint, "b", .test(status: 200), at: start)
        #expect(shares.nextAttempt(at: endpoint, now: start) == later(30))
        #expect(shares.free(for: endpoint, at: later(29)) == 0)
        #expect(shares.free(for: endpoint, at: later(30)) > 0)
        #expect(shares.free(for: "https://other.example:443", at: start) == 2)
    }

    @Test func shorterRetryAfterDoesNotShortenAPause() {
        var shares = EndpointShares(capacity: 16)
        shares.started(endpoint, count: 2, at: start)
        _ = shares.ended(endpoint, "a", .test(status: 429, retryAfter: .seconds(30)), at: start)
        _ = shares.ended(endpoint, "b", .test(status: 429, retryAfter: .seconds(1)), at: start)
        #expect(shares.nextAttempt(at: endpoint, now: start) == later(30))
    }

    @Test(arguments: [500, 404, 302, 410])
    func otherAnswersPauseNothing(status: Int) {
        var shares = EndpointShares(capacity: 16)
        shares.started(endpoint, at: start)
        _ = shares.ended(endpoint, "a", .test(status: status, retryAfter: .seconds(30)), at: start)
        #expect(shares.nextAttempt(at: endpoint, now: start) == nil)
    }

    @Test func pauseHasItsBoundAndAClockThatWasSetBackDoesNotProlongIt() {
        var shares = EndpointShares(capacity: 16)
        shares.started(endpoint, at: start)
        _ = shares.ended(endpoint, "a", .test(status: 429, retryAfter: .seconds(86_400)), at: start)
        #expect(shares.nextAttempt(at: endpoint, now: start) == start.advanced(by: EndpointShares.longestPause))
        #expect(shares.free(for: endpoint, at: later(-3_600)) == 1)
    }

    // MARK: - Memory

    @Test func openBreakersAreForgottenLastAndThoseFirstThatNothingWaitsFor() {
        var shares = EndpointShares(capacity: 16)
        for number in 0..<3_000 { _ = fail(&shares, "closed\(number)", times: 1) }
        for number in 0..<2_000 { _ = fail(&shares, "open\(number)") }
        #expect(shares.forgetIdle(at: start).isEmpty)
        #expect(shares.isOpen("open0") && shares.isOpen("open1999"))
        #expect(shares.free(for: "closed0", at: start) == 2, "forgotten")
        for number in 2_000..<5_000 { _ = fail(&shares, "open\(number)") }
        // The latest have been probed since.
        for number in 4_000..<5_000 { shares.started("open\(number)", at: later(60)) }
        for number in 4_000..<5_000 { _ = shares.ended("open\(number)", "m", .test(status: 500), at: later(60)) }
        let forgotten = shares.forgetIdle(at: later(60))
        #expect(forgotten.count == 5_000 - 2_048)
        #expect((4_000..<5_000).allSatisfy { shares.isOpen("open\($0)") })
        #expect(forgotten.allSatisfy { !shares.isOpen($0) })
        #expect(shares.forgetIdle(at: later(60)).isEmpty)
    }

    @Test func goneURLOfAProbeShowsThatTheEndpointIsThere() {
        var shares = opened()
        shares.started(endpoint, at: later(1))
        #expect(shares.ended(endpoint, "msg_gone", .test(status: 410), at: later(1)) == .closed)
    }
}
