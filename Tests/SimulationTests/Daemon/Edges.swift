import RefundCore
import RefundHTTP
import RefundPayCloud
import RefundTestSupport
import RefundWebhooks

@testable import RefundDaemon

/// The daemon's real edges: one client for all gateways, one sender for all webhooks, each over a wire.
struct Edges {
    let gatewayWire = Wire()
    let webhookWire = Wire()
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
            http: gatewayWire,
            signing: SigningPool(threads: 1)
        )
        sender = WebhookSender(
            WebhookSender.Settings(
                secrets: [try WebhookSecret(Mailroom.secret)],
                timeout: SimulatedReceiver.timeout,
                caFile: nil,
                policy: ReceiverPolicy(allowHosts: [])
            ),
            http: webhookWire
        )
    }

    /// What the engine goes by, with these edges behind it.
    func settings(_ setup: Setup, _ scenario: Scenario) -> EngineSettings {
        let client = client
        let sender = sender
        let gateways = setup.limits.mapValues { limits in
            EngineSettings.Gateway(
                merchantNo: SimulatedGateway.merchantNo,
                limits: limits,
                timeout: SimulatedGateway.timeout
            ) { query, now, completion in
                client.query(query, at: now) { attempt in
                    if case .completed(let outcome, _) = attempt { completion(outcome) }
                }
            }
        }
        var webhooks = EngineSettings.Webhooks(routing: Self.routing(scenario), hasSecret: setup.hasSecret) {
            delivery,
            now,
            completion in
            sender.deliver(delivery, at: now) { attempt in
                if case .completed(let outcome) = attempt { completion(outcome) }
            }
        }
        webhooks.capacity = setup.capacity
        webhooks.timeout = SimulatedReceiver.timeout
        webhooks.retrySchedule = scenario.retrySchedule
        return EngineSettings(polling: setup.polling, gateways: gateways, webhooks: webhooks)
    }

    static func routing(_ scenario: Scenario) -> WebhookRouting {
        WebhookRouting(
            defaultURL: "https://shop0.example/hooks",
            events: scenario.eventTypes,
            endpoint: WebhookSender.endpoint(of:)
        )
    }
}
