import RefundCore
import RefundStore

/// What daemons that serve a queue together tell one another.
extension Decider {
    /// Takes over how many daemons there are, and what they have found out about gateways.
    mutating func noteOtherDaemons() {
        let count = max(input.fleet.count, 1)
        if count != decision.state.daemons { decision.state.share(settings, among: count) }
        // What a reload has changed is not on record before this cycle's end.
        guard let shared = input.shared, decision.writes.isEmpty else { return }
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

    /// Records when the next probe may be sent, so that no other daemon sends one before.
    mutating func shareProbe(of gateway: String) {
        guard input.shared != nil, let breaker = decision.state.gateways[gateway]?.breaker,
            let since = breaker.openSince
        else { return }
        let open = OpenBreaker(since: since, reason: breaker.reason ?? "", nextProbe: breaker.nextProbe(at: now))
        write(.breaker(.gateway, name: gateway, open))
    }
}
