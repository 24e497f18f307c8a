import RefundCore

/// Sends a query and calls back once with what came of it, on any thread.
typealias SendQuery =
    @Sendable (
        _ query: RefundQuery, _ now: Timestamp, _ completion: @escaping @Sendable (QueryOutcome) -> Void
    ) -> Void

/// Sends a webhook and calls back once with what came of it, on any thread.
typealias SendWebhook =
    @Sendable (
        _ delivery: Delivery, _ now: Timestamp, _ completion: @escaping @Sendable (DeliveryOutcome) -> Void
    ) -> Void

/// What the engine goes by; a reload replaces it as a whole.
struct EngineSettings: Sendable {
    /// A gateway of the configuration.
    struct Gateway: Sendable {
        /// The merchant of rows that name none.
        var merchantNo: String?
        /// How hard it may be asked.
        var limits: QueryLimits
        /// How long a query may take.
        var timeout: Duration
        /// Where it is asked.
        var address: String
        /// Asks it.
        var send: SendQuery

        /// Creates a gateway.
        init(
            merchantNo: String?,
            limits: QueryLimits = QueryLimits(),
            timeout: Duration = .seconds(10),
            address: String = "",
            send: @escaping SendQuery
        ) {
            self.merchantNo = merchantNo
            self.limits = limits
            self.timeout = timeout
            self.address = address
            self.send = send
        }

        /// Asks it and waits for what comes of it.
        func ask(_ query: RefundQuery, at now: Timestamp) async -> QueryOutcome {
            await withCheckedContinuation { continuation in
                send(query, now) { continuation.resume(returning: $0) }
            }
        }
    }

    /// The receivers of webhooks.
    struct Webhooks: Sendable {
        /// Which events become webhooks, and where those go.
        var routing: WebhookRouting
        /// When a webhook that was not taken is sent again.
        var retrySchedule = RetrySchedule()
        /// How many webhooks may be in flight.
        var capacity = 16
        /// How long an attempt may take.
        var timeout: Duration = .seconds(15)
        /// Whether there is a secret to sign with.
        var hasSecret: Bool
        /// Sends one.
        var send: SendWebhook

        /// Creates receivers.
        init(routing: WebhookRouting, hasSecret: Bool, send: @escaping SendWebhook) {
            self.routing = routing
            self.hasSecret = hasSecret
            self.send = send
        }
    }

    /// When refunds are queried.
    var polling: PollingPolicy
    /// The gateways by name.
    var gateways: [String: Gateway]
    /// The receivers of webhooks.
    var webhooks: Webhooks
}
