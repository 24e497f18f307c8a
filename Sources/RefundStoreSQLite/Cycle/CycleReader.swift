import RefundCore
import RefundStore
import RefundStoreSQL

/// Reads the input of a cycle, in one transaction.
struct CycleReader {
    // The condition of the index `refund_queue_due`, which holds exactly the refunds that can be claimed.
    static let isClaimable = SQLCondition.isClaimable
    // Without the hint, SQLite may choose the index of states and scan every open refund.
    static let byDueTime = "refund_queue q INDEXED BY refund_queue_due"
    // No claim lasts longer; refundd never sets a later end.
    private static let longestLease: Duration = .seconds(24 * 3_600)

    let statements: HotStatements
    let request: CycleRequest

    /// Reads the input of a cycle.
    func read() throws -> CycleInput {
        var input = CycleInput()
        if !request.results.isEmpty { input.results = try refunds(request.results, QueuedRefund.columns) }
        if !request.deliveries.isEmpty { try readDeliveries(into: &input) }
        guard let claims = request.claims else { return input }
        input.pauses = try pauses()
        for (name, claim) in claims.gateways where input.pauses[.gateway(name)] == nil {
            input.gateways[name] = try dueRefunds(of: name, claim, claims)
        }
        if claims.includesUnknownGateways {
            for name in try unknownGateways(into: &input, claims) {
                input.gateways[name] = try dueRefunds(of: name, .init(permits: claims.batch), claims)
            }
        }
        try readHints(into: &input, claims)
        try readOverdue(into: &input, claims)
        try readDelayed(into: &input, claims)
        try readExpiredClaims(into: &input, claims)
        if let limiter = claims.endpoints {
            let ended = request.deliveries.map(\.id)
            try OutboxReader(statements: statements, now: request.now, claims: claims, limiter: limiter, ended: ended)
                .read(into: &input)
        } else {
            let sql = "SELECT number FROM refund_counts WHERE counted = 'refund_outbox' AND state = 'pending'"
            input.unsignedWebhooks = try statements[sql].first { $0.count() } ?? 0
        }
        return input
    }

    private func refunds(_ ids: [Int64], _ columns: String) throws -> [Int64: QueuedRefund] {
        let sql = "SELECT \(columns) FROM refund_queue q WHERE q.id IN (SELECT value FROM json_each(?))"
        var found: [Int64: QueuedRefund] = [:]
        try statements[sql].bind(JSONWriter.list(ids)).read { row in
            if let refund = QueuedRefund(row: row) { found[refund.refund.id] = refund }
            return true
        }
        return found
    }

    private func pauses() throws -> [Peer: Pause] {
        var pauses: [Peer: Pause] = [:]
        try statements[Pause.query].read { row in
            if let (peer, pause) = Pause.read(row) { pauses[peer] = pause }
            return true
        }
        return pauses
    }

    // MARK: - Ended deliveries

    private func readDeliveries(into input: inout CycleInput) throws {
        let failed = request.deliveries.filter { !$0.isDelivered }
        if !failed.isEmpty {
            let sql = """
                SELECT id FROM refund_outbox WHERE id IN (SELECT value FROM json_each(?)) AND \(SQLCondition.isSuperseded)
                """
            try statements[sql].bind(JSONWriter.list(failed.map(\.id))).read { row in
                if let id = row.text() { input.superseded.insert(id) }
                return true
            }
        }
        let health = """
            SELECT url, failing_since, failed_at, disabled_at, reason FROM refund_endpoints
            WHERE url IN (SELECT value FROM json_each(?))
            """
        try statements[health].bind(JSONWriter.list(Set(request.deliveries.map(\.url)))).read { row in
            if let url = row.text() { input.urlHealth[url] = URLHealth(row: row) }
            return true
        }
        // By webhook: after a restore, another refund may have the id of the one that a webhook reported.
        func ids(_ deliveries: [CycleRequest.EndedDelivery]) -> String { JSONWriter.list(deliveries.map(\.id)) }
        let isReported = "q.id IN (SELECT refund_id FROM refund_outbox WHERE id IN (SELECT value FROM json_each(?)))"
        let attention = """
            SELECT \(QueuedRefund.columnsWithDeadWebhooks) FROM refund_queue q
            WHERE \(isReported) AND (+q.attention = 'undeliverable' OR \(isReported))
            """
        try statements[attention]
            .bind(ids(request.deliveries))
            .bind(ids(failed))
            .read { row in
                if let refund = QueuedRefund(row: row) { input.deliveryRefunds[refund.refund.id] = refund }
                return true
            }
    }

    // MARK: - Ages, claims

    private func readOverdue(into input: inout CycleInput, _ claims: ClaimRequest) throws {
        let unflagged = "\(SQLCondition.isOpen) AND ifnull(q.attention, 'undeliverable') = 'undeliverable'"
        let source = "refund_queue q INDEXED BY refund_queue_ageing WHERE \(unflagged)"
        (input.overdue, input.nextOverdue) = try aged(source, since: claims.overdueSince, claims)
    }

    private func readDelayed(into input: inout CycleInput, _ claims: ClaimRequest) throws {
        guard let since = claims.delayedSince else { return }
        let isReported = "ifnull(q.attention_told, 0) & \(NotifiedReasons.delayed.rawValue)"
        let unreported = "\(SQLCondition.isOpen) AND \(isReported) = 0"
        let source = "refund_queue q INDEXED BY refund_queue_delays WHERE \(unreported)"
        (input.delayed, input.nextDelayed) = try aged(source, since: since, claims)
    }

    /// The oldest refunds of a source that were enqueued by a time, and when the next one after it was.
    private func aged(
        _ source: String,
        since: Timestamp,
        _ claims: ClaimRequest
    ) throws -> ([QueuedRefund], next: Timestamp?) {
        // Held rows must not hide the others.
        let held = claims.heldRefunds.isEmpty ? "" : "AND q.id NOT IN (SELECT value FROM json_each(?))"
        let rows = """
            SELECT \(QueuedRefund.columns) FROM \(source) AND q.created_at <= ? \(held) ORDER BY q.created_at LIMIT ?
            """
        let statement = try statements[rows].bind(since)
        if !held.isEmpty { statement.bind(JSONWriter.list(claims.heldRefunds)) }
        var found: [QueuedRefund] = []
        try statement.bind(claims.batch).read { row in
            if let refund = QueuedRefund(row: row) { found.append(refund) }
            return true
        }
        let next = try statements["SELECT min(q.created_at) FROM \(source) AND q.created_at > ?"].bind(since)
        return (found, try next.first { $0.timestamp() })
    }

    private func readExpiredClaims(into input: inout CycleInput, _ claims: ClaimRequest) throws {
        let latest = request.now.advanced(by: Self.longestLease)
        let (refunds, webhooks) = (JSONWriter.list(claims.heldRefunds), JSONWriter.list(claims.heldWebhooks))
        for (condition, bound) in [("< ?", request.now), ("> ?", latest)] {
            func select(_ table: String, except held: String) throws -> HotStatement {
                let sql = """
                    SELECT id, lease FROM \(table) WHERE leased_until \(condition)
                    AND id NOT IN (SELECT value FROM json_each(?)) LIMIT ?
                    """
                return try statements[sql].bind(bound).bind(held).bind(claims.batch)
            }
            try select("refund_queue", except: refunds).read { row in
                if let id = row.integer() { input.expiredRefunds[id] = row.integer() ?? 0 }
                return true
            }
            try select("refund_outbox", except: webhooks).read { row in
                if let id = row.text() { input.expiredWebhooks[id] = row.integer() ?? 0 }
                return true
            }
        }
    }
}
