import RefundCore
import RefundStore

extension Decider {
    /// Applies a query's result to its gateway and its refund.
    mutating func complete(_ result: QueryResult) {
        let claim = result.claim
        let (id, gateway, now) = (claim.refund.id, claim.refund.gateway, now)
        let isCurrent = decision.state.gateways[gateway]?.isCurrent(claim) == true
        guard case .completed(let outcome, let duration) = result.attempt else {
            if isCurrent {
                let change = decision.state.gateways[gateway]?.interrupted(id, at: now)
                record(change ?? .none, nil, of: gateway)
            }
            return release(claim.refund, lease: claim.lease)
        }
        decision.events.append(.queried(gateway: gateway, refund: claim.refund, outcome, duration: duration))
        // A gateway that is no longer configured decides nothing about refunds, and a result that comes after its claim
        // ran out says nothing about what is in flight now.
        var treatment = GatewayState.Treatment.release
        if !isCurrent {
            if settings.gateways[gateway] != nil, outcome.isAnswer { treatment = .count(notBefore: nil) }
        } else if settings.gateways[gateway] != nil {
            let completed = decision.state.gateways[gateway]?.completed(claim, outcome, at: now)
            treatment = completed?.treatment ?? .release
            record(completed?.health ?? .none, outcome.problem, of: gateway)
            record(completed?.breaker ?? .none, of: gateway)
            if claim.isProbe, completed?.breaker == CircuitBreaker.Change.none { shareProbe(of: gateway) }
            noteSighting(outcome, of: gateway)
            noteLapse(of: gateway)
            if outcome.isAboutRefund { decision.state.provenTime = result.sentAt }
        } else {
            _ = decision.state.gateways[gateway]?.interrupted(id, at: now)
        }
        apply(outcome, treatment, result)
    }

    private mutating func apply(_ outcome: QueryOutcome, _ treatment: GatewayState.Treatment, _ result: QueryResult) {
        let claim = RefundClaim(id: result.claim.refund.id, lease: result.claim.lease)
        let postpone = Write.Action.postponeRefund(claim, until: now.advanced(by: settings.polling.slowInterval))
        // The row may have changed since the claim: an operator may have ended it, or a new refund may have its id.
        guard let row = rows[claim.id], row.lease == claim.lease, row.refund.isSameRefund(as: result.claim.refund),
            !row.refund.state.isFinal
        else { return release(rows[claim.id]?.refund ?? result.claim.refund, lease: claim.lease) }
        var machine = RefundStateMachine(row.refund, policy: settings.polling)
        switch treatment {
        case .release:
            release(row.refund, lease: claim.lease)
        case .spare:
            machine.querySpared(outcome, sentAt: result.sentAt, at: now)
            poll(machine.refund, row, fallback: postpone)
        case .count(let notBefore):
            var transitions = endRefusal(&machine, outcome)
            let jitter = draw()
            transitions += machine.queryAnswered(outcome, sentAt: result.sentAt, at: now, draw: jitter)
            transitions += flagRefusal(&machine, outcome, of: result.claim.query.merchantNo)
            transitions += flagDeadWebhooks(&machine, before: row)
            var refund = machine.refund
            if let notBefore, let next = refund.nextQueryAt {
                // A time further ahead than the longest wait counts as due.
                refund.nextQueryAt = max(next, min(notBefore, now.advanced(by: settings.polling.longestDelay)))
            }
            if transitions.isEmpty, refund.hasSameReport(as: row.refund) {
                poll(refund, row, fallback: postpone)
            } else {
                change(refund, transitions, on: row, endsLease: true, fallback: postpone)
            }
        }
    }

    private mutating func release(_ refund: Refund, lease: Int64) {
        write(.releaseRefund(RefundClaim(id: refund.id, lease: lease)))
        noteDue(refund)
    }

    private mutating func poll(_ refund: Refund, _ row: QueuedRefund, fallback: Write.Action) {
        write(.poll(RefundPoll(refund: refund, lease: row.lease)), fallback: fallback)
        rows[refund.id]?.refund = refund
        noteDue(refund)
    }

    // The gateway again answers a refund that it had refused.
    private mutating func endRefusal(_ machine: inout RefundStateMachine, _ outcome: QueryOutcome) -> [Transition] {
        guard outcome.isAnswer else { return [] }
        return machine.refusalEnded(isServable: !lacksSecret(machine.refund), at: now)
    }

    // The gateway keeps refusing this refund, or its merchant, while it answers others.
    private mutating func flagRefusal(
        _ machine: inout RefundStateMachine,
        _ outcome: QueryOutcome,
        of merchant: String
    ) -> [Transition] {
        let refund = machine.refund
        guard case .credentialsRefused(let code, _, _) = outcome, let problem = outcome.problem,
            refund.attention?.gravity ?? 0 < Attention.misconfigured.gravity,
            let gateway = decision.state.gateways[refund.gateway], gateway.isRefused(refund.id)
        else { return [] }
        let isMerchants = gateway.isRefused(merchant: merchant, since: refund.id)
        var isReported = !refund.notified.contains(.misconfigured)
        if isReported, isMerchants {
            isReported = decision.state.gateways[refund.gateway]?.report(merchant: merchant) == true
        }
        return machine.refused((code, problem), isMerchants: isMerchants, isReported: isReported, at: now)
    }

