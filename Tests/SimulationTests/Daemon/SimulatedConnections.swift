import RefundCore
import RefundHTTP
import RefundPayCloud
import RefundScheduler
import RefundTestSupport
import RefundWebhooks

/// The daemon's own clients, one for all gateways and one for all webhooks, each over a stub transport.
struct SimulatedConnections {
    let gatewayTransport = StubTransport()
    let webhookTransport = StubTransport()
    private let client: GatewayClient
    private let sender: WebhookSender

    init() throws {
        client = GatewayClient(
            GatewayClient.Settings(
                url: "https://gateway.example/api/entry",
                appID: "wz0123456789",
                privateKey: SignedAnswer.appKey,
                publicKeys: [SignedAnswer.gatewayPublicKey],
                timeout: SimulatedGateway.timeout
            ),
            http: gatewayTransport,
            signing: SigningPool(threads: 1)
        )
        sender = WebhookSender(
            WebhookSender.Settings(
                secrets: [try WebhookSecret(ReceiverPool.secret)],
                timeout: SimulatedReceiver.timeout,
                caFile: nil,
                policy: ReceiverPolicy(allowHosts: [])
            ),
            http: webhookTransport
        )
    }

    /// The scheduler's settings, which send over these clients.
    func settings(_ configuration: SimulatedConfiguration, _ scenario: Scenario) -> SchedulerSettings {
        let gateways = configuration.limits.mapValues { limits in
            var gateway = SchedulerSettings.Gateway(merchantNo: SimulatedGateway.merchantNo, client: client)
            gateway.limits = limits
            gateway.timeout = SimulatedGateway.timeout
            return gateway
        }
        var webhooks = SchedulerSettings.Webhooks(
            routing: Self.routing(scenario),
            hasSecret: configuration.hasSecret,
            client: sender
        )
        webhooks.maxInFlight = configuration.maxInFlight
        webhooks.timeout = SimulatedReceiver.timeout
        webhooks.retrySchedule = scenario.retrySchedule
        var settings = SchedulerSettings(polling: configuration.polling, gateways: gateways, webhooks: webhooks)
        settings.delayedAfter = configuration.delayedAfter
        settings.retention = scenario.retention
        return settings
    }

    static func routing(_ scenario: Scenario) -> WebhookRouting {
        WebhookRouting(
            defaultURL: "https://shop0.example/hooks",
            events: scenario.eventTypes,
            endpoint: HTTPURL.endpoint(of:)
        )
    }
}
