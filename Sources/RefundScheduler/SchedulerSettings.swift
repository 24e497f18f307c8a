package import RefundCore
package import RefundStore

/// The scheduler's settings; a reload replaces them as a whole.
package struct SchedulerSettings: Sendable {
    /// A configured gateway.
    package struct Gateway: Sendable {
        /// The merchant number for rows that name none.
        package var merchantNo: String?
        /// The limits on its queries.
        package var limits = QueryLimits()
        /// The timeout of a query.
        package var timeout: Duration = .seconds(10)
        /// Its address; a change of address closes its breaker.
        package var address = ""
        /// The client that sends its queries.
        package var client: any GatewayQuerying

        /// Creates a gateway with default limits.
        package init(merchantNo: String?, client: any GatewayQuerying) {
            self.merchantNo = merchantNo
            self.client = client
        }
    }

    /// The receivers of webhooks.
    package struct Webhooks: Sendable {
        /// Which events become webhooks, and where they go.
        package var routing: WebhookRouting
        /// The retry schedule of webhooks that were not accepted.
        package var retrySchedule = RetrySchedule()
        /// The most webhooks in flight at once.
        package var maxInFlight = 16
        /// The timeout of an attempt.
        package var timeout: Duration = .seconds(15)
        /// Whether there is a secret to sign with; without one, webhooks wait.
        package var hasSecret: Bool
        /// The client that sends webhooks.
        package var client: any WebhookDelivering

        /// Creates receivers with the default schedule.
        package init(routing: WebhookRouting, hasSecret: Bool, client: any WebhookDelivering) {
            self.routing = routing
            self.hasSecret = hasSecret
            self.client = client
        }
    }

    /// The polling policy.
    package var polling: PollingPolicy
    /// The age at which `refund.delayed` reports a refund; nil if none does.
    package var delayedAfter: Duration?
    /// The gateways by name.
    package var gateways: [String: Gateway]
    /// The receivers of webhooks.
    package var webhooks: Webhooks
    /// How long the queue keeps what is finished.
    package var retention = RetentionPolicy.forever

    /// Creates settings, which keep everything for ever.
    package init(polling: PollingPolicy, gateways: [String: Gateway], webhooks: Webhooks) {
        self.polling = polling
        self.gateways = gateways
        self.webhooks = webhooks
    }

    /// The routing of events and the merchant numbers that they name.
    package var eventContext: EventContext {
        EventContext(routing: webhooks.routing, merchantNumbers: gateways.compactMapValues(\.merchantNo))
    }

    /// The longest time that a claim of a refund at a gateway can be in use.
    func leaseDuration(ofGateway gateway: Gateway) -> Duration { gateway.timeout + .seconds(60) }

    /// The longest time that a claim of a webhook can be in use.
    var webhookLeaseDuration: Duration { webhooks.timeout + .seconds(60) }

    /// The latest due time that the schedule can set.
    func latestAttempt(at now: Timestamp) -> Timestamp {
        now.advanced(by: max(webhooks.retrySchedule.longestDelay, polling.slowInterval))
    }
}
