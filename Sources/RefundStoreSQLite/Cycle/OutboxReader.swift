import RefundCore
import RefundStore
import RefundStoreSQL

/// Reads the due webhooks, endpoint by endpoint.
struct OutboxReader {
    // The condition of the index `refund_outbox_due`, which holds exactly the webhooks that can be claimed.
    private static let waiting = "refund_outbox w INDEXED BY refund_outbox_due WHERE \(SQLCondition.isWaiting)"
    private static let byTime = "refund_outbox w INDEXED BY refund_outbox_turns"
    // With one bound only, statistics of a small outbox can make SQLite sort every waiting webhook.
    private static let isDue = "w.next_attempt_at >= \(Int64.min) AND w.next_attempt_at <= ?"

    private let statements: HotStatements
    private let now: Timestamp
    private let claims: ClaimRequest
    private let limiter: EndpointLimiter
    /// The webhooks whose attempts ended, which hold up no other webhook of their refund.
    private let ended: [String]

    init(_ statements: HotStatements, _ request: CycleRequest, _ claims: ClaimRequest, limiter: EndpointLimiter) {
        (self.statements, now, self.claims, self.limiter) = (statements, request.now, claims, limiter)
        ended = request.deliveries.map(\.id)
    }

    // MARK: - Endpoints

    /// Reads the webhooks that may be sent, and when the next one becomes due.
    func read(into input: inout CycleInput) throws {
        var left = claims.batch
        var limiter = limiter
        let endpoints = try dueEndpoints(into: &input)
        let verdictsFirst = input.sendsVerdictsFirst(at: now)
        for endpoint in endpoints where input.pauses[.endpoint(endpoint)] == nil {
            let free = limiter.free(for: endpoint, at: now)
            var due = DueEndpoint(endpoint: endpoint)
            if limiter.isOpen(endpoint) { due.breaker = try breaker(of: endpoint) }
            if free > 0 {
                try readDue(into: &due, limit: free, disabledLimit: left, verdictsFirst: verdictsFirst)
                left -= due.disabled.count
                limiter.started(endpoint, count: due.deliveries.count, at: now)
            }
            input.endpoints.append(due)
        }
        input.nextAttempt = try nextAttempt()
    }

    private func breaker(of endpoint: String) throws -> OpenBreaker? {
        let sql = "SELECT \(OpenBreaker.columns) FROM refund_breakers WHERE kind = 'endpoint' AND name = ?"
        return try statements[sql].bind(endpoint).first { row in OpenBreaker.read(row)?.1 }
    }

    // The cost does not grow with the webhooks and endpoints that wait. If too many are due to read them all, the latest
    // are read too, whose endpoints may be proven ones with free slots, and endpoints take turns.
    private func dueEndpoints(into input: inout CycleInput) throws -> [String] {
        var (names, known): ([String], Set<String>) = ([], [])
        func add(_ found: [String]) { names += found.filter { known.insert($0).inserted } }
        // A missing time, or one further ahead than any retry, counts as due.
        let missing = try endpoints("w.next_attempt_at IS NULL", nil, limit: CycleLimit.oldestWebhooks)
        let oldest = try endpoints("\(Self.isDue) ORDER BY w.next_attempt_at", now, limit: CycleLimit.oldestWebhooks)
        let isInvalid = "w.next_attempt_at > ? AND w.next_attempt_at <= x'ff' ORDER BY w.next_attempt_at"
        let invalid = try endpoints(isInvalid, claims.latestAttempt, limit: CycleLimit.oldestWebhooks)
        for found in [missing, oldest, invalid] {
            add(found.names)
            if found.rows >= CycleLimit.oldestWebhooks { input.hasManyDueWebhooks = true }
        }
        guard input.hasManyDueWebhooks else { return names }
        add(try endpoints("\(Self.isDue) ORDER BY w.next_attempt_at DESC", now, limit: CycleLimit.newestWebhooks).names)
        add(try endpointsInTurn(into: &input))
        return names
    }

    // The names in order, without the repetitions of a name that follow one another.
    private func endpoints(
        _ range: String,
        _ bound: Timestamp?,
        limit: Int
    ) throws -> (names: [String], rows: Int) {
        let sql = "SELECT w.endpoint FROM \(Self.byTime) WHERE \(SQLCondition.isWaiting) AND \(range) LIMIT ?"
        let statement = try statements[sql]
        if let bound { statement.bind(bound) }
        var (names, rows): ([String], Int) = ([], 0)
        try statement.bind(limit).read { row in
            if let name = row.text() {
                rows += 1
                if name != names.last { names.append(name) }
            }
            return true
        }
        return (names, rows)
    }

    // Steps from endpoint to endpoint along the index. The last name is kept as bytes, because one that is not UTF-8 would
    // not survive the round trip through a Swift string.
    private func endpointsInTurn(into input: inout CycleInput) throws -> [String] {
        func exists(_ range: String) -> String {
            "EXISTS (SELECT 1 FROM \(Self.waiting) AND w.endpoint = name AND w.next_attempt_at \(range))"
        }
        let sql = """
            WITH RECURSIVE names (name, step) AS (
                SELECT (SELECT min(w.endpoint) FROM \(Self.waiting) AND w.endpoint > CAST(?1 AS TEXT)), 1
                UNION ALL
                SELECT (SELECT min(w.endpoint) FROM \(Self.waiting) AND w.endpoint > name), step + 1
                FROM names WHERE name IS NOT NULL AND step < ?4
            )
            SELECT name, name, \(exists("<= ?2")) OR \(exists("IS NULL")) OR \(exists("> ?3")) FROM names
            """
        var names: [String] = []
        try statements[sql].bind(claims.lastEndpoint).bind(now).bind(claims.latestAttempt).bind(CycleLimit.endpoints)
            .read {
                row in
                let (name, bytes) = (row.text(), row.bytes())
                input.lastEndpoint = bytes
                if let name, row.integer() == 1 { names.append(name) }
                return true
            }
        return names
    }

