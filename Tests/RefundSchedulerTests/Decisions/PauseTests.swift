import RefundCore
import RefundStore
import Testing

@testable import RefundScheduler

/// What a pause stops, and what it leaves alone.
struct PauseTests {
    private static let gateway = Peer.gateway("default")
    private static let endpoint = Peer.endpoint("shop.example")
    private let scheduler = PureScheduler()

    private var pause: Pause { Pause(since: scheduler.now, by: "ada", reason: "maintenance") }

    private func run(paused: [Peer] = [], _ read: (inout CycleInput) -> Void = { _ in }) -> Decision {
        scheduler.run { input in
            for peer in paused { input.pauses[peer] = pause }
            read(&input)
        }
    }

    @Test func nothingIsClaimedForAPausedGateway() {
        let decision = run(paused: [Self.gateway]) { input in
            input.gateways["default"] = .new([scheduler.refund(1)])
            input.gateways["default"]?.next = scheduler.now
        }
        #expect(decision.summary == [])
        #expect(decision.effects.isEmpty)
        #expect(decision.nextWake == nil, "a commit ends a pause, and wakes the scheduler")
        #expect(decision.eventNames == ["paused"])
    }

    @Test func nothingIsSentToAPausedEndpoint() {
        let decision = run(paused: [Self.endpoint]) { input in
            input.endpoints = PureScheduler.due([
                scheduler.webhook("msg_1"), scheduler.webhook("msg_2", host: "b.example"),
            ])
        }
        #expect(decision.deliveries.map(\.id) == ["msg_2"])
        #expect(decision.summary == ["claim msg_2"])
    }

    @Test func endpointAndGatewayOfOneNameArePausedApart() {
        let decision = run(paused: [.endpoint("default"), .gateway("shop.example")]) { input in
            input.gateways["default"] = .new([scheduler.refund(1)])
            input.endpoints = PureScheduler.due([scheduler.webhook("msg_1")])
        }
        #expect(decision.queries.count == 1)
        #expect(decision.deliveries.count == 1)
    }

    @Test func workInFlightEndsDuringAPause() throws {
        let claim = try #require(scheduler.claim([scheduler.refund(1)]).first)
        let webhook = try #require(scheduler.claim([scheduler.webhook("msg_1", refund: 7)]).first)
        scheduler.end(claim, .report(.settled))
        scheduler.end(webhook, status: 204)
        let decision = run(paused: [Self.gateway, Self.endpoint])
        #expect(decision.summary == ["attempt msg_1 delivered", "change 1 pending→settled (refund.settled)"])
    }

    @Test func pausedRefundsBecomeOverdueByAge() {
        let decision = run(paused: [Self.gateway]) { $0.overdue = [QueuedRefund(scheduler.old(1))] }
        #expect(decision.summary == ["change 1 pending→pending overdue (refund.needs_attention)"])
    }

    @Test func pauseAndResumptionAreReportedOnce() {
        #expect(run(paused: [Self.gateway]).eventNames == ["paused"])
        #expect(run(paused: [Self.gateway]).eventNames == [])
        #expect(run().eventNames == ["resumed"])
        #expect(run().eventNames == [])
    }

    @Test func drainingDoesNotLookLikeAResumption() {
        _ = run(paused: [Self.gateway])
        scheduler.state.isDraining = true
        #expect(scheduler.run().eventNames == [])
    }

    @Test(arguments: [QueryOutcome.unreachable, .unverified])
    func pauseIsNoTimeWithoutAVerifiedAnswer(outcome: QueryOutcome) {
        #expect(scheduler.query(scheduler.refund(1), outcome).incidents == [])
        _ = run(paused: [Self.gateway])
        scheduler.advance(by: .seconds(24 * 3_600))
        _ = run()
        #expect(scheduler.query(scheduler.refund(2), outcome).incidents == [])
        scheduler.advance(by: GatewayHealth.period)
        let later = scheduler.query(scheduler.refund(3), outcome)
        #expect(later.incidents.count == 1, "from the resumption on, time counts again")
    }

    @Test func incidentGoesOnAfterAPause() {
        scheduler.query(scheduler.refund(1), .refusal)
        #expect(scheduler.state.gateways["default"]?.health.incident != nil)
        _ = run(paused: [Self.gateway])
        _ = run()
        #expect(scheduler.state.gateways["default"]?.health.incident != nil)
    }

    @Test func resumedGatewayIsProbedAtOnce() throws {
        for id in 1...20 as ClosedRange<Int64> { scheduler.query(scheduler.refund(id), .unreachable) }
        #expect(scheduler.state.gateways["default"]?.breaker.openSince != nil)
        _ = run(paused: [Self.gateway])
        let resumed = run { $0.gateways["default"] = .new([scheduler.refund(30)]) }
        #expect(resumed.nextWake == scheduler.now)
        #expect(run { $0.gateways["default"] = .new([scheduler.refund(30)]) }.queries.count == 1)
    }
}

extension PureScheduler {
    /// A refund that is old enough for attention.
    fileprivate func old(_ id: Int64) -> Refund {
        var refund = refund(id)
        refund.createdAt = now.advanced(by: .zero - settings.polling.attentionAfter)
        return refund
    }
}
