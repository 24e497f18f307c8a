import RefundConfiguration
package import RefundCore
import RefundHTTP
import RefundScheduler
import RefundWebhooks

/// The result of a test event, and what the daemon would do after it.
package struct TestDelivery: Hashable, Sendable {
    /// The event's `webhook-id`.
    package var id: String
    /// The result.
    package var outcome: DeliveryOutcome
    /// What the daemon would do, in one sentence.
    package var consequence: String
}

extension ReceiverTrial {
    /// Sends a signed test event over a fresh connection, as the daemon would send a real one.
    ///
    /// - Parameters:
    ///   - type: The event's type.
    ///   - url: The receiver's URL.
    /// - Returns: What came of it.
    /// - Throws: `CommandFailure` if there is no HTTP client.
    package func send(_ type: EventType, to url: String) async throws(CommandFailure) -> TestDelivery {
        let http = try Connections.webhookClient(webhook)
        defer { http.shutDown() }
        let sender = WebhookSender(webhook, secrets: secrets.map(\.secret), http)
        let now = SystemClock().now()
        var random = SystemRandomNumberGenerator()
        let delivery = Delivery(
            id: WebhookID.make(at: now, using: &random, prefix: SampleEvent.idPrefix),
            refundID: nil,
            url: url,
            body: Array(SampleEvent.body(type, at: now).utf8),
            attempts: 0
        )
        let attempt = await withCheckedContinuation { continuation in
            sender.deliver(delivery, at: now, isProbe: true) { continuation.resume(returning: $0) }
        }
        guard case .completed(let outcome) = attempt else {
            throw CommandFailure(.failed, ["the delivery was interrupted"])
        }
        let consequence = TestDelivery.consequence(of: outcome, webhook.retrySchedule, at: now)
        return TestDelivery(id: delivery.id, outcome: outcome, consequence: consequence)
    }
}

extension TestDelivery {
    /// What the daemon would do after the first attempt of a real webhook ended like this.
    static func consequence(of outcome: DeliveryOutcome, _ schedule: RetrySchedule, at now: Timestamp) -> String {
        if outcome.isDelivered { return "the daemon would record it as delivered" }
        if URLHealth.after(outcome, known: nil, at: now)?.disabling != nil {
            return "the daemon would disable this URL: its webhooks become dead until `refundd redeliver`"
        }
        let first = schedule.delay(afterAttempts: 1, retryAfter: outcome.retryAfter, draw: 0.5)
        guard let first else { return "the daemon would not retry: retry_schedule is empty, so the webhook is dead" }
        let isAsked = outcome.retryAfter != nil && schedule.delays.first.map { $0 < first } ?? false
        let reason = isAsked ? " (Retry-After)" : ""
        let total = schedule.delays.reduce(.zero, +).rounded
        let rest = schedule.delays.count - 1
        let more = rest == 0 ? "" : ", and \(rest.counted("more time", "more times")) within \(total)"
        return "the daemon would retry in \(first.formatted)\(reason)\(more)"
    }
}
