package import RefundCore
package import RefundStore

/// Queries one gateway: signs, sends, verifies, and says what the answer means.
package protocol GatewayQuerying: Sendable {
    /// Sends a query.
    ///
    /// - Parameters:
    ///   - query: What to ask.
    ///   - now: The time of the query, which is signed.
    ///   - isProbe: Whether the query finds out if a gateway that failed is back; it uses a fresh connection.
    ///   - completion: Called once, on any thread.
    func query(
        _ query: RefundQuery,
        at now: Timestamp,
        isProbe: Bool,
        completion: @escaping @Sendable (QueryAttempt) -> Void
    )
}

/// Delivers webhooks, one signed attempt at a time.
package protocol WebhookDelivering: Sendable {
    /// Makes one attempt.
    ///
    /// - Parameters:
    ///   - delivery: The webhook.
    ///   - now: The time of the attempt, which is signed.
    ///   - isProbe: Whether the attempt finds out if an endpoint that failed is back; it uses a fresh connection.
    ///   - completion: Called once, on any thread.
    func deliver(
        _ delivery: Delivery,
        at now: Timestamp,
        isProbe: Bool,
        completion: @escaping @Sendable (DeliveryAttempt) -> Void
    )
}

/// What the scheduler works by; a reload replaces it as a whole.
package struct SchedulerSettings: Sendable {
    /// A configured gateway.
    package struct Gateway: Sendable {
        /// The merchant number of rows that name none.
        package var merchantNo: String?
        /// How hard it may be queried.
        package var limits = QueryLimits()
        /// How long a query may take.
        package var timeout: Duration = .seconds(10)
        /// Where it is; a breaker does not outlive a change of address.
        package var address = ""
        /// Sends its queries.
        package var client: any GatewayQuerying

        /// Creates a gateway with default limits.
        package init(merchantNo: String?, client: any GatewayQuerying) {
            self.merchantNo = merchantNo
            self.client = client
        }
    }

    /// The receivers of webhooks.
    package struct Webhooks: Sendable {
        /// Which events become webhooks, and where those go.
        package var routing: WebhookRouting
        /// When a webhook that was not accepted is sent again.
        package var retrySchedule = RetrySchedule()
        /// How many webhooks may be in flight.
        package var maxInFlight = 16
        /// How long an attempt may take.
        package var timeout: Duration = .seconds(15)
        /// Whether there is a secret to sign with; without one, webhooks wait.
        package var hasSecret: Bool
        /// Sends them.
        package var client: any WebhookDelivering

        /// Creates receivers with the default schedule.
        package init(routing: WebhookRouting, hasSecret: Bool, client: any WebhookDelivering) {
            self.routing = routing
            self.hasSecret = hasSecret
            self.client = client
        }
    }

    /// When refunds are queried.
    package var polling: PollingPolicy
    /// The gateways by name.
    package var gateways: [String: Gateway]
    /// The receivers of webhooks.
    package var webhooks: Webhooks

    /// Creates settings.
    package init(polling: PollingPolicy, gateways: [String: Gateway], webhooks: Webhooks) {
        self.polling = polling
        self.gateways = gateways
        self.webhooks = webhooks
    }

    /// Which events become webhooks, and the merchant numbers they name.
    package var eventContext: EventContext {
        EventContext(routing: webhooks.routing, merchantNumbers: gateways.compactMapValues(\.merchantNo))
    }

    /// The longest that a claim of a refund at a gateway can be in use.
    func leaseDuration(ofGateway gateway: Gateway) -> Duration { gateway.timeout + .seconds(60) }

    /// The longest that a claim of a webhook can be in use.
    var webhookLeaseDuration: Duration { webhooks.timeout + .seconds(60) }

    /// The latest attempt that the schedule can set.
    func latestAttempt(at now: Timestamp) -> Timestamp {
        now.advanced(by: max(webhooks.retrySchedule.longestDelay, polling.slowInterval))
    }
}
