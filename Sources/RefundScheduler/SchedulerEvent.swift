package import RefundCore
package import RefundStore

/// Something that happened, for logs and metrics; reported after the transaction that records it.
package enum SchedulerEvent: Sendable {
    /// A query came back.
    case queried(gateway: String, refund: Refund, QueryOutcome, duration: Duration)
    /// A refund changed its state or attention.
    case transition(refund: Refund, Transition)
    /// An attempt to deliver a webhook ended; with why its URL is disabled, if it is.
    case attempted(Delivery, DeliveryOutcome, AttemptRecord.Result, URLHealth.Disabling?)
    /// A gateway fails for the first time since it gave a verified answer.
    case gatewayFailing(gateway: String, reason: String)
    /// A gateway needs an operator.
    case incident(gateway: String, GatewayIncident)
    /// A gateway's answers verify again.
    case gatewayRecovered(gateway: String)
    /// A gateway is only probed from now on.
    case gatewayBreakerOpened(gateway: String, reason: String)
    /// A gateway is queried as usual again.
    case gatewayBreakerClosed(gateway: String)
    /// An endpoint is only probed from now on.
    case endpointBreakerOpened(endpoint: String, reason: String)
    /// An endpoint accepts webhooks again.
    case endpointBreakerClosed(endpoint: String)
    /// No more webhooks are sent to the URL of this one.
    case urlDisabled(Delivery, URLHealth.Disabling)
    /// The database rejected one write; the others of its batch are committed.
    case rejected(what: String, reason: String)
    /// Claims that no query or attempt stood behind were released.
    case releasedClaims(Int)
    /// The clock was set back.
    case clockSetBack(by: Duration)
    /// The store has something to tell.
    case store(StoreEvent)
}

/// A refund that was claimed to be queried.
package struct QueryClaim: Hashable, Sendable {
    /// The refund as it was claimed.
    package var refund: Refund
    /// The number of the claim.
    package var lease: Int64
    /// What to ask.
    package var query: RefundQuery
    /// Whether the query finds out if a gateway that failed is back.
    package var isProbe = false

    /// Creates a claim.
    package init(refund: Refund, lease: Int64, query: RefundQuery) {
        self.refund = refund
        self.lease = lease
        self.query = query
    }
}

/// How a query ended.
package struct QueryResult: Sendable {
    /// What was claimed.
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

/// How an attempt to deliver a webhook ended.
package struct DeliveryResult: Sendable {
    /// What was claimed.
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

/// Something to send once a decision is committed.
package enum Effect: Hashable, Sendable {
    /// A query.
    case query(QueryClaim)
    /// A webhook.
    case deliver(Delivery)
}
