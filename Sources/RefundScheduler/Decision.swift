package import RefundCore
package import RefundStore

/// The decision of one cycle: the writes, the effects to send once they are committed, and the state from then on.
package struct Decision: Sendable {
    /// The state once the writes are committed.
    package var state: SchedulerState
    /// The writes, in order.
    package var writes: [Write] = []
    /// The queries and webhooks to send once the writes are committed.
    package var effects: [Effect] = []
    /// The events of the cycle, for logs and metrics.
    package var events: [SchedulerEvent] = []
    /// When to run again if nothing arrives, or nil if nothing will become due.
    package var nextWake: Timestamp?
    /// A step of retention to take now, since nothing else is due.
    package var pruning: PruneRequest?

    mutating func wake(at time: Timestamp?) {
        guard let time else { return }
        nextWake = min(nextWake ?? time, time)
    }

    /// Wakes the scheduler when a claim can be made.
    mutating func wakeToClaim(at time: Timestamp?) {
        guard let time else { return }
        wake(at: time)
        state.nextClaim = min(state.nextClaim ?? time, time)
    }

    /// Retracts everything that depends on writes that the database rejected.
    ///
    /// Nothing is sent for a rejected claim, and its row is held for a while.
    ///
    /// - Parameters:
    ///   - rejections: The rejected writes.
    ///   - now: The time.
    mutating func retract(_ rejections: [Rejection], at now: Timestamp) {
        for rejection in rejections {
            let action = writes[rejection.index].action
            events.append(.rejected(what: action.subject(claim: rejection.claim), reason: rejection.reason))
            switch action {
            case .change(let change):
                state.hold(refund: change.refund.id, at: now)
                events.removeAll { $0.reports(change) }
            case .poll(let poll): state.hold(refund: poll.refund.id, at: now)
            case .releaseRefund(let claim), .postponeRefund(let claim, _): state.hold(refund: claim.id, at: now)
            case .claimRefunds(let claims, _): retract(claims[rejection.claim].id, at: now)
            case .attempt(let attempt): state.hold(webhook: attempt.delivery.id, at: now)
            case .claimWebhooks(let claims, _): retract(claims[rejection.claim].id, at: now)
            case .releaseWebhook(let claim), .postponeWebhook(let claim, _): state.hold(webhook: claim.id, at: now)
            case .killWebhook(let id, _): state.hold(webhook: id, at: now)
            case .urlHealth, .incident, .gatewaySeen, .breaker, .deleteHints, .moveDueTimes: break
            case .heartbeat: events.removeAll { if case .proved = $0 { true } else { false } }
            }
        }
        if !rejections.isEmpty { wake(at: state.releaseHolds(at: now)) }
    }

    private mutating func retract(_ refund: Int64, at now: Timestamp) {
        state.hold(refund: refund, at: now)
        effects.removeAll { effect in
            guard case .query(let claim) = effect, claim.refund.id == refund else { return false }
            _ = state.gateways[claim.refund.gateway]?.interrupted(refund, at: now)
            return true
        }
    }

    private mutating func retract(_ webhook: String, at now: Timestamp) {
        state.hold(webhook: webhook, at: now)
        effects.removeAll { effect in
            guard case .deliver(let delivery) = effect, delivery.id == webhook else { return false }
            state.sending[webhook] = nil
            state.endpoints.interrupted(delivery.endpoint, at: now)
            return true
        }
    }
}

extension SchedulerEvent {
    /// Whether it reports a change of a refund, which does not happen if the database rejects it.
    ///
    /// What a gateway or a receiver did has happened all the same.
    fileprivate func reports(_ change: RefundChange) -> Bool {
        switch self {
        case .transition(let refund, let transition):
            refund.id == change.refund.id && change.entries.contains { $0.transition == transition }
        case .delayed(let refund, _): refund.id == change.refund.id && change.notice != nil
        default: false
        }
    }
}

