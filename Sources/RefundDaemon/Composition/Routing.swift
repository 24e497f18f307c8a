import RefundConfiguration
import RefundCore
import RefundStoreSQLite
import RefundWebhooks

extension WebhookRouting {
    /// The routing that a configuration describes.
    init(_ webhook: WebhookSettings) {
        self.init(defaultURL: webhook.url, events: webhook.events, endpoint: WebhookSender.endpoint(of:))
    }
}

extension Configuration {
    /// How a command turns events into rows, the same way as the daemon that runs by this configuration.
    var eventContext: StoreTransaction.EventContext {
        StoreTransaction.EventContext(
            routing: WebhookRouting(webhook),
            merchantNo: { refund in refund.merchantNo ?? gateways[refund.gateway]?.merchantNo },
            makeWebhookID: { time in
                var random: any RandomNumberGenerator = SystemRandomNumberGenerator()
                return WebhookID.make(at: time, using: &random)
            }
        )
    }
}
