import GRDB
package import RefundCore

extension StoreTransaction {
    private static let isClaimable = "state = 'pending' AND leased_until IS NULL"
    // Left to itself, SQLite takes the index of states and goes through whatever is pending.
    private static let byDueTime = "INDEXED BY refund_outbox_due"
    private static let waiting = "refund_outbox \(byDueTime) WHERE \(isClaimable)"
    // Whatever a stray UPDATE left there, a count.
    private static let attempts = """
        CASE typeof(attempts) WHEN 'integer' THEN min(max(attempts, 0), \(Int32.max)) ELSE 0 END
        """
    // Bounds what one claim reads of webhooks that are not to be sent.
    private static let mostPassedOver = 256

    /// The endpoints that webhooks wait for.
    package struct WaitingEndpoints: Sendable {
        /// The endpoints with a webhook that is due, the longest due first.
        package var due: [String] = []
        /// When the earliest webhook of all the others is due.
        package var next: Timestamp?
    }

    /// The endpoints that pending webhooks are waiting for.
    ///
    /// Steps from endpoint to endpoint along the index, so the cost grows with the endpoints and not with the webhooks;
    /// one whose webhooks all wait for a later retry costs no more than that step.
    ///
    /// - Parameters:
    ///   - now: The time that decides what is due.
    ///   - latest: The latest time that can be refundd's own; what waits for a later one is due.
    /// - Returns: The endpoints.
    /// - Throws: What SQLite says when it refuses.
    package func waitingEndpoints(at now: Timestamp, latest: Timestamp) throws -> WaitingEndpoints {
        // SQLite takes each step itself: a name that is not UTF-8 would not come back from here as it is there.
        let isLater = "typeof(due) = 'integer' AND due > ?1 AND due <= ?2"
        let sql = """
            WITH RECURSIVE waiting (name) AS (
                SELECT min(endpoint) FROM \(Self.waiting)
                UNION ALL
                SELECT (SELECT min(endpoint) FROM \(Self.waiting) AND endpoint > name)
                FROM waiting WHERE name IS NOT NULL
            ), earliest (name, due) AS MATERIALIZED (
                SELECT name, (SELECT next_attempt_at FROM \(Self.waiting) AND endpoint = name
                    ORDER BY next_attempt_at LIMIT 1)
                FROM waiting WHERE name IS NOT NULL
            )
            SELECT 1, due, name FROM earliest WHERE NOT (\(isLater))
            UNION ALL SELECT 0, min(due), NULL FROM earliest WHERE \(isLater)
            """
        var (due, next): ([(endpoint: String, at: Timestamp)], Timestamp?) = ([], nil)
        for row in try Row.fetchAll(statement(sql, [now.milliseconds, latest.milliseconds])) {
            if row.integer(0) == 0 { next = row.timestamp(1) }
            // A time that is none, whoever wrote it there, has come.
            if let endpoint = row.text(2) { due.append((endpoint, row.timestamp(1) ?? Timestamp(milliseconds: 0))) }
        }
        return WaitingEndpoints(due: due.sorted { $0.at < $1.at }.map(\.endpoint), next: next)
    }

    /// When the earliest webhook for an endpoint is due that is not due yet, or nil when there is none.
    ///
    /// - Parameters:
    ///   - endpoint: The endpoint.
    ///   - now: The time that decides what is due.
    ///   - latest: The latest time that can be refundd's own.
    /// - Returns: The time.
    /// - Throws: What SQLite says when it refuses.
    package func nextDelivery(endpoint: String, after now: Timestamp, latest: Timestamp) throws -> Timestamp? {
        let sql = """
            SELECT min(next_attempt_at) FROM \(Self.waiting)
            AND endpoint = ? AND next_attempt_at > ? AND next_attempt_at <= ?
            """
        return try number(sql, [endpoint, now.milliseconds, latest.milliseconds]).map(Timestamp.init(milliseconds:))
    }

    /// What a claim found.
    package struct DeliveryClaim: Sendable {
        /// The claimed webhooks, longest due first.
        package var deliveries: [Delivery] = []
        /// Webhooks that are due and whose URL is disabled, with the reason in words; they are not claimed.
        package var unsendable: [(delivery: Delivery, reason: String)] = []
        /// Whether more such webhooks are due than were looked at.
        package var isCut = false
    }