    private func nextAttempt() throws -> Timestamp? {
        let sql = """
            SELECT w.next_attempt_at FROM \(Self.byTime) WHERE \(SQLCondition.isWaiting)
            AND w.next_attempt_at > ? AND w.next_attempt_at <= ? ORDER BY w.next_attempt_at LIMIT 1
            """
        return try statements[sql].bind(now).bind(claims.latestAttempt).first { $0.timestamp() }
    }

    // MARK: - Webhooks

    private func readDue(
        into due: inout DueEndpoint,
        limit: Int,
        disabledLimit: Int,
        verdictsFirst: Bool
    ) throws {
        if limiter.isOpen(due.endpoint) {
            // A probe should be likely to succeed, so it goes to a URL without a failure since its last success.
            let isUntried = "AND NOT EXISTS (SELECT 1 FROM refund_endpoints e WHERE e.url = w.url)"
            try readDue(into: &due, isUntried, limit: limit, disabledLimit: 0)
            if !due.deliveries.isEmpty { return }
        }
        if verdictsFirst {
            try readDue(into: &due, Self.isLateVerdict, limit: limit, disabledLimit: 0)
        }
        try readDue(into: &due, "", limit: limit, disabledLimit: disabledLimit)
    }

    // Bounded by the time of the latest due webhooks, since the index does not know types. The first two values are those
    // of the endpoint and the time.
    private static let isLateVerdict = """
        AND w.type IN ('refund.settled', 'refund.failed') AND w.redelivery = 0 AND w.next_attempt_at >=
        (SELECT min(at) FROM (SELECT l.next_attempt_at AS at FROM refund_outbox l INDEXED BY refund_outbox_due
        WHERE l.state = 'pending' AND l.leased_until IS NULL AND l.endpoint = ?1 AND l.next_attempt_at <= ?2
        ORDER BY l.next_attempt_at DESC LIMIT \(CycleLimit.latestWebhooks)))
        """

    // A missing time, or one further ahead than any retry, counts as due; to SQLite, text is greater than every number.
    // Each range is a query of its own, since for a condition with OR SQLite would scan every waiting webhook.
    private func readDue(into due: inout DueEndpoint, _ filter: String, limit: Int, disabledLimit: Int) throws {
        for (range, bound) in [("<= ?", now), ("IS NULL", nil), ("> ?", claims.latestAttempt)] as [(String, Timestamp?)]
        where due.deliveries.count < limit && (bound == now || filter != Self.isLateVerdict) {
            let sql = select("w.next_attempt_at \(range)", filter)
            let statement = try statements[sql].bind(due.endpoint)
            if let bound { statement.bind(bound) }
            if !claims.heldWebhooks.isEmpty { statement.bind(JSONWriter.list(claims.heldWebhooks)) }
            if !ended.isEmpty { statement.bind(JSONWriter.list(ended)) }
            try read(statement, into: &due, limit: limit, disabledLimit: disabledLimit)
        }
        // No statement may run while another one is being read.
        for index in due.disabled.indices where due.disabled[index].refund == nil {
            due.disabled[index].refund = try refund(of: due.disabled[index].delivery)
        }
    }

    private func select(_ range: String, _ filter: String) -> String {
        let held = claims.heldWebhooks.isEmpty ? "" : "AND w.id NOT IN (SELECT value FROM json_each(?))"
        let hasEnded = ended.isEmpty ? "" : "AND f.id NOT IN (SELECT value FROM json_each(?))"
        return """
            SELECT \(DueWebhook.columns), e.body FROM refund_outbox w INDEXED BY refund_outbox_due
            JOIN refund_event_log e ON e.position = w.position \(DueWebhook.disabledURL)
            WHERE \(SQLCondition.isWaiting) AND w.endpoint = ? AND \(range) \(held) \(filter)
            AND NOT EXISTS
            (SELECT 1 FROM refund_outbox f WHERE f.refund_id = w.refund_id AND f.leased_until IS NOT NULL
            \(hasEnded))
            ORDER BY w.next_attempt_at, w.position
            """
    }

    private func read(
        _ statement: HotStatement,
        into due: inout DueEndpoint,
        limit: Int,
        disabledLimit: Int
    ) throws {
        var found = due
        var refunds = Set(found.deliveries.compactMap(\.refundID))
        var passedOver = 0
        // Row by row, so that webhooks behind the claimed ones are not read.
        try statement.read { row in
            guard found.deliveries.count < limit else { return false }
            guard passedOver < claims.batch else {
                found.hasMore = true
                return false
            }
            let webhook = DueWebhook(row: row, endpoint: found.endpoint)
            var delivery = webhook.delivery
            if let refusal = webhook.refusal {
                passedOver += 1
                guard found.disabled.count < disabledLimit else {
                    found.hasMore = true
                    return true
                }
                found.disabled.append(.init(delivery: delivery, reason: refusal, refund: nil))
            } else if delivery.refundID.map({ refunds.insert($0).inserted }) ?? true {
                delivery.body = row.bytes() ?? []
                found.deliveries.append(delivery)
            }
            return true
        }
        due = found
    }

    private func refund(of delivery: Delivery) throws -> QueuedRefund? {
        guard let id = delivery.refundID else { return nil }
        let sql = "SELECT \(QueuedRefund.columnsWithDeadWebhooks) FROM refund_queue q WHERE q.id = ?"
        return try statements[sql].bind(id).first(QueuedRefund.init(row:))
    }
}
