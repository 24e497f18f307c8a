import RefundCore
import RefundPostgres
import RefundStore

// Every query reads a bounded number of rows along an index, however many the queue holds.
extension PostgresTransaction {
    func overview(at now: Timestamp) throws(StoreError) -> QueueOverview {
        var overview = QueueOverview(status: try status(at: now))
        overview.backlogs = try endpointBacklogs()
        try mapped {
            for reason in Attention.allCases where overview.status.attention[reason] ?? 0 > 0 {
                overview.flagged[reason] = try flagged(reason)
            }
            for state in [RefundState.pending, .processing] { try sum(state, into: &overview.waiting, at: now) }
            overview.settleTimes = try settleTimes(since: now.advanced(by: .zero - QueueOverview.period))
            overview.changes = try newestChanges()
        }
        return overview
    }

    func refundID(ofWebhook id: String) throws(StoreError) -> Int64? {
        try mapped { try number("SELECT refund_id FROM refund_outbox WHERE id = $1") { $0.bind(id) } }
    }

    private func flagged(_ reason: Attention) throws -> [Refund] {
        let sql = """
            SELECT \(QueuedRefund.columns) FROM refund_queue q
            WHERE q.attention = $1 AND q.attention IS NOT NULL ORDER BY q.id LIMIT $2
            """
        return try rows(flight.add(sql).bind(reason.rawValue).bind(QueueOverview.listed), QueuedRefund.init(row:))
            .map(\.refund)
    }

    private func sum(_ state: RefundState, into waiting: inout WaitingMoney, at now: Timestamp) throws {
        let sql = """
            SELECT created_at, coalesce(expected_amount, trans_amount), coalesce(expected_currency, trans_currency)
            FROM refund_queue WHERE state = $1 ORDER BY created_at LIMIT $2
            """
        let found = try rows(flight.add(sql).bind(state.rawValue).bind(QueueOverview.summed + 1)) { row in
            (time: row.timestamp(), amount: row.text(), currency: row.text())
        }
        if found.count > QueueOverview.summed { waiting.isPartial = true }
        for row in found.prefix(QueueOverview.summed) {
            let money = row.amount.flatMap { amount in row.currency.map { Money(amount: amount, currency: $0) } }
            waiting.add(money, age: now.duration(since: row.time ?? now))
        }
    }

    private func settleTimes(since start: Timestamp) throws -> [String: [Duration]] {
        let sql = """
            SELECT q.gateway, t.at - t.enqueued_at FROM
            (SELECT id, refund_id, at, from_state, to_state, actor, enqueued_at FROM refund_transitions
            ORDER BY id DESC LIMIT $1) t JOIN refund_queue q ON q.id = t.refund_id
            WHERE t.at >= $2 AND t.to_state IN ('settled', 'failed') AND t.from_state <> t.to_state AND t.actor = $3
            ORDER BY t.id DESC
            """
        let statement = flight.add(sql).bind(QueueOverview.searched).bind(start).bind(Transition.refundd)
        let found = try rows(statement) { row in (gateway: row.text(), time: row.integer()) }
        var times: [String: [Duration]] = [:]
        for case (let gateway?, let time?) in found { times[gateway, default: []].append(.milliseconds(max(time, 0))) }
        return times
    }

    private func newestChanges() throws -> [RecentChange] {
        let sql = """
            SELECT t.at, t.refund_id, coalesce(q.merchant_order_no, q.trans_no), q.gateway, t.from_state, t.to_state,
            t.actor, t.attention FROM (SELECT * FROM refund_transitions ORDER BY id DESC LIMIT 20) t
            JOIN refund_queue q ON q.id = t.refund_id ORDER BY t.id DESC
            """
        return try rows(flight.add(sql)) { row in
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
