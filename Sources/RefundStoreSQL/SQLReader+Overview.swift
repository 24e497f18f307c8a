package import RefundCore
package import RefundStore

// Every query reads a bounded number of rows along an index, however many the queue holds.
extension SQLReader {
    package func overview(at now: Timestamp) throws(StoreError) -> QueueOverview {
        var overview = QueueOverview(status: try status(at: now))
        overview.backlogs = try endpointBacklogs()
        try mapped {
            for reason in Attention.allCases where overview.status.attention[reason] ?? 0 > 0 {
                overview.flagged[reason] = try flagged(reason)
            }
            for state in RefundState.open { try sum(state, into: &overview.waiting, at: now) }
            overview.settleTimes = try settleTimes(since: now.advanced(by: .zero - QueueOverview.period))
            overview.changes = try newestChanges()
        }
        return overview
    }

    private func flagged(_ reason: Attention) throws -> [Refund] {
        let sql = """
            SELECT \(QueuedRefund.columns) FROM refund_queue q \(Self.by("refund_queue_attention"))
            WHERE q.attention = $1 AND q.attention IS NOT NULL ORDER BY q.id LIMIT $2
            """
        return try rows(try query(sql).bind(reason.rawValue).bind(QueueOverview.listed)) { row in
            QueuedRefund(row: row)?.refund
        }
    }

    private func sum(_ state: RefundState, into waiting: inout WaitingMoney, at now: Timestamp) throws {
        let sql = """
            SELECT created_at, coalesce(expected_amount, trans_amount), coalesce(expected_currency, trans_currency)
            FROM refund_queue \(Self.by("refund_queue_state")) WHERE state = $1 ORDER BY created_at LIMIT $2
            """
        var (count, found) = (0, waiting)
        try read(try query(sql).bind(state.rawValue).bind(QueueOverview.summed + 1)) { row in
            count += 1
            guard count <= QueueOverview.summed else { return }
            let age = now.duration(since: row.timestamp() ?? now)
            let (amount, currency) = (row.text(), row.text())
            found.add(amount.flatMap { amount in currency.map { Money(amount: amount, currency: $0) } }, age: age)
        }
        if count > QueueOverview.summed { found.isPartial = true }
        waiting = found
    }

    // From the newest changes to their refunds, as a LEFT JOIN says, and never from the refunds to their changes.
    private func settleTimes(since start: Timestamp) throws -> [String: [Duration]] {
        let sql = """
            SELECT q.gateway, t.at - t.enqueued_at FROM
            (SELECT refund_id, at, from_state, to_state, actor, enqueued_at FROM refund_transitions
            ORDER BY id DESC LIMIT $1) t LEFT JOIN refund_queue q ON q.id = t.refund_id
            WHERE t.at >= $2 AND t.to_state IN ('settled', 'failed') AND t.from_state <> t.to_state AND t.actor = $3
            """
        var times: [String: [Duration]] = [:]
        let query = try query(sql).bind(QueueOverview.searched).bind(start).bind(Transition.refundd)
        try read(query) { row in
            guard let gateway = row.text(), let time = row.integer() else { return }
            times[gateway, default: []].append(.milliseconds(max(time, 0)))
        }
        return times
    }

    private func newestChanges() throws -> [RecentChange] {
        let sql = """
            SELECT t.at, t.refund_id, coalesce(q.merchant_order_no, q.trans_no), q.gateway, t.from_state, t.to_state,
            t.actor, t.attention FROM (SELECT id, at, refund_id, from_state, to_state, actor, attention
            FROM refund_transitions ORDER BY id DESC LIMIT 20) t
            LEFT JOIN refund_queue q ON q.id = t.refund_id ORDER BY t.id DESC
            """
        return try rows(try query(sql)) { row in
            var change = RecentChange(
                at: row.timestamp() ?? Timestamp(milliseconds: 0),
                refundID: row.integer() ?? 0,
                number: row.text() ?? "",
                gateway: row.text() ?? "",
                from: row.text() ?? "",
                to: row.text() ?? "",
                actor: row.text() ?? ""
            )
            change.attention = row.text()
            return change
        }
    }
}
