import RefundCore
import RefundStore
import Testing

@testable import RefundScheduler

/// What is sent to receivers, and what the result of an attempt changes.
struct DeliveryTests {
    private let scheduler = PureScheduler()

    private func refund(_ attention: Attention? = nil, dead: Int = 0) -> QueuedRefund {
        var refund = scheduler.refund(1, .settled)
        refund.attention = attention
        return QueuedRefund(refund, lastSequence: 2, deadWebhooks: dead)
    }

    /// Sends a webhook and ends its attempt.
    private func attempt(
        _ webhook: Delivery,
        status: Int?,
        retryAfter: Duration? = nil,
        _ read: (inout CycleInput) -> Void = { _ in }
    ) -> Decision {
        for delivery in scheduler.claim([webhook]) {
            #expect(delivery.lease == webhook.lease + 1)
            #expect(!delivery.isProbe)
            scheduler.end(delivery, status: status, retryAfter: retryAfter)
        }
        return scheduler.run(read)
    }

    // MARK: - Results

    @Test func deliveredWebhookIsRecorded() {
        let decision = attempt(scheduler.webhook("a"), status: 204)
        #expect(decision.attempts.map(\.result) == [.delivered(at: scheduler.now)])
        #expect(decision.summary == ["attempt a delivered"])
        #expect(scheduler.state.isIdle)
    }

    @Test(arguments: [nil, 500, 302, 429, 404])
    func failedWebhookIsRetriedOnSchedule(status: Int?) throws {
        let record = try #require(attempt(scheduler.webhook("a"), status: status).attempts.first)
        guard case .retry(let time) = record.result else {
            Issue.record("no retry")
            return
        }
        let wait = time.duration(since: scheduler.now)
        #expect(wait >= .milliseconds(4_500) && wait <= .milliseconds(5_500))
        #expect(record.sentAt == scheduler.now)
    }

    @Test func retryAfterDelaysOnlyItsOwnWebhook() {
        let decision = attempt(scheduler.webhook("a"), status: 503, retryAfter: .seconds(600))
        #expect(decision.attempts.map(\.result) == [.retry(at: scheduler.now.advanced(by: .seconds(600)))])
        #expect(scheduler.claim([scheduler.webhook("b", refund: 2)]).count == 1)
    }

