import RefundCore
import RefundStore

/// What daemons that serve a queue together tell one another.
extension Decider {
    /// Takes over how many daemons there are, and what they have found out about gateways and endpoints.
    mutating func noteOtherDaemons() {
        let count = max(input.fleet.count, 1)
        if count != decision.state.daemons { decision.state.share(settings, among: count) }
        hastenProbes()
        guard let shared = input.shared else { return }
        noteEndpoints()
        // What a reload has changed is not on record before this cycle's end.
        guard decision.writes.isEmpty else { return }
        for name in settings.gateways.keys.sorted() {
            let time = now
            let adopted = decision.state.gateways[name]?.adopt(shared.incidents[name], shared.breakers[name], at: time)
            switch adopted?.health {
            case .incident(let incident): decision.events.append(.incident(gateway: name, incident))
            case .recovered: decision.events.append(.gatewayRecovered(gateway: name))
            case nil, .failing, GatewayHealth.Change.none?: break
            }
            guard let gateway = decision.state.gateways[name], !gateway.health.isBlocked else { continue }
            switch adopted?.breaker {
            case .opened:
                let reason = gateway.breaker.reason ?? ""
                decision.events.append(.gatewayBreakerOpened(gateway: name, reason: reason))
            case .closed: decision.events.append(.gatewayBreakerClosed(gateway: name))
            case nil, CircuitBreaker.Change.none?: break
            }
        }
    }

    // An operator has webhooks sent again, so the endpoint may have been repaired.
    private mutating func hastenProbes() {
        for due in input.endpoints where due.breaker?.isHastened == true {
            guard let probe = decision.state.endpoints.nextProbe(of: due.endpoint, at: now), probe > now else {
                continue
            }
            decision.state.endpoints.probeNow(due.endpoint)
            // This cycle has read no webhook to probe with.
            decision.wake(at: now)
        }
    }

    private mutating func noteEndpoints() {
        for due in input.endpoints {
            let open = due.breaker.map { (since: $0.since, reason: $0.reason, nextProbe: $0.nextProbe) }
            switch decision.state.endpoints.adopt(due.endpoint, open, at: now) {
            case .opened:
                let reason = due.breaker?.reason ?? ""
                decision.events.append(.endpointBreakerOpened(endpoint: due.endpoint, reason: reason))
            case .closed:
                decision.events.append(.endpointBreakerClosed(endpoint: due.endpoint))
                // The cycle has read no more than a probe.
                decision.wake(at: now)
            case .none: break
            }
        }
    }

    /// Records when the next probe of an endpoint may be sent: other daemons wait for it, and commands show it.
    mutating func shareProbe(ofEndpoint endpoint: String) {
        let limiter = decision.state.endpoints
        guard let (since, reason) = limiter.opening(of: endpoint) else { return }
        let open = OpenBreaker(since: since, reason: reason, nextProbe: limiter.nextProbe(of: endpoint, at: now))
        write(.breaker(.endpoint, name: endpoint, open))
    }

    /// Records when the next probe of a gateway may be sent: other daemons wait for it, and commands show it.
    mutating func shareProbe(of gateway: String) {
        guard let breaker = decision.state.gateways[gateway]?.breaker, let since = breaker.openSince else { return }
        let open = OpenBreaker(since: since, reason: breaker.reason ?? "", nextProbe: breaker.nextProbe(at: now))
        write(.breaker(.gateway, name: gateway, open))
    }
}
