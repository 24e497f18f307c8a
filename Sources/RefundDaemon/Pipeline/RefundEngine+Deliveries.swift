import RefundCore
import RefundStoreSQLite

extension RefundEngine {
    /// What is known of the receivers and refunds of a batch of attempts, read at once.
    struct Receivers {
        var health: [String: URLHealth] = [:]
        /// Where another attempt of the batch adds to them, a webhook of that refund is dead and stays so.
        private(set) var undeliverable: Set<Int64> = []

        init() {}

        init(of ends: [DeliveryEnd], _ tx: StoreTransaction) throws {
            guard !ends.isEmpty else { return }
            health = try tx.health(ofURLs: Set(ends.map(\.delivery.url)))
            undeliverable = try tx.undeliverable(among: ends.compactMap(\.delivery.refundID))
        }
    }

    /// Writes what came of an attempt to deliver a webhook.
    func apply(
        _ end: DeliveryEnd,
        _ receivers: inout Receivers,
        _ tx: StoreTransaction,
        at now: Timestamp,
        _ context: StoreTransaction.EventContext
    ) throws -> [EngineNote] {
        let url = end.delivery.url
        let known = receivers.health[url]
        let health = URLHealth.after(end.outcome, known: known, at: now)
        if health != known {
            try tx.setHealth(health, ofURL: url)
            receivers.health[url] = health
        }
        let delay = settings.webhooks.retrySchedule.delay(
            afterAttempts: end.delivery.attempts + 1,
            retryAfter: end.outcome.retryAfter,
            draw: draw()
        )
        let retryAt = health?.disabling == nil ? delay.map(now.advanced(by:)) : nil
        let result = try tx.finish(end.delivery, end.outcome, sentAt: end.sentAt, at: now, retryAt: retryAt)
        var notes: [EngineNote] = [.delivery(end.delivery, end.outcome, isDead: result == .dead)]
        if let disabling = health?.disabling, known?.disabling == nil {
            notes.append(.urlDisabled(end.delivery, disabling))
        }
        if let refundID = end.delivery.refundID,
            result == .dead || (result == .delivered && receivers.undeliverable.contains(refundID))
        {
            notes += try noteWebhooks(of: refundID, tx, at: now, context)
        }
        return notes
    }

    // A dead webhook needs a person; once none is dead, that has ended.
    private func noteWebhooks(
        of refundID: Int64?,
        _ tx: StoreTransaction,
        at now: Timestamp,
        _ context: StoreTransaction.EventContext
    ) throws -> [EngineNote] {
        guard let refundID, let refund = try tx.refund(id: refundID) else { return [] }
        var machine = RefundStateMachine(refund, policy: settings.polling)
        let transitions = machine.webhooksChanged(dead: try tx.deadWebhooks(refundID: refundID), at: now)
        guard !transitions.isEmpty else { return [] }
        try tx.apply(machine.refund, transitions, endsLease: false, context)
        return transitions.map { .transition(refund: machine.refund, $0) }
    }

    /// Claims the webhooks that are due, endpoint by endpoint, as many of each as its share allows.
    ///
    /// Without a secret to sign with they wait, and use up none of their retries. Those to a disabled URL are dead
    /// without an attempt, a bounded number of them in one cycle.
    func claimDeliveries(
        _ tx: StoreTransaction,
        at now: Timestamp,
        _ draft: inout Draft,
        _ context: StoreTransaction.EventContext
    ) throws {
        guard settings.webhooks.hasSecret else { return }
        var unsendableLimit = Self.batchLimit
        for endpoint in try tx.waitingEndpoints(at: now, latest: latestAttempt(at: now)).due {
            try isolated("the claim of webhooks to \(endpoint)", tx, &draft) { draft in
                unsendableLimit -= try claimDeliveries(to: endpoint, unsendableLimit, tx, at: now, &draft, context)
            }
        }
    }

    // Returns how many webhooks to disabled URLs it has ended.
    private func claimDeliveries(
        to endpoint: String,
        _ unsendableLimit: Int,
        _ tx: StoreTransaction,
        at now: Timestamp,
        _ draft: inout Draft,
        _ context: StoreTransaction.EventContext
    ) throws -> Int {
        let free = draft.shares.free(for: endpoint, at: now)
        guard free > 0 else { return 0 }
        let claim = try tx.claimDeliveries(
            endpoint: endpoint,
            at: now,
            latest: latestAttempt(at: now),
            leaseUntil: now.advanced(by: settings.webhooks.timeout + .seconds(60)),
            limit: free,
            unsendableLimit: unsendableLimit,
            isProbe: draft.shares.isOpen(endpoint)
        )
        draft.shares.started(endpoint, count: claim.deliveries.count, at: now)
        draft.sending.formUnion(claim.deliveries.map(\.id))
        draft.cycle.deliveries += claim.deliveries.map { ($0, endpoint) }
        for (delivery, reason) in claim.unsendable {
            try isolated("the end of webhook \(delivery.id)", tx, &draft) { draft in
                try tx.giveUp(webhook: delivery.id, reason: reason)
                draft.cycle.notes += try noteWebhooks(of: delivery.refundID, tx, at: now, context)
            } putBack: {
                try tx.putBack(webhook: delivery.id, until: now.advanced(by: settings.polling.slowInterval))
            }
        }
        if claim.isCut { draft.isCut = true }
        return claim.unsendable.count
    }
}
