import RefundCore
import RefundStore

// The attempts of the waiting webhooks, and the latest attempts of all, that are examined.
private let attemptLimit = 10_000
// Enough of a response to recognise the receiver's error.
private let answerBytes = 200

/// The webhooks that wait for an endpoint.
private struct WaitingWebhooks {
    var count = 0
    var attempted = 0
    var next: Timestamp?
    var last: Timestamp?
    /// The failed attempts, the newest first.
    var failures: [(id: Int64, at: Timestamp, reason: String)] = []
    /// The last attempt that the endpoint accepted; 0 if none is known.
    var accepted: Int64 = 0
}

extension SQLReader {
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
            let refusal = EndpointRefusal(
                endpoint: name,
                since: first.at,
                attempts: failures.count,
                reason: last.reason,
                answer: try answer(toAttempt: last.id),
                waiting: endpoint.count,
                next: endpoint.next
            )
            // One failure may be that webhook's own.
            if refusal.attempts > 1 || refusal.isLasting(at: now) { status.refusals.append(refusal) }
        }
        backdateBreakers(of: &status)
        status.refusals.sort { ($0.since, $0.endpoint) < ($1.since, $1.endpoint) }
        status.refusals = Array(status.refusals.prefix(EndpointStatus.listed))
    }

    // A breaker opens only after many failures, and an endpoint has failed since the first of them.
    private func backdateBreakers(of status: inout EndpointStatus) {
        let begins = Dictionary(status.refusals.map { ($0.endpoint, $0.since) }) { first, _ in first }
        for index in status.open.indices {
            guard let begin = begins[status.open[index].endpoint] else { continue }
            status.open[index].breaker.since = min(status.open[index].breaker.since, begin)
        }
    }

    private static var oldest: String {
        """
        (SELECT position, endpoint, attempts, next_attempt_at FROM refund_outbox \(by("refund_outbox_state"))
        WHERE state = '\(WebhookState.pending.rawValue)' ORDER BY position LIMIT \(EndpointRefusal.counted)) w
        """
    }

    private func waitingWebhooks() throws -> [String: WaitingWebhooks] {
        let sql = """
            SELECT endpoint, count(*), sum(CASE WHEN attempts > 0 THEN 1 ELSE 0 END), min(next_attempt_at),
            max(CASE WHEN attempts > 0 THEN next_attempt_at END) FROM \(Self.oldest) GROUP BY endpoint
            """
        var found: [String: WaitingWebhooks] = [:]
        try read(try query(sql)) { row in
            guard let name = row.text() else { return }
            var endpoint = WaitingWebhooks(count: row.count(), attempted: row.count())
            (endpoint.next, endpoint.last) = (row.timestamp(), row.timestamp())
            found[name] = endpoint
        }
        return found
    }

    // A URL that is gone says nothing about the other URLs of its endpoint.
    private func addFailures(to endpoints: inout [String: WaitingWebhooks]) throws {
        let sql = """
            SELECT w.endpoint, a.id, a.at, coalesce(a.error, 'HTTP ' || a.status)
            FROM \(Self.oldest) JOIN refund_outbox_attempts a ON a.position = w.position
            WHERE w.attempts > 0 AND coalesce(a.status, 0) NOT BETWEEN 200 AND 299 AND coalesce(a.status, 0) <> 410
            ORDER BY a.id DESC LIMIT $1
            """
        var found = endpoints
        try read(try query(sql).bind(attemptLimit)) { row in
            guard let name = row.text(), let id = row.integer(), let at = row.timestamp() else { return }
            found[name]?.failures.append((id, at, row.text() ?? "no response"))
        }
        endpoints = found
    }

    // From the attempts to their webhooks, as a LEFT JOIN says; it goes back no further than the first failure.
    private func addSuccesses(to endpoints: inout [String: WaitingWebhooks]) throws {
        guard let first = endpoints.values.compactMap({ $0.failures.last?.id }).min() else { return }
        let sql = """
            SELECT w.endpoint, max(a.id) FROM (SELECT id, position FROM refund_outbox_attempts
            WHERE id > $1 AND status BETWEEN 200 AND 299 ORDER BY id DESC LIMIT $2) a
            LEFT JOIN refund_outbox w ON w.position = a.position GROUP BY w.endpoint
            """
        var found = endpoints
        try read(try query(sql).bind(first).bind(attemptLimit)) { row in
            guard let name = row.text(), let id = row.integer() else { return }
            found[name]?.accepted = id
        }
        endpoints = found
    }

    private func answer(toAttempt id: Int64) throws -> [UInt8]? {
        let sql = "SELECT substr(answer, 1, \(answerBytes)) FROM refund_outbox_attempts WHERE id = $1"
        return try rows(try query(sql).bind(id)) { row in row.bytes() }.first
    }
}
