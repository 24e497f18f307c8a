import RefundCore
import RefundPostgres
import RefundStore
import RefundStoreSQL

/// Reads and locks the due webhooks, endpoint by endpoint.
///
/// The names of endpoints are part of the cycle's first flight. If any webhook is due, a second flight finds the
/// webhooks, and a third locks their refunds and looks again. One statement could not: its view of other daemons' claims
/// would be older than its lock, and two webhooks of one refund might be sent at a time.
final class OutboxReader {
    private let tx: PostgresTransaction
    private let now: Timestamp
    private let claims: ClaimRequest
    private let limiter: EndpointLimiter
    /// The webhooks whose attempts ended, which hold up no other webhook of their refund.
    private let ended: [String]
    /// The endpoints of the missing, the oldest and the invalid times.
    private var names: [[String]] = [[], [], []]
    private var nextAttempt: Timestamp?

    /// Adds to the cycle's flight what reads the endpoints.
    init(_ tx: PostgresTransaction, _ request: CycleRequest, _ claims: ClaimRequest, limiter: EndpointLimiter) {
        (self.tx, now, self.claims, self.limiter) = (tx, request.now, claims, limiter)
        ended = request.deliveries.map(\.id)
        // A missing time, or one further ahead than any retry, counts as due.
        let ranges = [
            ("IS NULL", "w.endpoint"), ("<= $1", "w.next_attempt_at"), ("> $2", "w.next_attempt_at"),
        ]
        for (index, (range, order)) in ranges.enumerated() {
            readEndpoints("w.next_attempt_at \(range) ORDER BY \(order)", limit: CycleLimit.oldestWebhooks) { [self] in
                names[index].append($0)
            }
        }
        let next = """
            SELECT w.next_attempt_at FROM refund_outbox w WHERE \(SQLCondition.isWaiting)
            AND w.next_attempt_at > $1 AND w.next_attempt_at <= $2 ORDER BY w.next_attempt_at LIMIT 1
            """
        tx.flight.add(next).bind(now).bind(claims.latestAttempt).read { [self] row in nextAttempt = row.timestamp() }
    }

    private func readEndpoints(_ range: String, limit: Int, _ body: @escaping (String) -> Void) {
        let sql = "SELECT w.endpoint FROM refund_outbox w WHERE \(SQLCondition.isWaiting) AND \(range) LIMIT $3"
        tx.flight.add(sql).bind(now).bind(claims.latestAttempt).bind(limit).read { row in
            if let name = row.text() { body(name) }
        }
    }

    // MARK: - Endpoints

    /// Reads the webhooks that may be sent, once the flight has run.
    func finish(into input: inout CycleInput) throws {
        input.nextAttempt = nextAttempt
        let pauses = input.pauses
        let names = try dueEndpoints(into: &input).filter { pauses[.endpoint($0)] == nil }
        guard !names.isEmpty else { return }
        let candidates = names.map { name in
            // No more than this can be sent; what the others use up is known only later.
            EndpointCandidates(
                name,
                limit: self.limiter.free(for: name, at: now),
                isProbed: self.limiter.isOpen(name)
            )
        }
        let verdictsFirst = input.sendsVerdictsFirst(at: now)
        let probed = candidates.filter { $0.isProbed && $0.limit > 0 }.map(\.name)
        let breakers = SharedBreakers(.endpoint, names, probed: probed, tx.flight)
        for endpoint in candidates where endpoint.limit > 0 { read(endpoint, verdictsFirst: verdictsFirst) }
        try tx.send()
        var (left, limiter) = (claims.batch, self.limiter)
        var chosen: [DueEndpoint] = []
        for endpoint in candidates {
            var due = DueEndpoint(endpoint: endpoint.name)
            due.breaker = breakers.recorded[endpoint.name]
            let open = due.breaker.map { (since: $0.since, reason: $0.reason, nextProbe: $0.nextProbe) }
            _ = limiter.adopt(endpoint.name, open, at: now)
            let free = limiter.free(for: endpoint.name, at: now)
            due.isProbedElsewhere = free > 0 && breakers.isProbedElsewhere(endpoint.name)
            if free > 0, !due.isProbedElsewhere {
                endpoint.choose(into: &due, limit: free, disabledLimit: left, batch: claims.batch)
                left -= due.disabled.count
                limiter.started(endpoint.name, count: due.deliveries.count, at: now)
            }
            chosen.append(due)
        }
        try lock(&chosen)
        input.endpoints = chosen
    }