    @Test func lastRetryLeavesADeadWebhookAndAttentionWithoutAnEvent() {
        let decision = attempt(scheduler.webhook("a", attempts: 9), status: 500) { input in
            input.deliveryRefunds = [1: refund()]
        }
        #expect(
            decision.summary == [
                "failing https://shop.example/hooks", "attempt a dead", "change 1 settled→settled undeliverable",
            ]
        )
        #expect(decision.changes.first?.entries.map(\.sequence) == [3])
    }

    @Test func supersededWebhookIsNotRetried() {
        let decision = attempt(scheduler.webhook("a", attempts: 9), status: 500) { input in
            input.superseded = ["a"]
            input.deliveryRefunds = [1: refund()]
        }
        #expect(decision.attempts.map(\.result) == [.superseded])
        #expect(decision.changes.isEmpty)
    }

    @Test func supersededWebhookThatWasAcceptedIsDelivered() {
        let decision = attempt(scheduler.webhook("a"), status: 200) { $0.superseded = ["a"] }
        #expect(decision.attempts.map(\.result) == [.delivered(at: scheduler.now)])
    }

    @Test func redeliveredWebhookClearsTheAttention() {
        let decision = attempt(scheduler.webhook("a"), status: 204) { input in
            input.deliveryRefunds = [1: refund(.undeliverable)]
        }
        #expect(decision.summary == ["attempt a delivered", "change 1 settled→settled"])
    }

    @Test func attentionStaysWhileAnotherWebhookIsDead() {
        let decision = attempt(scheduler.webhook("a"), status: 204) { input in
            input.deliveryRefunds = [1: refund(.undeliverable, dead: 1)]
        }
        #expect(decision.changes.isEmpty)
    }

    @Test func gatewaysWebhookThatDiesFlagsNoRefund() {
        let decision = attempt(scheduler.webhook("g", refund: nil, attempts: 9), status: 500)
        #expect(decision.attempts.map(\.result) == [.dead])
        #expect(decision.changes.isEmpty)
    }

    @Test func interruptedAttemptOnlyReleasesItsClaim() {
        for delivery in scheduler.claim([scheduler.webhook("a")]) { scheduler.end(delivery, .interrupted) }
        let decision = scheduler.run()
        #expect(decision.summary == ["release a"])
        #expect(decision.events.isEmpty)
        #expect(decision.nextWake == scheduler.now)
        #expect(scheduler.state.isIdle)
    }

    @Test func rejectedResultIsTriedAgainAtTheSlowInterval() throws {
        let decision = attempt(scheduler.webhook("a"), status: 204)
        guard case .postponeWebhook(let claim, let time) = try #require(decision.writes.first).fallback else {
            Issue.record("no fallback")
            return
        }
        #expect(claim == WebhookClaim(id: "a", lease: 4))
        #expect(time == scheduler.now.advanced(by: .seconds(3_600)))
    }

    // MARK: - URLs

    @Test func goneURLIsDisabledAtOnceAndReportedOnce() {
        let claims = scheduler.claim([scheduler.webhook("a"), scheduler.webhook("b", refund: 2)])
        for delivery in claims { scheduler.end(delivery, status: 410) }
        let decision = scheduler.run()
        #expect(decision.attempts.map(\.result) == [.dead, .dead])
        #expect(decision.eventNames.count { $0 == "urlDisabled" } == 1)
    }

    @Test func webhooksOfADisabledURLDieWithoutAnAttempt() {
        let decision = scheduler.run { input in
            var due = DueEndpoint(endpoint: "shop.example")
            due.disabled = [.init(delivery: scheduler.webhook("a"), reason: "not sent", refund: refund())]
            due.deliveries = [scheduler.webhook("b", refund: 2)]
            due.hasMore = true
            input.endpoints = [due]
        }
        #expect(decision.summary == ["claim b", "kill a", "change 1 settled→settled undeliverable"])
        #expect(decision.nextWake == scheduler.now)
    }

    @Test func severalDeadWebhooksOfOneRefundFlagItOnce() {
        let decision = scheduler.run { input in
            var due = DueEndpoint(endpoint: "shop.example")
            due.disabled = ["a", "b", "c"].map { id in
                DueEndpoint.Disabled(delivery: scheduler.webhook(id), reason: "not sent", refund: refund())
            }
            input.endpoints = [due]
        }
        #expect(decision.changes.count == 1)
    }

    @Test func successForgetsWhatIsKnownAgainstAURL() {
        let health = URLHealth(failingSince: scheduler.now, lastFailure: scheduler.now)
        let decision = attempt(scheduler.webhook("a"), status: 200) { input in
            input.urlHealth = ["https://shop.example/hooks": health]
        }
        #expect(decision.summary == ["healthy https://shop.example/hooks", "attempt a delivered"])
    }

    // MARK: - Limits and order

    @Test func endpointsGetTheirSlotsAndNoMore() {
        let webhooks = (1...20).map { scheduler.webhook("slow\($0)", refund: Int64($0), host: "slow.example") }
        #expect(scheduler.claim(webhooks).map(\.endpoint) == ["slow.example", "slow.example"])
        #expect(scheduler.claim([scheduler.webhook("b", refund: 99, host: "fast.example")]).map(\.id) == ["b"])
    }

    @Test func untriedEndpointsLeaveSlotsForAProvenOne() {
        _ = attempt(scheduler.webhook("a", host: "good.example"), status: 200)
        let untried = (1...50).map { scheduler.webhook("n\($0)", refund: Int64($0), host: "new\($0).example") }
        #expect(scheduler.claim(untried).count == 12)
        #expect(scheduler.claim([scheduler.webhook("b", host: "good.example")]).count == 1)
    }

    @Test func failingEndpointIsProbedWithoutUsingUpRetries() {
        var decision = scheduler.run()
        for number in 1...CircuitBreaker.threshold {
            decision = attempt(scheduler.webhook("a\(number)", refund: Int64(number)), status: 500)
        }
        #expect(decision.summary.contains("open endpoint shop.example"))
        #expect(decision.eventNames.contains("endpointBreakerOpened"))
        decision = scheduler.run { $0.endpoints = PureScheduler.due([scheduler.webhook("b")]) }
        #expect(decision.deliveries.isEmpty)
        #expect(decision.nextWake == scheduler.now.advanced(by: .seconds(1)))
        scheduler.advance(by: .seconds(1))
        let probes = scheduler.claim([scheduler.webhook("b")])
        #expect(probes.map(\.isProbe) == [true])
        for probe in probes { scheduler.end(probe, status: 204) }
        decision = scheduler.run()
        #expect(decision.summary.contains("close endpoint shop.example"))
        #expect(decision.eventNames.contains("endpointBreakerClosed"))
    }

    @Test func webhookInFlightIsNotSentAgain() {
        #expect(scheduler.claim([scheduler.webhook("a")]).count == 1)
        // A stray UPDATE took its claim away.
        let decision = scheduler.run { $0.endpoints = PureScheduler.due([scheduler.webhook("a")]) }
        #expect(decision.writes.isEmpty && decision.effects.isEmpty)
        #expect(scheduler.state.endpoints.inFlight == 1)
    }

    @Test func webhookThatAnEventOfTheSameCycleSupersedesIsNotSent() {
        for claim in scheduler.claim([scheduler.refund(1)]) { scheduler.end(claim, .report(.settled)) }
        let decision = scheduler.run { input in
            input.results[1]?.lastSequence = 1
            input.endpoints = PureScheduler.due([scheduler.webhook("older"), scheduler.webhook("other", refund: 2)])
        }
        #expect(decision.deliveries.map(\.id) == ["other"])
        #expect(decision.nextWake == scheduler.now)
    }

    @Test func drainingSendsNothingMore() {
        let deliveries = scheduler.claim([scheduler.webhook("a")])
        scheduler.state.isDraining = true
        for delivery in deliveries { scheduler.end(delivery, status: 204) }
        #expect(scheduler.run().summary == ["attempt a delivered"])
        #expect(scheduler.request.claims == nil)
        #expect(scheduler.state.isIdle)
    }

    @Test func endpointsThatWereNotReadHaveTheirTurnSoon() {
        var decision = scheduler.run { input in
            input.hasManyDueWebhooks = true
            input.lastEndpoint = Array("m.example".utf8)
        }
        #expect(decision.nextWake == scheduler.now.advanced(by: .milliseconds(20)))
        decision = scheduler.run { $0.hasManyDueWebhooks = true }
        #expect(scheduler.request.claims?.lastEndpoint == Array("m.example".utf8))
        #expect(decision.nextWake == nil, "all endpoints had their turn")
        scheduler.run()
        #expect(scheduler.request.claims?.lastEndpoint == [])
    }

    @Test func probeOfAnEndpointThatWasNotReadWakesTheScheduler() {
        for number in 0..<CircuitBreaker.threshold {
            for delivery in scheduler.claim([scheduler.webhook("w\(number)", refund: Int64(number))]) {
                scheduler.end(delivery, status: 500)
            }
        }
        scheduler.run()
        #expect(scheduler.state.endpoints.isOpen("shop.example"))
        #expect(scheduler.run().nextWake == nil, "nothing is due")
        let decision = scheduler.run { $0.hasManyDueWebhooks = true }
        #expect(decision.nextWake == scheduler.now.advanced(by: .seconds(1)))
    }

    @Test func webhooksWithoutASecretAreReportedAtOnceAndEveryHour() {
        func reports(_ waiting: Int) -> [Int] {
            scheduler.run { $0.unsignedWebhooks = waiting }.events.compactMap { event in
                if case .webhooksUnsigned(let count) = event { count } else { nil }
            }
        }
        scheduler.settings.webhooks.hasSecret = false
        #expect(reports(0) == [])
        #expect(reports(3) == [3])
        #expect(reports(4) == [])
        #expect(scheduler.run { $0.unsignedWebhooks = 4 }.nextWake == scheduler.now.advanced(by: .seconds(3_600)))
        scheduler.advance(by: .seconds(3_600))
        #expect(reports(5) == [5])
        scheduler.advance(by: .seconds(-7_200))
        #expect(reports(5) == [5], "also after the clock was set back")
        scheduler.state.apply(scheduler.settings)
        #expect(reports(5) == [5], "also after a reload")
        #expect(reports(0) == [])
        #expect(reports(1) == [1], "another time")
    }
}