extension Write.Action {
    /// The subject of the write, for messages.
    fileprivate func subject(claim index: Int) -> String {
        switch self {
        case .change(let change): "refund \(change.refund.id)"
        case .poll(let poll): "the query of refund \(poll.refund.id)"
        case .claimRefunds(let claims, _): "the claim of refund \(claims[index].id)"
        case .releaseRefund(let claim), .postponeRefund(let claim, _): "the claim of refund \(claim.id)"
        case .attempt(let attempt): "the attempt of webhook \(attempt.delivery.id)"
        case .claimWebhooks(let claims, _): "the claim of webhook \(claims[index].id)"
        case .releaseWebhook(let claim), .postponeWebhook(let claim, _): "the claim of webhook \(claim.id)"
        case .killWebhook(let id, _): "the end of webhook \(id)"
        case .urlHealth: "the health of a URL"
        case .incident(let gateway, _): "an incident of gateway \(gateway)"
        case .gatewaySeen(let gateway, _): "the health of gateway \(gateway)"
        case .breaker(_, let name, _): "the circuit breaker of \(name)"
        case .deleteHints: "the end of hints"
        case .heartbeat: "the heartbeat"
        case .moveDueTimes: "due times after the clock was set back"
        }
    }
}

extension SchedulerState {
    /// Makes the decision of one cycle.
    ///
    /// Pure: the same arguments lead to the same decision.
    ///
    /// - Parameters:
    ///   - request: The request to the store.
    ///   - input: The store's answer to it.
    ///   - queries: The results of queries to write.
    ///   - deliveries: The results of attempts to write.
    ///   - settings: The settings.
    ///   - clockStep: How far the clock was set back since the last cycle; zero if it was not.
    ///   - now: The time.
    /// - Returns: The decision.
    package func decide(
        _ request: CycleRequest,
        _ input: CycleInput,
        _ queries: [QueryResult],
        _ deliveries: [DeliveryResult],
        _ settings: SchedulerSettings,
        clockStep: Duration = .zero,
        at now: Timestamp
    ) -> Decision {
        var decider = Decider(state: self, settings: settings, input: input, now: now)
        decider.takePendingWrites()
        if clockStep > .zero { decider.clockSetBack(by: clockStep) }
        if request.claims != nil {
            decider.noteOtherDaemons()
            decider.notePauses()
        }
        // Deliveries first: an event that a query leads to must supersede a webhook whose attempt just failed.
        for result in deliveries { decider.complete(result) }
        for result in queries { decider.complete(result) }
        // Rows read before the due times move may look due without being so.
        if let claims = request.claims, clockStep <= .zero {
            if claims.includesUnknownGateways {
                decider.decision.state.beginUnknownScan(at: now, next: input.lastUnknownGateway)
            }
            decider.releaseExpiredClaims(except: deliveries)
            decider.reportDelayed(batch: claims.batch)
            decider.flagOverdue(batch: claims.batch)
            decider.claimRefunds(claims)
            decider.claimWebhooks()
            decider.reportUnsignedWebhooks()
        }
        return decider.finish(request)
    }
}

/// Builds a decision, step by step.
struct Decider {
    var decision: Decision
    let settings: SchedulerSettings
    let input: CycleInput
    let now: Timestamp
    let context: EventContext
    var urlHealth: [String: URLHealth]
    /// The rows of refunds as decided so far; later steps of the cycle build on them.
    var rows: [Int64: QueuedRefund]
    /// The refunds with a new event, which may supersede webhooks that were due when the cycle read.
    var superseding: Set<Int64> = []

    init(state: SchedulerState, settings: SchedulerSettings, input: CycleInput, now: Timestamp) {
        decision = Decision(state: state)
        decision.state.nextClaim = nil
        self.settings = settings
        self.input = input
        self.now = now
        context = settings.eventContext
        urlHealth = input.urlHealth
        rows = input.deliveryRefunds.merging(input.results) { _, result in result }
    }

    /// A uniform draw from 0 to 1.
    mutating func draw() -> Double {
        Double.random(in: 0...1, using: &decision.state.random)
    }

