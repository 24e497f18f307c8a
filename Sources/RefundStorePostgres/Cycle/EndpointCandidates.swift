import RefundCore
import RefundStore
import RefundStoreSQL

/// The webhooks among which those are chosen that are sent to an endpoint.
final class EndpointCandidates {
    let name: String
    let limit: Int
    let isProbed: Bool
    /// Those to URLs without a failure, if the endpoint is probed; the latest verdicts, if they go first; and all.
    var (untried, verdicts, all): ([DueWebhook], [DueWebhook], [DueWebhook]) = ([], [], [])

    init(_ name: String, limit: Int, isProbed: Bool) {
        (self.name, self.limit, self.isProbed) = (name, limit, isProbed)
    }

    /// Chooses those that are sent, longest due first and one per refund, and those whose URL is disabled.
    func choose(into due: inout DueEndpoint, limit: Int, disabledLimit: Int, batch: Int) {
        if isProbed {
            choose(untried, into: &due, limit: limit, disabledLimit: 0, batch: batch)
            if !due.deliveries.isEmpty { return }
            due.hasMore = false
        }
        choose(verdicts, into: &due, limit: limit, disabledLimit: 0, batch: batch)
        due.hasMore = false
        choose(all, into: &due, limit: limit, disabledLimit: disabledLimit, batch: batch)
    }

    private func choose(
        _ webhooks: [DueWebhook],
        into due: inout DueEndpoint,
        limit: Int,
        disabledLimit: Int,
        batch: Int
    ) {
        var (refunds, passedOver) = (Set(due.deliveries.compactMap(\.refundID)), 0)
        let chosen = Set(due.deliveries.map(\.id))
        for webhook in webhooks where due.deliveries.count < limit && !chosen.contains(webhook.delivery.id) {
            guard passedOver < batch else {
                due.hasMore = true
                return
            }
            if let refusal = webhook.refusal {
                passedOver += 1
                guard due.disabled.count < disabledLimit else {
                    due.hasMore = true
                    continue
                }
                due.disabled.append(.init(delivery: webhook.delivery, reason: refusal, refund: nil))
            } else if webhook.delivery.refundID.map({ refunds.insert($0).inserted }) ?? true {
                due.deliveries.append(webhook.delivery)
            }
        }
    }
}
