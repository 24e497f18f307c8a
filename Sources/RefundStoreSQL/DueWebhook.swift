package import RefundCore

/// A webhook that is due, as a cycle reads it.
package struct DueWebhook {
    /// What is sent, without its body.
    package var delivery: Delivery
    /// Why it is not sent, if its URL is disabled.
    package let refusal: String?

    /// The columns that `init(row:endpoint:)` reads, of a webhook `w` and its disabled URL `d`.
    package static let columns = """
        w.position, w.id, w.refund_id, w.url, w.attempts, w.lease,
        (SELECT coalesce(q.merchant_order_no, q.trans_no) FROM refund_queue q WHERE q.id = w.refund_id),
        d.disabled_at, d.reason
        """
    /// The join that finds the disabled URL `d`.
    package static let disabledURL =
        "LEFT JOIN refund_endpoints d ON d.url = w.url AND d.disabled_at IS NOT NULL"

    /// Reads a row of an endpoint's webhooks.
    package init(row: some SQLRow, endpoint: String) {
        let (position, id, refundID, url) = (row.integer() ?? 0, row.text() ?? "", row.integer(), row.text() ?? "")
        delivery = Delivery(
            position: position,
            id: id,
            refundID: refundID,
            url: url,
            endpoint: endpoint,
            body: [],
            attempts: row.count(),
            lease: row.lease()
        )
        delivery.order = row.text()
        let (disabledAt, reason) = (row.timestamp(), row.text() ?? "")
        refusal = disabledAt.map { URLHealth.Disabling(at: $0, reason: reason).refusal }
    }
}
