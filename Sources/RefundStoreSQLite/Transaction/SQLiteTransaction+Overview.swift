import RefundCore
import RefundStore

// Every query reads a bounded number of rows along an index, however many the queue holds.
extension SQLiteTransaction {
    func overview(at now: Timestamp) throws(StoreError) -> QueueOverview {
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

    func refundID(ofWebhook id: String) throws(StoreError) -> Int64? {
        try mapped { try number("SELECT refund_id FROM refund_outbox WHERE id = ?") { $0.bind(id) } }
    }

    private func flagged(_ reason: Attention) throws -> [Refund] {
        let sql = """
            SELECT \(QueuedRefund.columns) FROM refund_queue q INDEXED BY refund_queue_attention
            WHERE q.attention = ? AND q.attention IS NOT NULL ORDER BY q.id LIMIT ?
            """
        return try rows(try statements[sql].bind(reason.rawValue).bind(QueueOverview.listed), QueuedRefund.init(row:))
            .map(\.refund)
    }

    private func sum(_ state: RefundState, into waiting: inout WaitingMoney, at now: Timestamp) throws {
        let sql = """
            SELECT created_at, ifnull(expected_amount, trans_amount), ifnull(expected_currency, trans_currency)
            FROM refund_queue INDEXED BY refund_queue_state WHERE state = ? ORDER BY created_at LIMIT ?
            """
        var count = 0
        var found = waiting
        try statements[sql].bind(state.rawValue).bind(QueueOverview.summed + 1).read { row in
            count += 1
            guard count <= QueueOverview.summed else { return false }
            let age = now.duration(since: row.timestamp() ?? now)
            let (amount, currency) = (row.text(), row.text())
            found.add(amount.flatMap { amount in currency.map { Money(amount: amount, currency: $0) } }, age: age)
            return true
        }
        if count > QueueOverview.summed { found.isPartial = true }
        waiting = found
    }

    // The response precedes most columns of a row, but is rarely so long that it spills to other pages.
    private func settleTimes(since start: Timestamp) throws -> [String: [Duration]] {
        let sql = """
            SELECT q.gateway, t.at - t.enqueued_at FROM
            (SELECT refund_id, at, from_state, to_state, actor, enqueued_at FROM refund_transitions
            ORDER BY id DESC LIMIT ?) t CROSS JOIN refund_queue q ON q.id = t.refund_id
            WHERE t.at >= ? AND t.to_state IN ('settled', 'failed') AND t.from_state <> t.to_state AND t.actor = ?
            """
        var times: [String: [Duration]] = [:]
        try statements[sql].bind(QueueOverview.searched).bind(start).bind(Transition.refundd).read { row in
            guard let gateway = row.text(), let time = row.integer() else { return true }
            times[gateway, default: []].append(.milliseconds(max(time, 0)))
            return true
        }
        return times
    }

    private func newestChanges() throws -> [RecentChange] {
        let sql = """
            SELECT t.at, t.refund_id, ifnull(q.merchant_order_no, q.trans_no), q.gateway, t.from_state, t.to_state, t.actor,
            t.attention FROM refund_transitions t CROSS JOIN refund_queue q ON q.id = t.refund_id
            ORDER BY t.id DESC LIMIT 20
            """
        return try rows(try statements[sql]) { row in
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
