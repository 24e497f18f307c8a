import RefundCore
package import RefundStore

extension SQLReader {
    package func lastTransition() throws(StoreError) -> Int64 {
        try mapped { try number("SELECT max(id) FROM refund_transitions") ?? 0 }
    }

    package func operatorChanges(after id: Int64, limit: Int) throws(StoreError) -> OperatorChanges {
        try mapped {
            var found = OperatorChanges(last: id)
            let sql = """
                SELECT id, from_state, to_state, actor FROM refund_transitions WHERE id > $1 ORDER BY id LIMIT $2
                """
            try read(try query(sql).bind(id).bind(limit)) { row in
                found.last = row.integer() ?? found.last
                guard let from = row.text(), let to = row.text() else { return }
                if row.text() != Transition.refundd { found.changes.append(.init(from: from, to: to)) }
            }
            return found
        }
    }

    package func endpointBacklogs() throws(StoreError) -> [EndpointBacklog] {
        try mapped {
            var backlogs: [String: EndpointBacklog] = [:]
            for (state, order) in [(WebhookState.pending, "ASC"), (.dead, "DESC")] {
                let newest = { (column: String) in
                    "(SELECT n.\(column) FROM refund_outbox n WHERE n.position = found.newest)"
                }
                let sql = """
                    SELECT endpoint, number, \(newest("id")), \(newest("last_error")) FROM
                    (SELECT endpoint, count(*) AS number, max(position) AS newest FROM
                    (SELECT endpoint, position FROM refund_outbox \(Self.by("refund_outbox_state"))
                    WHERE state = $1 ORDER BY position \(order) LIMIT $2) o GROUP BY endpoint) found
                    """
                try read(try query(sql).bind(state.rawValue).bind(EndpointBacklog.counted)) { row in
                    guard let endpoint = row.text() else { return }
                    let count = row.count()
                    var backlog = backlogs[endpoint] ?? EndpointBacklog(endpoint: endpoint)
                    if state == .dead {
                        backlog.dead = count
                        (backlog.newestDead, backlog.lastError) = (row.text(), row.text())
                    } else {
                        backlog.waiting = count
                    }
                    backlogs[endpoint] = backlog
                }
            }
            return backlogs.values.sorted { ($1.dead, $1.waiting, $0.endpoint) < ($0.dead, $0.waiting, $1.endpoint) }
        }
    }

    package func disabledURLs() throws(StoreError) -> [String: String] {
        try mapped {
            let sql = "SELECT url, coalesce(reason, '') FROM refund_endpoints WHERE disabled_at IS NOT NULL"
            let found = try rows(try query(sql)) { row -> (String, String)? in
                row.text().map { ($0, row.text() ?? "") }
            }
            return Dictionary(found) { first, _ in first }
        }
    }
}
