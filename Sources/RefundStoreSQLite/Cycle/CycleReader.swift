import RefundCore
import RefundStore
import RefundStoreSQL

/// Reads the input of a cycle, in one transaction.
final class CycleReader {
    // Without the hint, SQLite may choose the index of states and scan every open refund.
    static let byDueTime = "refund_queue q INDEXED BY refund_queue_due"

    let statements: HotStatements
    let request: CycleRequest
    private var input = CycleInput()

    init(_ statements: HotStatements, _ request: CycleRequest) {
        self.statements = statements
        self.request = request
    }

    /// Reads the input of a cycle.
    func read() throws -> CycleInput {
        if !request.results.isEmpty { try readResults() }
        if !request.deliveries.isEmpty { try readDeliveries() }
        guard let claims = request.claims else { return input }
        try readPauses()
        for (name, claim) in claims.gateways where input.pauses[.gateway(name)] == nil {
            input.gateways[name] = try DueReader(self, of: name, claim, claims).read()
        }
        if claims.includesUnknownGateways {
            let unknown = UnknownGatewayReader(statements: statements, claims: claims, now: request.now)
            for name in try unknown.read(into: &input) {
                input.gateways[name] = try DueReader(self, of: name, .init(permits: claims.batch), claims).read()
            }
        }
        try HintReader(statements: statements, claims: claims, now: request.now).read(into: &input)
        try readOverdue(claims)
        try readDelayed(claims)
        try readExpiredClaims(claims)
        if let limiter = claims.endpoints {
            try OutboxReader(statements, request, claims, limiter: limiter).read(into: &input)
        } else {
            try readUnsigned()
        }
        return input
    }

    private func readPauses() throws {
        try statements[Pause.query].read { row in
            if let (peer, pause) = Pause.read(row) { input.pauses[peer] = pause }
            return true
        }
    }

    // MARK: - Ended queries and deliveries

    private func readResults() throws {
        let sql = """
            SELECT \(QueuedRefund.columns) FROM refund_queue q WHERE q.id IN (SELECT value FROM json_each(?))
            """
        try statements[sql].bind(list: request.results).read { row in
            if let refund = QueuedRefund(row: row) { input.results[refund.refund.id] = refund }
            return true
        }
    }

    private func readDeliveries() throws {
        let failed = request.deliveries.filter { !$0.isDelivered }
        if !failed.isEmpty {
            let sql = """
                SELECT id FROM refund_outbox WHERE id IN (SELECT value FROM json_each(?)) AND \(SQLCondition.isSuperseded)
                """
            try statements[sql].bind(list: failed.map(\.id)).read { row in
                if let id = row.text() { input.superseded.insert(id) }
                return true
            }
        }
        let health = """
            SELECT url, \(URLHealth.columns) FROM refund_endpoints WHERE url IN (SELECT value FROM json_each(?))
            """
        try statements[health].bind(JSONWriter.list(Set(request.deliveries.map(\.url)))).read { row in
            if let url = row.text() { input.urlHealth[url] = URLHealth(row: row) }
            return true
        }
        // By webhook: after a restore, another refund may have the id of the one that a webhook reported.
        let isReported = "q.id IN (SELECT refund_id FROM refund_outbox WHERE id IN (SELECT value FROM json_each(?)))"
        let attention = """
            SELECT \(QueuedRefund.columnsWithDeadWebhooks) FROM refund_queue q
            WHERE \(isReported) AND (+q.attention = 'undeliverable' OR \(isReported))
            """
        try statements[attention]
            .bind(list: request.deliveries.map(\.id)).bind(list: failed.map(\.id))
            .read { row in
                if let refund = QueuedRefund(row: row) { input.deliveryRefunds[refund.refund.id] = refund }
                return true
            }
    }

    private func readUnsigned() throws {
        let sql = "SELECT number FROM refund_counts WHERE counted = 'refund_outbox' AND state = 'pending'"
        input.unsignedWebhooks = try statements[sql].first { $0.count() } ?? 0
    }

    // MARK: - Ages, claims

    private func readOverdue(_ claims: ClaimRequest) throws {
        let unflagged = "\(SQLCondition.isOpen) AND ifnull(q.attention, 'undeliverable') = 'undeliverable'"
        let source = "refund_queue q INDEXED BY refund_queue_ageing WHERE \(unflagged)"
        (input.overdue, input.nextOverdue) = try readAged(source, since: claims.overdueSince, claims)
    }

    private func readDelayed(_ claims: ClaimRequest) throws {
        guard let since = claims.delayedSince else { return }
        let isReported = "ifnull(q.attention_told, 0) & \(NotifiedReasons.delayed.rawValue)"
        let unreported = "\(SQLCondition.isOpen) AND \(isReported) = 0"
        let source = "refund_queue q INDEXED BY refund_queue_delays WHERE \(unreported)"
        (input.delayed, input.nextDelayed) = try readAged(source, since: since, claims)
    }

    // The oldest refunds that were enqueued by a time, and when the next one after it was.
    private func readAged(
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
        let later = "SELECT min(q.created_at) FROM \(source) AND q.created_at > ?"
        return (found, try statements[later].bind(since).first { $0.timestamp() })
    }

    private func readExpiredClaims(_ claims: ClaimRequest) throws {
        let latest = request.now.advanced(by: CycleLimit.lease)
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
                if let id = row.integer() { input.expiredRefunds[id] = row.lease() }
                return true
            }
            try select("refund_outbox", except: webhooks).read { row in
                if let id = row.text() { input.expiredWebhooks[id] = row.lease() }
                return true
            }
        }
    }
}
