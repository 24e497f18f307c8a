import RefundCore
import RefundStore
import Testing

@testable import RefundScheduler

/// What a daemon makes of the others that serve the same queue.
struct OtherDaemonsTests {
    private static let limit = 16
    private let scheduler: PureScheduler
    private static let incident = GatewayIncident(
        kind: .misconfigured,
        code: "A1",
        message: "refused",
        isVerified: true,
        since: Timestamp(milliseconds: 1_790_000_000_000)
    )

    init() {
        var settings = SchedulerSettings.test
        settings.gateways["default"]?.limits.maxInFlight = Self.limit
        scheduler = PureScheduler(settings)
    }

    private func shared(_ change: (inout SharedHealth) -> Void = { _ in }) -> SharedHealth {
        var health = SharedHealth()
        change(&health)
        return health
    }

    @Test func limitsAreDividedAmongThoseThatServe() {
        #expect(scheduler.run().state.gateways["default"]?.claim(at: scheduler.now).permits == Self.limit)
        scheduler.run { $0.fleet.count = 4 }
        #expect(scheduler.state.gateways["default"]?.claim(at: scheduler.now).permits == 4)
        #expect(scheduler.state.endpoints.capacity == scheduler.settings.webhooks.maxInFlight / 4)
        scheduler.run { $0.fleet.count = 1_000 }
        #expect(scheduler.state.gateways["default"]?.claim(at: scheduler.now).permits == 1)
        #expect(scheduler.state.endpoints.capacity == 1, "each may go on")
        scheduler.run { $0.fleet.count = 1 }
        #expect(scheduler.state.gateways["default"]?.claim(at: scheduler.now).permits == Self.limit)
    }

    @Test func newDaemonCountsInTheCycleThatNoticesIt() {
        let refunds = (1...16).map { QueuedRefund(scheduler.refund($0)) }
        let decision = scheduler.run { input in
            (input.fleet.count, input.shared) = (4, shared())
            input.gateways["default", default: DueRefunds()].new = refunds
        }
        #expect(decision.queries.count == 4)
    }

    @Test func incidentOfAnotherDaemonIsTakenOverWithoutAnEvent() {
        let decision = scheduler.run { $0.shared = shared { $0.incidents["default"] = Self.incident } }
        #expect(decision.state.gateways["default"]?.health.incident == Self.incident)
        #expect(decision.state.gateways["default"]?.claim(at: scheduler.now).permits == 0)
        #expect(decision.incidents == [])
        let recovered = scheduler.run { $0.shared = shared() }
        #expect(recovered.state.gateways["default"]?.health.incident == nil)
        #expect(recovered.state.gateways["default"]?.claim(at: scheduler.now).permits == Self.limit)
        #expect(recovered.writes.isEmpty)
    }

    @Test func breakerOfAnotherDaemonOpensAndCloses() {
        let now = scheduler.now
        let next = now.advanced(by: .seconds(8))
        scheduler.run {
            $0.shared = shared { $0.breakers["default"] = OpenBreaker(since: now, reason: "down", nextProbe: next) }
        }
        #expect(scheduler.state.gateways["default"]?.breaker.nextProbe(at: now) == next)
        scheduler.run { $0.shared = shared() }
        #expect(scheduler.state.gateways["default"]?.breaker.openSince == nil)
    }

    @Test func probeIsRecordedForTheOthersAndWaitsForTheirs() {
        let now = scheduler.now
        var open = OpenBreaker(since: now, reason: "down", nextProbe: now)
        scheduler.run { $0.shared = shared { $0.breakers["default"] = open } }
        let probe = scheduler.run { input in
            input.shared = shared { $0.breakers["default"] = open }
            input.gateways["default", default: DueRefunds()].waiting = [QueuedRefund(scheduler.refund(1))]
        }
        #expect(probe.queries.map(\.isProbe) == [true])
        let recorded = probe.gatewayBreakers
        #expect(recorded.count == 1 && recorded[0].nextProbe ?? now > now)
        scheduler.end(probe.queries[0], .interrupted)
        scheduler.run { $0.shared = shared { $0.breakers["default"] = recorded.first } }
        open.nextProbe = now.advanced(by: .seconds(30))
        let late = scheduler.run { input in
            input.shared = shared { $0.breakers["default"] = open }
            input.gateways["default", default: DueRefunds()].waiting = [QueuedRefund(scheduler.refund(2))]
        }
        #expect(late.queries.isEmpty, "another daemon has just probed")
    }

    @Test func pauseThatAnotherDaemonWasAskedForHolds() {
        let now = scheduler.now
        var open = OpenBreaker(since: now, reason: "down", nextProbe: now.advanced(by: .seconds(30)))
        scheduler.run { $0.shared = shared { $0.breakers["default"] = open } }
        open.nextProbe = now.advanced(by: .seconds(600))
        let decision = scheduler.run { input in
            input.shared = shared { $0.breakers["default"] = open }
            input.gateways["default", default: DueRefunds()].waiting = [QueuedRefund(scheduler.refund(1))]
        }
        #expect(decision.queries.isEmpty)
        #expect(decision.nextWake == open.nextProbe)
    }