    /// Claims the webhooks for an endpoint that have been due longest.
    ///
    /// A refund has one webhook in flight at a time; its others wait for that attempt to end.
    ///
    /// - Parameters:
    ///   - endpoint: The endpoint.
    ///   - now: The time that decides what is due.
    ///   - latest: The latest time that can be refundd's own; what waits for a later one is due.
    ///   - leaseUntil: By when the holder of the claim means to report back.
    ///   - limit: The most webhooks to claim.
    ///   - unsendableLimit: The most webhooks of disabled URLs to return.
    ///   - isProbe: Whether a webhook is sought that is likely to be taken: one to whose URL no attempt has failed
    ///     since the last success, if there is any.
    /// - Returns: What was found.
    /// - Throws: What SQLite says when it refuses.
    package func claimDeliveries(
        endpoint: String,
        at now: Timestamp,
        latest: Timestamp,
        leaseUntil: Timestamp,
        limit: Int,
        unsendableLimit: Int,
        isProbe: Bool = false
    ) throws -> DeliveryClaim {
        // A time that is none, whoever wrote it there, has come. Text is greater than every number to SQLite.
        let mend = """
            UPDATE refund_outbox \(Self.byDueTime) SET next_attempt_at = 0 WHERE \(Self.isClaimable) AND endpoint = ?
            """
        try execute(mend + " AND next_attempt_at IS NULL", [endpoint])
        try execute(mend + " AND next_attempt_at > ?", [endpoint, latest.milliseconds])
        var claim = DeliveryClaim()
        if isProbe {
            let isUntried = "AND NOT EXISTS (SELECT 1 FROM refund_endpoints e WHERE e.url = w.url)"
            claim = try dueDeliveries(endpoint, at: now, limit: limit, unsendableLimit: 0, isUntried)
        }
        if claim.deliveries.isEmpty {
            claim = try dueDeliveries(endpoint, at: now, limit: limit, unsendableLimit: unsendableLimit)
        }
        try lease(claim.deliveries, until: leaseUntil)
        return claim
    }

    private func lease(_ deliveries: [Delivery], until end: Timestamp) throws {
        guard !deliveries.isEmpty else { return }
        // The count is written back as it was read, so that the end of the attempt finds it.
        let sql = """
            UPDATE refund_outbox SET leased_until = ?, lease = lease + 1, attempts = \(Self.attempts)
            WHERE id \(Self.isInList)
            """
        try execute(sql, [end.milliseconds, Self.list(deliveries.map(\.id))])
    }

    private func dueDeliveries(
        _ endpoint: String,
        at now: Timestamp,
        limit: Int,
        unsendableLimit: Int,
        _ condition: String = ""
    ) throws -> DeliveryClaim {
        let select = """
            SELECT w.id, w.refund_id, w.url, e.body, \(Self.attempts), d.disabled_at, d.reason
            FROM refund_outbox w \(Self.byDueTime) JOIN refund_event_log e ON e.position = w.position
            LEFT JOIN refund_endpoints d ON d.url = w.url AND d.disabled_at IS NOT NULL
            WHERE w.state = 'pending' AND w.leased_until IS NULL AND endpoint = ? AND next_attempt_at <= ? \(condition) AND NOT EXISTS
            (SELECT 1 FROM refund_outbox f WHERE f.refund_id = w.refund_id AND f.leased_until IS NOT NULL)
            ORDER BY next_attempt_at, w.position
            """
        var claim = DeliveryClaim()
        var refunds: Set<Int64> = []
        var passedOver = 0
        // Row by row, since what waits behind the claimed ones is not to be read.
        let rows = try Row.fetchCursor(statement(select, [endpoint, now.milliseconds]))
        while claim.deliveries.count < limit, passedOver < Self.mostPassedOver, let row = try rows.next() {
            guard let delivery = Delivery(row: row) else { continue }
            if let since = row.timestamp(5) {
                passedOver += 1
                if claim.unsendable.count < unsendableLimit {
                    let reason = URLHealth.Disabling(at: since, reason: row.text(6) ?? "").refusal
                    claim.unsendable.append((delivery, reason))
                }
            } else if let refundID = delivery.refundID, !refunds.insert(refundID).inserted {
                continue
            } else {
                claim.deliveries.append(delivery)
            }
        }
        claim.isCut = passedOver > claim.unsendable.count || passedOver == Self.mostPassedOver
        return claim
    }
}

extension Delivery {
    fileprivate init?(row: Row) {
        guard let id = row.text(0) else { return nil }
        self.init(
            id: id,
            refundID: row.integer(1),
            // An address that is no text is refused when it is sent to, like any other that is none.
            url: row.text(2) ?? "",
            body: row.bytes(3) ?? [],
            attempts: row.count(4)
        )
    }
}
