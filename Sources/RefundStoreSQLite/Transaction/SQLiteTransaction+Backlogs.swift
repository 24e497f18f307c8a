import RefundCore
import RefundStore

extension SQLiteTransaction {
    func lastTransition() throws(StoreError) -> Int64 {
        try mapped { try number("SELECT max(id) FROM refund_transitions") ?? 0 }
    }

    func operatorChanges(after id: Int64, limit: Int) throws(StoreError) -> OperatorChanges {
        try mapped {
            var found = OperatorChanges(last: id)
            let sql = "SELECT id, from_state, to_state, actor FROM refund_transitions WHERE id > ? ORDER BY id LIMIT ?"
            try statements[sql].bind(id).bind(limit).read { row in
                found.last = row.integer() ?? found.last
                guard let from = row.text(), let to = row.text() else { return true }
                if row.text() != Transition.refundd { found.changes.append(.init(from: from, to: to)) }
                return true
            }
            return found
        }
    }

    func endpointBacklogs() throws(StoreError) -> [EndpointBacklog] {
        try mapped {
            var backlogs: [String: EndpointBacklog] = [:]
            // The outer query's bare columns are those of the row with the highest position.
            for (state, order) in [(WebhookState.pending, "ASC"), (.dead, "DESC")] {
                let sql = """
                    SELECT endpoint, count(*), max(position), id, last_error FROM
                    (SELECT endpoint, position, id, last_error FROM refund_outbox INDEXED BY refund_outbox_state
                    WHERE state = ? ORDER BY position \(order) LIMIT ?) GROUP BY endpoint
                    """
                try statements[sql].bind(state.rawValue).bind(EndpointBacklog.counted).read { row in
                    guard let endpoint = row.text() else { return true }
                    let count = Int(clamping: row.integer() ?? 0)
                    var backlog = backlogs[endpoint] ?? EndpointBacklog(endpoint: endpoint)
                    if state == .dead {
                        backlog.dead = count
                        _ = row.integer()
                        (backlog.newestDead, backlog.lastError) = (row.text(), row.text())
                    } else {
                        backlog.waiting = count
                    }
                    backlogs[endpoint] = backlog
                    return true
                }
            }
            return backlogs.values.sorted { ($1.dead, $1.waiting, $0.endpoint) < ($0.dead, $0.waiting, $1.endpoint) }
        }
    }
}