    // The cost does not grow with the webhooks and endpoints that wait. If too many are due to read them all, the latest
    // are read too, since their endpoints may be proven ones with free slots, and endpoints take turns.
    private func dueEndpoints(into input: inout CycleInput) throws -> [String] {
        var (found, known): ([String], Set<String>) = ([], [])
        func add(_ names: [String]) { found += names.filter { known.insert($0).inserted } }
        for list in names {
            add(list)
            if list.count >= CycleLimit.oldestWebhooks { input.hasManyDueWebhooks = true }
        }
        guard input.hasManyDueWebhooks else { return found }
        var (newest, inTurn, last): ([String], [String], [UInt8]?) = ([], [], nil)
        readEndpoints("w.next_attempt_at <= $1 ORDER BY w.next_attempt_at DESC", limit: CycleLimit.newestWebhooks) {
            newest.append($0)
        }
        readEndpointsInTurn { name, hasDue in
            last = name.map { Array($0.utf8) }
            if let name, hasDue { inTurn.append(name) }
        }
        try tx.send()
        add(newest)
        add(inTurn)
        input.lastEndpoint = last
        return found
    }

    // Steps from endpoint to endpoint along the index.
    private func readEndpointsInTurn(_ body: @escaping (_ name: String?, _ hasDue: Bool) -> Void) {
        func next(_ bound: String) -> String {
            """
            (SELECT w.endpoint FROM refund_outbox w WHERE w.state = 'pending' AND w.endpoint > \(bound)
            ORDER BY w.endpoint LIMIT 1)
            """
        }
        func has(_ range: String) -> String {
            """
            EXISTS (SELECT 1 FROM refund_outbox w WHERE \(SQLCondition.isWaiting) AND w.endpoint = name
            AND w.next_attempt_at \(range))
            """
        }
        let sql = """
            WITH RECURSIVE names (name, step) AS (
                SELECT \(next("$3")), 1
                UNION ALL
                SELECT \(next("name")), step + 1 FROM names WHERE name IS NOT NULL AND step < \(CycleLimit.endpoints)
            )
            SELECT name, \(has("<= $1")) OR \(has("IS NULL")) OR \(has("> $2")) FROM names
            """
        tx.flight.add(sql)
            .bind(now).bind(claims.latestAttempt).bind(String(decoding: claims.lastEndpoint, as: UTF8.self))
            .read { row in body(row.text(), row.integer() == 1) }
    }

    // MARK: - Webhooks

    private static let ranges = ["<= $1", "IS NULL", "> $2"]
    // Bounded by the time of the latest due webhooks, since the index does not know types.
    private static let isLateVerdict = """
        AND w.type IN ('refund.settled', 'refund.failed') AND w.redelivery = 0 AND w.next_attempt_at >=
        (SELECT min(l.next_attempt_at) FROM (SELECT w.next_attempt_at FROM refund_outbox w
        WHERE \(SQLCondition.isWaiting) AND w.endpoint = $3 AND w.next_attempt_at <= $1
        ORDER BY w.next_attempt_at DESC LIMIT \(CycleLimit.latestWebhooks)) l)
        """

    private func read(_ endpoint: EndpointCandidates, verdictsFirst: Bool) {
        // A probe should be likely to succeed, so it goes to a URL without a failure since its last success.
        if endpoint.isProbed {
            let isUntried = "AND NOT EXISTS (SELECT 1 FROM refund_endpoints e WHERE e.url = w.url)"
            read(endpoint, Self.ranges, isUntried) { endpoint.untried.append($0) }
        }
        if verdictsFirst { read(endpoint, ["<= $1"], Self.isLateVerdict) { endpoint.verdicts.append($0) } }
        read(endpoint, Self.ranges, "") { endpoint.all.append($0) }
    }

