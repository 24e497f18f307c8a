import RefundCore
import RefundPostgres
import RefundStore
import RefundStoreSQL

/// Reads the input of a cycle, and locks what the decision may change.
///
/// All that does not depend on other rows is read in one flight. A second one is needed only if webhooks are due, if
/// more refunds are due than may be queried, or for hints and unknown gateways.
final class CycleReader {
    /// Locks the rows of a query, except those that another daemon has locked and will claim.
    static let lock = "FOR NO KEY UPDATE OF q SKIP LOCKED"
    // A claimed row stays where it was in the order of due times, and claims are made at its front.
    private static let claimsAmongDue = 10_000

    let tx: PostgresTransaction
    let request: CycleRequest
    private let looksForExpiredClaims: Bool
    private(set) var input = CycleInput()
    /// The least due time of each gateway's waiting refunds.
    private var fronts: [String: Int64] = [:]
    /// The latest claims of the refunds that this transaction has locked.
    private(set) var leases: [Int64: Int64] = [:]

    var flight: Flight { tx.flight }

    init(_ tx: PostgresTransaction, _ request: CycleRequest, _ looksForExpiredClaims: Bool) {
        self.tx = tx
        self.request = request
        self.looksForExpiredClaims = looksForExpiredClaims
    }

    /// Reads the input of a cycle.
    func read() throws -> CycleInput {
        lockEnded()
        if !request.results.isEmpty { readResults() }
        if !request.deliveries.isEmpty { readDeliveries() }
        guard let claims = request.claims else {
            try tx.send()
            return input
        }
        readPauses()
        readFleet()
        let probed = claims.gateways.filter { $0.value.probe != nil && $0.value.permits > 0 }.keys
        let breakers = SharedBreakers(.gateway, probed: Array(probed), flight)
        readIncidents()
        var due: [String: DueReader] = [:]
        for (name, claim) in claims.gateways { due[name] = DueReader(self, of: name, claim, claims) }
        let unknown = claims.includesUnknownGateways ? UnknownGatewayReader(flight, claims, request.now) : nil
        let hints = HintReader(flight, claims)
        readOverdue(claims)
        readDelayed(claims)
        if looksForExpiredClaims { readExpiredClaims(claims) }
        let outbox = claims.endpoints.map { limiter in
            OutboxReader(tx, request, claims, limiter: limiter)
        }
        if outbox == nil { readUnsigned() }
        try tx.send()

        input.shared?.breakers = breakers.recorded
        for name in unknown?.finish(&input) ?? [] {
            due[name] = DueReader(self, of: name, .init(permits: claims.batch), claims)
        }
        if unknown?.found.isEmpty == false { try tx.send() }
        for (name, pending) in due where claims.gateways[name] == nil || input.pauses[.gateway(name)] == nil {
            input.gateways[name] = try pending.finish(mayProbe: !breakers.isProbedElsewhere(name))
            fronts[name] = pending.front
        }
        try hints.finish(self, &input)
        try outbox?.finish(into: &input)
        for gateway in input.gateways.values { note(gateway.new + gateway.waiting + gateway.hinted.map(\.refund)) }
        note(input.overdue + input.delayed)
        return input
    }

    private func note(_ rows: some Sequence<QueuedRefund>) {
        for row in rows { leases[row.refund.id] = row.lease }
    }

    /// The least due time of the refunds that were waiting, by gateway, where some of them are claimed.
    ///
    /// Those of another merchant, or of the next probe, may be passed over although they have been due longer.
    func dues(of writes: [Write]) -> [String: Int64] {
        var claimed: Set<Int64> = []
        for case .claimRefunds(let claims, _) in writes.map(\.action) { claimed.formUnion(claims.map(\.id)) }
        return fronts.filter { gateway, _ in
            input.gateways[gateway]?.waiting.contains { claimed.contains($0.refund.id) } == true
        }
    }

    // MARK: - Other daemons

    private func readFleet() {
        let sql = """
            SELECT count(*), coalesce((array_agg(id ORDER BY started, id))[1] = $1, true) FROM refund_daemons
            WHERE seen > refund_now() - \(Registration.patience.wholeMilliseconds)
            """
        flight.add(sql).bind(tx.store.daemonID).read { [self] row in
            input.fleet.count = max(row.count(), 1)
            input.fleet.isLeader = row.integer() != 0
        }
    }

    private func readIncidents() {
        input.shared = SharedHealth()
        flight.add(GatewayIncident.query).read { [self] row in
            if let (name, incident) = GatewayIncident.read(row) { input.shared?.incidents[name] = incident }
        }
    }

    // Keeps others from pausing anything until the cycle ends.
    private func readPauses() {
        flight.add("SELECT pg_advisory_xact_lock_shared(hashtextextended('refundd pauses ' || current_schema(), 0))")
        flight.add(Pause.query).read { [self] row in
            if let (peer, pause) = Pause.read(row) { input.pauses[peer] = pause }
        }
    }

    // MARK: - Ended queries and deliveries

    // A lock of its own, so that the rows are read with everything that was committed before it was free.
    private func lockEnded() {
        let ids = request.results + request.deliveries.compactMap(\.refundID)
        guard !ids.isEmpty else { return }
        flight.add("SELECT 1 FROM refund_queue q WHERE q.id = ANY ($1) ORDER BY q.id FOR NO KEY UPDATE")
            .bind(list: ids)
    }

