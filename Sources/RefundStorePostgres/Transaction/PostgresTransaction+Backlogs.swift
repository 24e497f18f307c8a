import RefundCore
import RefundPostgres
import RefundStore

extension PostgresTransaction {
    func lastTransition() throws(StoreError) -> Int64 {
        try mapped { try number("SELECT max(id) FROM refund_transitions") ?? 0 }
    }

    func operatorChanges(after id: Int64, limit: Int) throws(StoreError) -> OperatorChanges {
        try mapped {
            var found = OperatorChanges(last: id)
            let sql = """
                SELECT id, from_state, to_state, actor FROM refund_transitions WHERE id > $1 ORDER BY id LIMIT $2
                """
            let rows = try rows(flight.add(sql).bind(id).bind(limit)) { row in
                (id: row.integer(), from: row.text() ?? "", to: row.text() ?? "", actor: row.text())
            }
            for row in rows {
                found.last = row.id ?? found.last
                if row.actor != Transition.refundd { found.changes.append(.init(from: row.from, to: row.to)) }
            }
            return found
        }
    }

    func endpointBacklogs() throws(StoreError) -> [EndpointBacklog] {
        try mapped {
            var backlogs: [String: EndpointBacklog] = [:]
            for (state, order) in [(WebhookState.pending, "ASC"), (.dead, "DESC")] {
                let sql = """
                    SELECT endpoint, count(*), (array_agg(id ORDER BY position DESC))[1],
                    (array_agg(last_error ORDER BY position DESC))[1] FROM
                    (SELECT endpoint, position, id, last_error FROM refund_outbox
                    WHERE state = $1 ORDER BY position \(order) LIMIT $2) o GROUP BY endpoint
                    """
                let rows = try rows(flight.add(sql).bind(state.rawValue).bind(EndpointBacklog.counted)) { row in
                    (endpoint: row.text() ?? "", count: row.count(), newest: row.text(), error: row.text())
                }
                for row in rows {
                    var backlog = backlogs[row.endpoint] ?? EndpointBacklog(endpoint: row.endpoint)
                    if state == .dead {
                        (backlog.dead, backlog.newestDead, backlog.lastError) = (row.count, row.newest, row.error)
                    } else {
                        backlog.waiting = row.count
                    }
                    backlogs[row.endpoint] = backlog
                }
            }
            return backlogs.values.sorted { ($1.dead, $1.waiting, $0.endpoint) < ($0.dead, $0.waiting, $1.endpoint) }
        }
    }

    func claims() throws(StoreError) -> (refunds: Set<Int64>, webhooks: Set<String>) {
        try mapped {
            let isLeased = "leased_until IS NOT NULL"
            let refunds = try rows(
                flight.add("SELECT id FROM refund_queue WHERE state IN ('pending', 'processing') AND \(isLeased)")
            ) { $0.integer() }
            let webhooks = try rows(flight.add("SELECT id FROM refund_outbox WHERE state = 'pending' AND \(isLeased)"))
            {
                $0.text()
            }
            return (Set(refunds), Set(webhooks))
        }
    }

    func disabledURLs() throws(StoreError) -> [String: String] {
        try mapped {
            let sql = "SELECT url, coalesce(reason, '') FROM refund_endpoints WHERE disabled_at IS NOT NULL"
            let found = try rows(flight.add(sql)) { row -> (String, String)? in
                row.text().map { ($0, row.text() ?? "") }
            }
            return Dictionary(found) { first, _ in first }
        }
    }
}
