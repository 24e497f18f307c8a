package import RefundCore
package import RefundStore

/// An event for logs and metrics, reported after the transaction that records it.
package enum SchedulerEvent: Sendable {
    /// A query ended.
    case queried(gateway: String, refund: Refund, QueryOutcome, duration: Duration)
    /// A refund changed its state or attention.
    case transition(refund: Refund, Transition)
    /// An event reported that a refund is delayed.
    case delayed(refund: Refund, by: Duration)
    /// An attempt to deliver a webhook ended; carries why its URL is disabled, if it is.
    case attempted(Delivery, DeliveryOutcome, AttemptRecord.Result, URLHealth.Disabling?)
    /// A gateway failed for the first time since its last verified answer.
    case gatewayFailing(gateway: String, reason: String)
    /// A gateway needs an operator.
    case incident(gateway: String, GatewayIncident)
    /// A gateway's answers verify again.
    case gatewayRecovered(gateway: String)
    /// A gateway's breaker opened: only probes are sent from now on.
    case gatewayBreakerOpened(gateway: String, reason: String)
    /// A gateway's breaker closed: it is queried as usual again.
    case gatewayBreakerClosed(gateway: String)
    /// An endpoint's breaker opened: only probes are sent from now on.
    case endpointBreakerOpened(endpoint: String, reason: String)
    /// An endpoint accepts webhooks again.
    case endpointBreakerClosed(endpoint: String)
    /// An operator paused a gateway or an endpoint.
    case paused(Peer, Pause)
    /// An operator resumed a gateway or an endpoint.
    case resumed(Peer)
    /// The URL of this webhook was disabled; no more webhooks are sent to it.
    case urlDisabled(Delivery, URLHealth.Disabling)
    /// Webhooks wait because no secret is configured to sign them; how many.
    case webhooksUnsigned(Int)
    /// The database rejected one write; the others of its batch are committed.
    case rejected(what: String, reason: String)
    /// Claims without a query or attempt in flight were released.
    case releasedClaims(Int)
    /// The clock was set back.
    case clockSetBack(by: Duration)
    /// A cycle was committed that wrote something, as it was asked to.
    case proved
    /// A step of retention pruned rows.
    case pruned(PrunedRows)
    /// The day's pass of retention is over, and pruned rows.
    case retentionPassed(PrunedRows)
    /// The store reported an event.
    case store(StoreEvent)
}

/// A refund claimed for a query.
///
/// A class, because the claim passes through many hands and a refund is expensive to copy.
package final class QueryClaim: Sendable {
    /// The refund as it was claimed.
    package let refund: Refund
    /// The number of the claim.
    package let lease: Int64
    /// The query to send.
    package let query: RefundQuery
    /// Whether the query probes a gateway that failed.
    package let isProbe: Bool

    /// Creates a claim.
    package init(refund: Refund, lease: Int64, query: RefundQuery, isProbe: Bool = false) {
        self.refund = refund
        self.lease = lease
        self.query = query
        self.isProbe = isProbe
    }
}

/// The result of a query.
package struct QueryResult: Sendable {
    /// The claim.
    package var claim: QueryClaim
    /// When it was sent.
    package var sentAt: Timestamp
    /// How it ended.
    package var attempt: QueryAttempt

    /// Creates a result.
    package init(claim: QueryClaim, sentAt: Timestamp, attempt: QueryAttempt) {
        self.claim = claim
        self.sentAt = sentAt
        self.attempt = attempt
    }
}

/// The result of an attempt to deliver a webhook.
package struct DeliveryResult: Sendable {
    /// The delivery.
    package var delivery: Delivery
    /// When it was sent.
    package var sentAt: Timestamp
    /// How it ended.
    package var attempt: DeliveryAttempt

    /// Creates a result.
    package init(delivery: Delivery, sentAt: Timestamp, attempt: DeliveryAttempt) {
        self.delivery = delivery
        self.sentAt = sentAt
        self.attempt = attempt
    }
}

/// A query or webhook to send once a decision is committed.
package enum Effect: Sendable {
    /// A query.
    case query(QueryClaim)
    /// A webhook.
    case deliver(Delivery)
}
