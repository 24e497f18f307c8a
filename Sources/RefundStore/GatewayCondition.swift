package import RefundCore

/// What a gateway is doing, as everything says that shows its condition.
package struct GatewayCondition: Hashable, Sendable {
    /// The kinds of conditions, by the words for them.
    package enum Kind: String, Sendable {
        /// An operator has paused it.
        case paused
        /// It refuses our credentials, or its answers do not verify.
        case misconfigured
        /// It has given no verified answer for long.
        case unreachable
        /// Its breaker is open.
        case probed = "only probed"
        /// It was queried lately and has given no verified answer.
        case lapsed = "without a verified answer"
        /// It failed to answer the last query; the time is that of the first of several failures.
        case failing
        /// It answered the last query.
        case answering = "answers"
        /// Nobody has queried it.
        case unqueried = "not queried yet"
    }

    /// The kind.
    package var kind: Kind
    /// When it began, if that is known.
    package var since: Timestamp?
    /// What follows kind and time in a sentence; empty if there is nothing to say.
    package var detail = ""
    /// The breaker that probes it; nil if nothing does.
    package var breaker: OpenBreaker?

    /// Whether all is well.
    package var isFine: Bool { kind == .answering || kind == .unqueried }
}

extension QueueStatus {
    /// The condition of a gateway: of several, the gravest.
    package func condition(of gateway: String) -> GatewayCondition {
        let (breaker, lapse) = (breakers[gateway], lapses[gateway])
        if let pause = pauses[.gateway(gateway)] {
            return GatewayCondition(kind: .paused, since: pause.since, detail: pause.detail)
        }
        if let incident = incidents[gateway] {
            let kind: GatewayCondition.Kind = incident.kind == .misconfigured ? .misconfigured : .unreachable
            let since = min(incident.since, lapse?.since ?? incident.since)
            return GatewayCondition(kind: kind, since: since, detail: ": \(incident.cause)", breaker: breaker)
        }
        if let breaker {
            let detail = ": \(breaker.reason.asClause)"
            return GatewayCondition(kind: .probed, since: breaker.since, detail: detail, breaker: breaker)
        }
        let error = sightings[gateway]?.lastError.map { ": \($0.asClause)" } ?? ""
        if let lapse {
            let count = lapse.isBrief ? "" : " (\(lapse.count) queries)"
            return GatewayCondition(kind: lapse.isBrief ? .failing : .lapsed, since: lapse.since, detail: count + error)
        }
        guard let sighting = sightings[gateway] else { return GatewayCondition(kind: .unqueried) }
        guard sighting.isFailing else {
            return GatewayCondition(kind: sighting.lastVerified == nil ? .unqueried : .answering)
        }
        return GatewayCondition(kind: .failing, detail: error)
    }
}