    private func read(
        _ endpoint: EndpointCandidates,
        _ ranges: [String],
        _ filter: String,
        _ body: @escaping (DueWebhook) -> Void
    ) {
        for range in ranges {
            let sql = """
                SELECT \(DueWebhook.columns) FROM refund_outbox w \(DueWebhook.disabledURL)
                WHERE \(SQLCondition.isWaiting) AND w.endpoint = $3 AND w.next_attempt_at \(range)
                AND w.id <> ALL ($4) \(filter) AND NOT EXISTS (SELECT 1 FROM refund_outbox f
                WHERE f.refund_id = w.refund_id AND f.leased_until IS NOT NULL AND f.id <> ALL ($5))
                ORDER BY w.next_attempt_at, w.position LIMIT $6
                """
            tx.flight.add(sql)
                .bind(now).bind(claims.latestAttempt).bind(endpoint.name).bind(list: claims.heldWebhooks)
                .bind(list: ended).bind(endpoint.limit + claims.batch + 1)
                .read { row in body(DueWebhook(row: row, endpoint: endpoint.name)) }
        }
    }

    // A daemon locks the refund before it sends its webhook, then checks that no other webhook of it is in flight, and
    // that nobody has claimed this one since it was read: its attempts and its next time may be others.
    private func lock(_ endpoints: inout [DueEndpoint]) throws {
        let deliveries = endpoints.flatMap(\.deliveries)
        let disabled = endpoints.flatMap(\.disabled).compactMap(\.delivery.refundID)
        guard !deliveries.isEmpty || !disabled.isEmpty else { return }
        var (refunds, locked): (Set<Int64>, [Int64: (lease: Int64, body: [UInt8])]) = ([], [:])
        tx.flight.add("SELECT q.id FROM refund_queue q WHERE q.id = ANY ($1) ORDER BY q.id \(CycleReader.lock)")
            .bind(list: Set(deliveries.compactMap(\.refundID)))
            .read { row in if let id = row.integer() { refunds.insert(id) } }
        let webhooks = """
            SELECT w.position, w.lease, e.body FROM refund_outbox w JOIN refund_event_log e ON e.position = w.position
            WHERE w.position = ANY ($1) AND \(SQLCondition.isWaiting) AND NOT EXISTS (SELECT 1 FROM refund_outbox f
            WHERE f.refund_id = w.refund_id AND f.leased_until IS NOT NULL AND f.id <> ALL ($2))
            ORDER BY w.position FOR NO KEY UPDATE OF w SKIP LOCKED
            """
        tx.flight.add(webhooks).bind(list: deliveries.map(\.position)).bind(list: ended).read { row in
            if let position = row.integer() { locked[position] = (row.lease(), row.bytes() ?? []) }
        }
        var rows: [Int64: QueuedRefund] = [:]
        tx.flight.add("SELECT \(QueuedRefund.columnsWithDeadWebhooks) FROM refund_queue q WHERE q.id = ANY ($1)")
            .bind(list: disabled).read { row in
                if let refund = QueuedRefund(row: row) { rows[refund.refund.id] = refund }
            }
        try tx.send()
        for index in endpoints.indices {
            endpoints[index].deliveries = endpoints[index].deliveries.compactMap { delivery in
                guard delivery.refundID.map(refunds.contains) ?? true, let webhook = locked[delivery.position],
                    webhook.lease == delivery.lease
                else { return nil }
                var delivery = delivery
                delivery.body = webhook.body
                return delivery
            }
            for number in endpoints[index].disabled.indices {
                let id = endpoints[index].disabled[number].delivery.refundID
                endpoints[index].disabled[number].refund = id.flatMap { rows[$0] }
            }
        }
    }
}