    mutating func write(_ action: Write.Action, fallback: Write.Action? = nil) {
        decision.writes.append(Write(action, fallback: fallback))
    }

    mutating func takePendingWrites() {
        decision.writes += decision.state.pendingWrites
        decision.state.pendingWrites = []
        if decision.state.takeProof() {
            write(.heartbeat(at: now))
            decision.events.append(.proved)
        }
    }

    mutating func clockSetBack(by step: Duration) {
        decision.state.clockSetBack(by: step)
        decision.events.append(.clockSetBack(by: step))
        // The clocks of other daemons have set due times, too.
        if decision.state.daemons == 1 { write(.moveDueTimes(by: step, after: now)) }
        for (name, gateway) in decision.state.gateways.sorted(by: { $0.key < $1.key }) {
            guard let since = gateway.breaker.openSince else { continue }
            let (reason, next) = (gateway.breaker.reason ?? "", gateway.breaker.nextProbe(at: now))
            let open = OpenBreaker(since: min(since, now), reason: reason, nextProbe: next)
            write(.breaker(.gateway, name: name, open))
        }
        decision.wake(at: now)
    }

    /// Writes a change of a refund, if there is one, and lets later steps build on it.
    ///
    /// - Parameters:
    ///   - refund: The refund after the event.
    ///   - transitions: The transitions that the state machine returned.
    ///   - row: The row before the change.
    ///   - endsLease: Whether the refund's claim ends with the change.
    ///   - fallback: The action to execute if the database rejects the change.
    mutating func change(
        _ refund: Refund,
        _ transitions: [Transition],
        on row: QueuedRefund,
        endsLease: Bool,
        fallback: Write.Action? = nil
    ) {
        let change = RefundChange(
            refund,
            transitions,
            on: row,
            endsLease: endsLease,
            context,
            using: &decision.state.random
        )
        write(.change(change), fallback: fallback)
        decision.events += transitions.map { .transition(refund: refund, $0) }
        note(change, on: row)
        noteDue(refund)
    }

    /// Lets later steps build on a change.
    mutating func note(_ change: RefundChange, on row: QueuedRefund) {
        var after = row
        after.refund = change.refund
        after.lastSequence += change.entries.count
        rows[change.refund.id] = after
        let events = change.entries.compactMap(\.event) + [change.notice?.event].compactMap(\.self)
        if events.contains(where: { $0.webhook != nil }) { decision.wakeToClaim(at: now) }
        if events.contains(where: { $0.supersedes != .nothing }) { superseding.insert(change.refund.id) }
    }

    /// Wakes the scheduler when a refund that is not claimed becomes due.
    mutating func noteDue(_ refund: Refund) {
        guard let due = refund.nextQueryAt, !refund.state.isFinal, !isPaused(.gateway(refund.gateway)) else { return }
        decision.wakeToClaim(at: decision.state.gateways[refund.gateway]?.nextQuery(due: due, at: now))
    }

    mutating func finish(_ request: CycleRequest) -> Decision {
        for endpoint in decision.state.endpoints.forgetIdle(at: now) {
            write(.breaker(.endpoint, name: endpoint, nil))
        }
        if request.claims != nil {
            decision.wake(at: decision.state.nextUnknownScan)
            decision.wake(at: decision.state.releaseHolds(at: now))
            planRetention()
        }
        return decision
    }

    // Nothing that is due, or about to be, waits for retention. A clock that was set ahead makes nothing old.
    private mutating func planRetention() {
        guard input.fleet.isLeader, let proven = decision.state.provenTime,
            let due = decision.state.retention.due(settings.retention, at: now)
        else { return }
        guard due <= now else { return decision.wake(at: due) }
        let isFree = decision.nextWake.map { $0 > now.advanced(by: RetentionPass.margin) } ?? true
        if decision.writes.isEmpty, decision.effects.isEmpty, isFree {
            decision.pruning = decision.state.retention.request(settings.retention, at: min(proven, now))
        } else {
            decision.wake(at: now.advanced(by: RetentionPass.retryInterval))
        }
    }
}