    /// Flags a refund with a dead webhook again, once the graver reason that hid it has ended.
    mutating func flagDeadWebhooks(_ machine: inout RefundStateMachine, before row: QueuedRefund) -> [Transition] {
        guard row.refund.attention != nil, machine.refund.attention == nil, !machine.refund.state.isFinal,
            row.deadWebhooks > 0
        else { return [] }
        return machine.webhooksChanged(dead: row.deadWebhooks, at: now)
    }

    // MARK: - Gateways

    /// Records a change of a gateway's health.
    mutating func record(_ change: GatewayHealth.Change, _ problem: String?, of gateway: String) {
        switch change {
        case .none:
            break
        case .failing:
            decision.events.append(.gatewayFailing(gateway: gateway, reason: problem ?? ""))
        case .incident(let incident):
            // Two events of a gateway at one time cannot be told apart.
            decision.writes.removeAll { $0.action.isIncident(of: gateway) }
            let event = EventRecord(of: gateway, incident, context, using: &decision.state.random)
            write(.incident(gateway: gateway, IncidentRecord(incident: incident, event: event)))
            decision.events.append(.incident(gateway: gateway, incident))
            decision.wake(at: now)
        case .recovered:
            write(.incident(gateway: gateway, nil))
            decision.events.append(.gatewayRecovered(gateway: gateway))
        }
    }

    private mutating func record(_ change: CircuitBreaker.Change, of gateway: String) {
        switch change {
        case .none:
            break
        case .opened:
            let breaker = decision.state.gateways[gateway]?.breaker
            let reason = breaker?.reason ?? ""
            let open = OpenBreaker(
                since: breaker?.openSince ?? now,
                reason: reason,
                nextProbe: breaker?.nextProbe(at: now)
            )
            write(.breaker(.gateway, name: gateway, open))
            // An incident has its own event, and the gateway is neither down nor does it throttle us.
            guard decision.state.gateways[gateway]?.health.isBlocked != true else { return }
            decision.events.append(.gatewayBreakerOpened(gateway: gateway, reason: reason))
        case .closed:
            write(.breaker(.gateway, name: gateway, nil))
            decision.events.append(.gatewayBreakerClosed(gateway: gateway))
        }
    }

    // The first failure and the first answer after failures are recorded at once, later ones at intervals.
    private mutating func noteSighting(_ outcome: QueryOutcome, of gateway: String) {
        let isAnswer = outcome.isAnswer
        if let last = decision.state.sighted[gateway], last.isAnswer == isAnswer, last.at <= now,
            now.duration(since: last.at) < SchedulerState.sightingInterval
        {
            return
        }
        var sighting = GatewaySighting(lastVerified: decision.state.gateways[gateway]?.health.lastVerified)
        if !isAnswer {
            sighting.lastError = outcome.problem
            sighting.lastErrorAt = now
        } else if let last = decision.state.sighted[gateway], last.at > now {
            // The failure has a time of before the clock was set back, and would seem to be newer.
            sighting.lastErrorAt = now
        }
        decision.state.sighted[gateway] = (now, isAnswer)
        write(.gatewaySeen(gateway: gateway, sighting))
    }

    // Its begin and its end are recorded at once, what it counts at intervals.
    private mutating func noteLapse(of gateway: String) {
        guard let lapse = decision.state.gateways[gateway]?.health.lapse(at: now) else {
            guard decision.state.lapsed.removeValue(forKey: gateway) != nil else { return }
            return write(.breaker(.lapse, name: gateway, nil))
        }
        if let last = decision.state.lapsed[gateway], last.isBrief == lapse.isBrief, last.at <= now,
            now.duration(since: last.at) < SchedulerState.sightingInterval
        {
            return
        }
        decision.state.lapsed[gateway] = (now, lapse.isBrief)
        write(.breaker(.lapse, name: gateway, OpenBreaker(since: lapse.since, reason: lapse.text)))
    }
}

extension Write.Action {
    /// Whether it records that an incident of a gateway began.
    fileprivate func isIncident(of name: String) -> Bool {
        if case .incident(name, .some) = self { true } else { false }
    }
}

extension QueryOutcome {
    /// Whether the gateway looked the refund up.
    ///
    /// Only then has it surely accepted the query's time: what a gateway says of a wrong one is not documented.
    fileprivate var isAboutRefund: Bool {
        switch self {
        case .report, .notFound: true
        case .inconclusive, .credentialsRefused, .unverified, .slowedDown, .unreachable: false
        }
    }
}

extension Refund {
    /// Whether this is the queried refund, and not another one that took its row's id.
    fileprivate func isSameRefund(as other: Refund) -> Bool {
        createdAt == other.createdAt && gateway == other.gateway && merchantNo == other.merchantNo
            && merchantOrderNo == other.merchantOrderNo && transNo == other.transNo
    }

    /// Whether a query changed nothing beyond the columns of a `RefundPoll`.
    fileprivate func hasSameReport(as other: Refund) -> Bool {
        transaction == other.transaction && failure == other.failure && notified == other.notified
    }
}
