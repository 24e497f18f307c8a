import RefundCore
import RefundStore

extension SQLiteTransaction {
    // The waiting webhooks, their attempts and the latest attempts of all that are examined.
    private static let waiting = 1_000
    private static let attempts = 10_000
    // Enough of a response to recognise the receiver's error.
    private static let answerBytes = 200

    private struct Waiting {
        var webhooks = 0
        var attempted = 0
        var next: Timestamp?
        var last: Timestamp?
        /// The failed attempts, the newest first.
        var failures: [(id: Int64, at: Timestamp, reason: String)] = []
        /// The last attempt that the endpoint accepted; 0 if none is known.
        var accepted: Int64 = 0
    }

    /// Finds the endpoints whose every attempt since the last success failed, and the retries that wait elsewhere.
    func addRefusals(to status: inout EndpointStatus, at now: Timestamp) throws {
        var endpoints = try waitingWebhooks()
        try addFailures(to: &endpoints)
        endpoints = endpoints.filter { !$0.value.failures.isEmpty }
        try addSuccesses(to: &endpoints)
        for (name, endpoint) in endpoints.sorted(by: { $0.key < $1.key }) {
            let failures = endpoint.failures.filter { $0.id > endpoint.accepted }
            guard let first = failures.last, let last = failures.first else {
                status.retries.count += endpoint.attempted
                status.retries.last = [status.retries.last, endpoint.last].compactMap(\.self).max()
                continue
            }
            guard now.duration(since: first.at) >= EndpointRefusal.patience else { continue }
            status.refusals.append(
                EndpointRefusal(
                    endpoint: name,
                    since: first.at,
                    attempts: failures.count,
                    reason: last.reason,
                    answer: try answer(toAttempt: last.id),
                    waiting: endpoint.webhooks,
                    next: endpoint.next
                )
            )
        }
        status.refusals.sort { ($0.since, $0.endpoint) < ($1.since, $1.endpoint) }
        status.refusals = Array(status.refusals.prefix(EndpointStatus.listed))
    }

    private static let oldest = """
        (SELECT position, endpoint, attempts, next_attempt_at FROM refund_outbox INDEXED BY refund_outbox_state
        WHERE state = '\(WebhookState.pending.rawValue)' ORDER BY position LIMIT \(waiting))
        """

    private func waitingWebhooks() throws -> [String: Waiting] {
        let sql = """
            SELECT endpoint, count(*), sum(attempts > 0), min(next_attempt_at),
            max(CASE WHEN attempts > 0 THEN next_attempt_at END) FROM \(Self.oldest) GROUP BY endpoint
            """
        var found: [String: Waiting] = [:]
        try statements[sql].read { row in
            guard let name = row.text() else { return true }
            var endpoint = Waiting(webhooks: Int(clamping: row.integer() ?? 0))
            endpoint.attempted = Int(clamping: row.integer() ?? 0)
            (endpoint.next, endpoint.last) = (row.timestamp(), row.timestamp())
            found[name] = endpoint
            return true
        }
        return found
    }

    // A URL that is gone says nothing about the other URLs of its endpoint.
    private func addFailures(to endpoints: inout [String: Waiting]) throws {
        let sql = """
            SELECT w.endpoint, a.id, a.at, ifnull(a.error, 'HTTP ' || a.status)
            FROM \(Self.oldest) w JOIN refund_outbox_attempts a ON a.position = w.position
            WHERE w.attempts > 0 AND ifnull(a.status, 0) NOT BETWEEN 200 AND 299 AND a.status IS NOT 410
            ORDER BY a.id DESC LIMIT ?
            """
        var found = endpoints
        try statements[sql].bind(Self.attempts).read { row in
            guard let name = row.text(), let id = row.integer(), let at = row.timestamp() else { return true }
            found[name]?.failures.append((id, at, row.text() ?? "no response"))
            return true
        }
        endpoints = found
    }

    // Goes back no further than it takes to judge every endpoint.
    private func addSuccesses(to endpoints: inout [String: Waiting]) throws {
        guard let first = endpoints.values.compactMap({ $0.failures.last?.id }).min() else { return }
        let sql = """
            SELECT w.endpoint, a.id FROM refund_outbox_attempts a CROSS JOIN refund_outbox w ON w.position = a.position
            WHERE a.id > ? AND a.status BETWEEN 200 AND 299 ORDER BY a.id DESC LIMIT ?
            """
        var (found, left) = (endpoints, Set(endpoints.keys))
        try statements[sql].bind(first).bind(Self.attempts).read { row in
            guard let name = row.text(), let id = row.integer() else { return true }
            if left.remove(name) != nil { found[name]?.accepted = id }
            return !left.isEmpty
        }
        endpoints = found
    }

    private func answer(toAttempt id: Int64) throws -> [UInt8]? {
        let sql = "SELECT substr(answer, 1, ?) FROM refund_outbox_attempts WHERE id = ?"
        return try statements[sql].bind(Self.answerBytes).bind(id).first { $0.bytes() }
    }
}