    @Test func answerToAnEarlierQueryDoesNotEndAnothersPause() {
        let claims = scheduler.claim([scheduler.refund(1)])
        let next = scheduler.now.advanced(by: .seconds(30))
        let open = OpenBreaker(since: scheduler.now, reason: "HTTP 429", nextProbe: next)
        scheduler.run { $0.shared = shared { $0.breakers["default"] = open } }
        for claim in claims { scheduler.end(claim, .report(.processing)) }
        let decision = scheduler.run { $0.shared = shared { $0.breakers["default"] = open } }
        #expect(!decision.summary.contains("close gateway default"))
        #expect(scheduler.state.gateways["default"]?.breaker.nextProbe(at: scheduler.now) == next)
    }

    @Test(arguments: [true, false])
    func noTimeOnRecordDelaysAProbeForLong(isOpen: Bool) {
        let now = scheduler.now
        var open = OpenBreaker(since: now, reason: "down", nextProbe: now.advanced(by: .seconds(30)))
        if isOpen { scheduler.run { $0.shared = shared { $0.breakers["default"] = open } } }
        open.nextProbe = Timestamp(milliseconds: .max)
        scheduler.run { $0.shared = shared { $0.breakers["default"] = open } }
        let next = scheduler.state.gateways["default"]?.breaker.nextProbe(at: now)
        #expect(next == now.advanced(by: CircuitBreaker.longestPause))
    }

    // MARK: - Endpoints

    private static let endpoint = "shop.example"

    /// Runs a cycle in which webhooks are due at an endpoint whose breaker is on record as open, or closed.
    @discardableResult
    private func run(_ open: OpenBreaker?, due webhooks: [Delivery] = []) -> Decision {
        scheduler.run { input in
            input.shared = shared()
            var due = DueEndpoint(endpoint: Self.endpoint)
            (due.breaker, due.deliveries) = (open, webhooks)
            input.endpoints = [due]
        }
    }

    private func recorded(_ decision: Decision) -> [OpenBreaker?] {
        decision.writes.compactMap { write in
            if case .breaker(.endpoint, Self.endpoint, let open) = write.action { .some(open) } else { nil }
        }
    }

    @Test func endpointBreakerOfAnotherDaemonOpensAndCloses() {
        let now = scheduler.now
        let next = now.advanced(by: .seconds(8))
        let opened = run(OpenBreaker(since: now, reason: "down", nextProbe: next), due: [scheduler.webhook("msg_1")])
        #expect(opened.deliveries.isEmpty)
        #expect(opened.nextWake == next)
        #expect(opened.state.endpoints.nextProbe(of: Self.endpoint, at: now) == next)
        let closed = run(nil)
        #expect(!closed.state.endpoints.isOpen(Self.endpoint))
        #expect(closed.nextWake == now, "webhooks wait")
        #expect(recorded(opened).isEmpty && recorded(closed).isEmpty, "the other daemon has recorded it")
        #expect(run(nil, due: [scheduler.webhook("msg_1")]).deliveries.count == 1)
    }

    @Test func probeOfAnEndpointIsRecordedForTheOthersAndWaitsForTheirs() {
        let now = scheduler.now
        var open = OpenBreaker(since: now, reason: "down", nextProbe: now)
        let probe = run(open, due: [scheduler.webhook("msg_1")])
        #expect(probe.deliveries.map(\.isProbe) == [true])
        let written = recorded(probe).compactMap(\.self)
        #expect(written.count == 1 && written[0].since == now && written[0].nextProbe ?? now > now)
        scheduler.end(probe.deliveries[0], .interrupted)
        run(written.first)
        open.nextProbe = now.advanced(by: .seconds(30))
        #expect(run(open, due: [scheduler.webhook("msg_2")]).deliveries.isEmpty, "another daemon has just probed")
        scheduler.advance(by: .seconds(30))
        #expect(run(open, due: [scheduler.webhook("msg_2")]).deliveries.count == 1)
    }

    @Test func probeThatAnotherDaemonIsAboutToSendIsLookedAtAgain() {
        let decision = scheduler.run { input in
            input.shared = shared()
            var due = DueEndpoint(endpoint: Self.endpoint)
            due.breaker = OpenBreaker(since: scheduler.now, reason: "down", nextProbe: scheduler.now)
            due.isProbedElsewhere = true
            input.endpoints = [due]
        }
        #expect(decision.nextWake == scheduler.now.advanced(by: SchedulerState.endpointTurnPause))
    }

    @Test func slotsOfAnEndpointAreDividedAmongThoseThatServe() {
        let webhooks = (1...8).map { scheduler.webhook("msg_\($0)", refund: Int64($0)) }
        #expect(scheduler.state.endpoints.free(for: Self.endpoint, at: scheduler.now) == 2, "an untried endpoint")
        scheduler.run { $0.fleet.count = 2 }
        #expect(scheduler.state.endpoints.free(for: Self.endpoint, at: scheduler.now) == 1)
        let decision = run(nil, due: webhooks)
        #expect(decision.deliveries.count == 2, "the others have left")
    }

    @Test func oneDaemonPrunes() {
        scheduler.settings.retention = RetentionPolicy()
        scheduler.state.provenTime = scheduler.now
        #expect(scheduler.run { $0.fleet.isLeader = false }.pruning == nil)
        #expect(scheduler.run().pruning != nil)
    }

    @Test func clockSetBackOfOneMachineMovesNoDueTimes() {
        scheduler.run { $0.fleet.count = 2 }
        let decision = scheduler.run(clockStep: .seconds(60)) { $0.fleet.count = 2 }
        #expect(!decision.writes.contains { if case .moveDueTimes = $0.action { true } else { false } })
    }
}
