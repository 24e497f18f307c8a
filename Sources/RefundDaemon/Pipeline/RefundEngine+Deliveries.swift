import RefundCore
import RefundStore

extension RefundEngine {
    /// Writes what came of an attempt to deliver a webhook.
    func apply(
        _ end: DeliveryEnd,
        _ tx: StoreTransaction,
        at now: Timestamp,
        _ context: StoreTransaction.EventContext
    ) throws -> [EngineNote] {
        let delay = settings.webhooks.retrySchedule.delay(
            afterAttempts: end.delivery.attempts + 1,
            retryAfter: end.outcome.retryAfter,
            draw: draw()
        )
        let retryAt = delay.map(now.advanced(by:))
        let result = try tx.finish(end.delivery, end.outcome, sentAt: end.sentAt, at: now, retryAt: retryAt)
        var notes: [EngineNote] = [.delivery(end.delivery, end.outcome, isDead: result == .dead)]
        if result == .dead || result == .delivered, let id = end.delivery.refundID, let refund = try tx.refund(id: id),
            result == .dead || refund.attention == .undeliverable
        {
            var machine = RefundStateMachine(refund, policy: settings.polling)
            let transitions = machine.webhooksChanged(dead: try tx.deadWebhooks(refundID: id), at: now)
            try tx.apply(machine.refund, transitions, endsLease: false, context)
            notes += transitions.map { .transition(refund: machine.refund, $0) }
        }
        return notes
    }

    /// Claims the webhooks that are due, receiver by receiver, as many of each as its share allows.
    ///
    /// Without a secret to sign with they wait, and use up none of their retries.
    func claimDeliveries(_ tx: StoreTransaction, at now: Timestamp, _ draft: inout Draft) throws {
        guard settings.webhooks.hasSecret else { return }
        let leaseUntil = now.advanced(by: settings.webhooks.timeout + .seconds(60))
        let waiting = try tx.waitingEndpoints().filter { $0.due <= now }
        for (endpoint, _) in waiting.sorted(by: { $0.due < $1.due }) {
            let free = draft.shares.free(for: endpoint)
            guard free > 0 else { continue }
            let claimed = try tx.claimDeliveries(endpoint: endpoint, at: now, leaseUntil: leaseUntil, limit: free)
            draft.shares.started(endpoint, count: claimed.count)
            draft.cycle.deliveries += claimed.map { ($0, endpoint) }
        }
    }
}