    private func readResults() {
        let sql = "SELECT \(QueuedRefund.columns) FROM refund_queue q WHERE q.id = ANY ($1)"
        flight.add(sql).bind(list: request.results).read { [self] row in
            guard let refund = QueuedRefund(row: row) else { return }
            input.results[refund.refund.id] = refund
            note([refund])
        }
    }

    private func readDeliveries() {
        let failed = request.deliveries.filter { !$0.isDelivered }
        if !failed.isEmpty {
            let sql = """
                SELECT id FROM refund_outbox WHERE id = ANY ($1) AND \(SQLCondition.isSuperseded)
                """
            flight.add(sql).bind(list: failed.map(\.id)).read { [self] row in
                if let id = row.text() { input.superseded.insert(id) }
            }
        }
        let health = """
            SELECT url, \(URLHealth.columns) FROM refund_endpoints WHERE url = ANY ($1)
            """
        flight.add(health).bind(list: Set(request.deliveries.map(\.url))).read { [self] row in
            if let url = row.text() { input.urlHealth[url] = URLHealth(row: row) }
        }
        // By webhook: after a failover, another refund may have the id of the one that a webhook reported.
        let attention = """
            SELECT \(QueuedRefund.columnsWithDeadWebhooks) FROM refund_outbox w JOIN refund_queue q ON q.id = w.refund_id
            WHERE w.id = ANY ($1) AND (q.attention = 'undeliverable' OR w.id = ANY ($2))
            """
        flight.add(attention)
            .bind(list: request.deliveries.map(\.id)).bind(list: failed.map(\.id))
            .read { [self] row in
                guard let refund = QueuedRefund(row: row) else { return }
                input.deliveryRefunds[refund.refund.id] = refund
                note([refund])
            }
    }

    private func readUnsigned() {
        let sql = "SELECT number FROM refund_counted WHERE counted = 'refund_outbox' AND state = 'pending'"
        flight.add(sql).read { [self] row in input.unsignedWebhooks = row.count() }
    }

    // MARK: - Ages, claims

    private func readOverdue(_ claims: ClaimRequest) {
        let unflagged = "\(SQLCondition.isOpen) AND coalesce(q.attention, 'undeliverable') = 'undeliverable'"
        readAged(unflagged, since: claims.overdueSince, claims) { [self] in
            input.overdue.append($0)
        } next: { [self] in
            input.nextOverdue = $0
        }
    }

    private func readDelayed(_ claims: ClaimRequest) {
        guard let since = claims.delayedSince else { return }
        let isReported = "coalesce(q.attention_told, 0) & \(NotifiedReasons.delayed.rawValue)"
        let unreported = "\(SQLCondition.isOpen) AND \(isReported) = 0"
        readAged(unreported, since: since, claims) { [self] in
            input.delayed.append($0)
        } next: { [self] in
            input.nextDelayed = $0
        }
    }

    // The oldest refunds that were enqueued by a time, and when the next one after it was.
    private func readAged(
        _ condition: String,
        since: Timestamp,
        _ claims: ClaimRequest,
        _ body: @escaping (QueuedRefund) -> Void,
        next: @escaping (Timestamp?) -> Void
    ) {
        // Held rows must not hide the others.
        let rows = """
            SELECT \(QueuedRefund.columns) FROM refund_queue q WHERE \(condition) AND q.created_at <= $1
            AND q.id <> ALL ($2) ORDER BY q.created_at, q.id LIMIT $3 \(Self.lock)
            """
        flight.add(rows).bind(since).bind(list: claims.heldRefunds).bind(claims.batch).read { row in
            if let refund = QueuedRefund(row: row) { body(refund) }
        }
        let later = """
            SELECT q.created_at FROM refund_queue q WHERE \(condition) AND q.created_at > $1 ORDER BY q.created_at LIMIT 1
            """
        flight.add(later).bind(since).read { row in next(row.timestamp()) }
    }

    private func readExpiredClaims(_ claims: ClaimRequest) {
        let latest = request.now.advanced(by: CycleLimit.lease)
        let isExpired = "(due.leased_until < $2 OR due.leased_until > $3)"
        let refunds = """
            SELECT due.id, due.lease FROM unnest($1) AS names (name) CROSS JOIN LATERAL (
                SELECT q.id, q.lease, q.leased_until FROM refund_queue q WHERE \(SQLCondition.isOpen) AND q.gateway = name
                ORDER BY q.next_query_at, q.id LIMIT \(Self.claimsAmongDue)
            ) due WHERE \(isExpired) AND due.id <> ALL ($4) LIMIT $5
            """
        flight.add(refunds)
            .bind(list: claims.gateways.keys).bind(request.now).bind(latest).bind(list: claims.heldRefunds)
            .bind(claims.batch)
            .read { [self] row in if let id = row.integer() { input.expiredRefunds[id] = row.lease() } }
        let webhooks = """
            SELECT due.id, due.lease FROM (
                SELECT w.id, w.lease, w.leased_until FROM refund_outbox w WHERE w.state = 'pending'
                ORDER BY w.next_attempt_at, w.endpoint LIMIT \(Self.claimsAmongDue)
            ) due WHERE (due.leased_until < $1 OR due.leased_until > $2) AND due.id <> ALL ($3) LIMIT $4
            """
        flight.add(webhooks).bind(request.now).bind(latest).bind(list: claims.heldWebhooks).bind(claims.batch).read {
            [self] row in
            if let id = row.text() { input.expiredWebhooks[id] = row.lease() }
        }
    }
}
