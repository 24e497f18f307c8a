/// Checks that every event has its webhook, and that each webhook's state matches its attempts.
package struct OutboxCheck: Sendable {
    /// The problems found, one sentence each.
    package private(set) var problems: [String] = []

    /// Checks the events and webhooks of one refund, or those of gateways.
    ///
    /// - Parameters:
    ///   - events: The events.
    ///   - webhooks: The webhooks.
    ///   - endpoint: Returns the endpoint of a URL.
    package init(events: [LoggedEvent], webhooks: [OutboxRow], endpoint: (_ url: String) -> String) {
        var unclaimed: [String: OutboxRow] = [:]
        for webhook in webhooks { unclaimed[webhook.id] = webhook }
        for event in events {
            guard let id = event.webhookID else { continue }
            guard let webhook = unclaimed.removeValue(forKey: id) else {
                note("event \(event.position) has no webhook \(id)")
                continue
            }
            check(webhook, of: event)
        }
        for id in unclaimed.keys.sorted() { note("webhook \(id) belongs to no event") }
        for webhook in webhooks {
            check(webhook, among: events)
            if endpoint(webhook.url) != webhook.endpoint {
                note("webhook \(webhook.id) has endpoint \(webhook.endpoint), but its url has another")
            }
        }
    }

    private mutating func note(_ problem: String) {
        problems.append(problem)
    }

    private mutating func check(_ webhook: OutboxRow, of event: LoggedEvent) {
        if webhook.position != event.position || webhook.type != event.subject.type
            || webhook.refundID != event.subject.refundID || webhook.sequence != event.subject.sequence
        {
            note("webhook \(webhook.id) is about something else than its event \(event.position)")
        }
        if webhook.body != event.body {
            note("webhook \(webhook.id) has another body than its event \(event.position)")
        }
    }

    private mutating func check(_ webhook: OutboxRow, among events: [LoggedEvent]) {
        if webhook.isPruned {
            if webhook.state != "delivered", webhook.state != "superseded" {
                note("webhook \(webhook.id) is pruned and \(webhook.state)")
            }
            if webhook.recordedAttempts > 0 { note("webhook \(webhook.id) is pruned and has attempts") }
        } else if webhook.attempts > webhook.recordedAttempts {
            note(
                "webhook \(webhook.id) has \(webhook.attempts) attempts, but \(webhook.recordedAttempts) are recorded"
            )
        }
        switch webhook.state {
        case "pending":
            if webhook.nextAttemptAt == nil { note("webhook \(webhook.id) is pending and has no next attempt") }
            if !webhook.isInFlight, !webhook.isRedelivery, isSuperseded(webhook, events) {
                note("webhook \(webhook.id) is pending, but a newer event supersedes it")
            }
        case "delivered":
            if webhook.deliveredAt == nil { note("webhook \(webhook.id) is delivered without a time") }
            if !webhook.wasAccepted, !webhook.isPruned {
                note("webhook \(webhook.id) is delivered without an attempt that succeeded")
            }
            if webhook.nextAttemptAt != nil { note("webhook \(webhook.id) is delivered and has a next attempt") }
        case "dead":
            if webhook.nextAttemptAt != nil { note("webhook \(webhook.id) is dead and has a next attempt") }
        case "superseded":
            if !isSuperseded(webhook, events) {
                note("webhook \(webhook.id) is superseded, but not by a newer event")
            }
        default:
            note("webhook \(webhook.id) has the unknown state \(webhook.state)")
        }
    }

    // Only an event with a webhook of its own supersedes a refund.needs_attention, and a refund.delayed never does.
    private func isSuperseded(_ webhook: OutboxRow, _ events: [LoggedEvent]) -> Bool {
        webhook.refundID != nil
            && events.contains { event in
                event.position > webhook.position
                    && (webhook.type != EventType.needsAttention.rawValue
                        || event.webhookID != nil && event.subject.type != EventType.delayed.rawValue)
            }
    }
}
