import RefundCore
import RefundStore

/// Reads the input of a cycle, in one transaction.
struct CycleReader {
    static let isOpen = "q.state IN ('pending', 'processing')"
    // The condition of the index `refund_queue_due`, which holds exactly the refunds that can be claimed.
    static let isClaimable = "\(isOpen) AND q.leased_until IS NULL"
    /// Whether a hint `h` means the refund `q`.
    static let isHinted = """
        (q.merchant_order_no = h.merchant_order_no OR q.trans_no = h.trans_no)
        AND (h.merchant_order_no IS NULL OR q.merchant_order_no IS NULL OR q.merchant_order_no = h.merchant_order_no)
        AND (h.trans_no IS NULL OR q.trans_no IS NULL OR q.trans_no = h.trans_no)
        AND (h.gateway IS NULL OR q.gateway = h.gateway)
        AND (h.merchant_no IS NULL OR q.merchant_no = h.merchant_no)
        """
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
        input.pauses = try Self.pauses(statements)
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
            try statements[sql].read { row in
                input.unsignedWebhooks = row.count()
                return false
            }
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

    /// The gateways and endpoints that are paused.
    static func pauses(_ statements: HotStatements) throws -> [Peer: Pause] {
        let sql = "SELECT kind, name, at, actor, reason FROM refund_pauses WHERE resumed_at IS NULL"
        var pauses: [Peer: Pause] = [:]
        try statements[sql].read { row in
            guard let kind = row.text().flatMap(BreakerKind.init(rawValue:)), let name = row.text() else { return true }
            let since = row.timestamp() ?? Timestamp(milliseconds: 0)
            pauses[Peer(kind, name)] = Pause(since: since, by: row.text() ?? "", reason: row.text())
            return true
        }
        return pauses
    }

    // MARK: - Ended deliveries

    private func readDeliveries(into input: inout CycleInput) throws {
        let failed = request.deliveries.filter { !$0.isDelivered }
        if !failed.isEmpty {
            let sql = """
                SELECT id FROM refund_outbox WHERE id IN (SELECT value FROM json_each(?)) AND \(WriteExecutor.isSuperseded)
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

    // MARK: - Unknown gateways

    // Continues where the last scan ended, so that a scan costs the same however many names there are.
    private func unknownGateways(into input: inout CycleInput, _ claims: ClaimRequest) throws -> [String] {
        let sql = """
            SELECT min(q.gateway) FROM \(Self.byDueTime) WHERE \(Self.isClaimable) AND q.gateway > ?
            """
        let due = """
            SELECT 1 FROM \(Self.byDueTime) WHERE \(Self.isClaimable) AND q.gateway = ?
            AND (q.next_query_at IS NULL OR q.next_query_at <= ? OR q.next_query_at > ?) LIMIT 1
            """
        var names: [String] = []
        var last = claims.lastUnknownGateway
        for step in 0...Self.unknownGatewayScan {
            guard step < Self.unknownGatewayScan, names.count < Self.unknownGatewayLimit else {
                input.lastUnknownGateway = last
                break
            }
            var name: String?
            try statements[sql].bind(last).read { row in
                name = row.text()
                return false
            }
            guard let name else { break }
            last = name
            guard claims.gateways[name] == nil else { continue }
            try statements[due].bind(name).bind(request.now).bind(claims.latestDue).read { _ in
                names.append(name)
                return false
            }
        }
        return names
    }

    // Bounds the work of one cycle on unconfigured gateways.
    private static let unknownGatewayLimit = 64
    private static let unknownGatewayScan = 512

    // MARK: - Hints, ages, claims

    // Hints are few: they are deleted once they are acted on, and so are those whose refund is gone. If there are many
    // all the same, those that cannot be acted on now must not hide the others, so they are read in turn.
    private static let hints = """
        SELECT h.id, \(QueuedRefund.columns), q.leased_until IS NOT NULL
        FROM refund_hints h LEFT JOIN refund_queue q ON \(isHinted) WHERE h.id >= ? ORDER BY h.id LIMIT ?
        """

    private func readHints(into input: inout CycleInput, _ claims: ClaimRequest) throws {
        var open: [Int64: (row: QueuedRefund, isLeased: Bool, hints: [Int64])] = [:]
        var (live, seen): (Set<Int64>, Set<Int64>) = ([], [])
        var (count, last) = (0, 0 as Int64)
        try statements[Self.hints].bind(claims.firstHint).bind(claims.batch).read { row in
            guard let hint = row.integer() else { return true }
            (count, last) = (count + 1, hint)
            seen.insert(hint)
            // A refund of an unknown gateway is queried as soon as there is one.
            guard let refund = QueuedRefund(row: row), !refund.refund.state.isFinal,
                claims.gateways[refund.refund.gateway] != nil
            else { return true }
            let isLeased = row.integer() == 1
            live.insert(hint)
            guard input.pauses[.gateway(refund.refund.gateway)] == nil else { return true }
            open[refund.refund.id, default: (refund, isLeased, [])].hints.append(hint)
            return true
        }
        if count >= claims.batch {
            // The last hint may mean more refunds than were read; the next part begins with it, unless it was alone.
            input.nextHint = seen.count > 1 ? last : last &+ 1
            live.insert(last)
        }
        input.spentHints = seen.subtracting(live).sorted()
        for (id, hinted) in open.sorted(by: { $0.value.hints[0] < $1.value.hints[0] }) where !hinted.isLeased {
            let refund = hinted.row.refund
            guard !claims.heldRefunds.contains(id), let claim = claims.gateways[refund.gateway] else { continue }
            // A hint brings a query forward at most once per initial interval; a due refund it moves to the front.
            let earliest = refund.lastQueryAt?.advanced(by: claims.hintInterval) ?? request.now
            let isEarly = earliest > request.now && earliest <= request.now.advanced(by: claims.hintInterval)
            if isEarly, refund.nextQueryAt ?? request.now > request.now {
                let next = input.gateways[refund.gateway]?.next
                input.gateways[refund.gateway]?.next = min(next ?? earliest, earliest)
            } else if claim.permits > 0, claim.excludedMerchants.isEmpty {
                input.gateways[refund.gateway]?.hinted.append(.init(refund: hinted.row, hints: hinted.hints))
            } else {
                input.gateways[refund.gateway]?.next = request.now
            }
        }
    }

    private func readOverdue(into input: inout CycleInput, _ claims: ClaimRequest) throws {
        let unflagged = "\(Self.isOpen) AND ifnull(q.attention, 'undeliverable') = 'undeliverable'"
        let source = "refund_queue q INDEXED BY refund_queue_ageing WHERE \(unflagged)"
        (input.overdue, input.nextOverdue) = try aged(source, since: claims.overdueSince, claims)
    }

    private func readDelayed(into input: inout CycleInput, _ claims: ClaimRequest) throws {
        guard let since = claims.delayedSince else { return }
        let unreported = "\(Self.isOpen) AND ifnull(q.attention_told, 0) & \(NotifiedReasons.delayed.rawValue) = 0"
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
        var (found, next): ([QueuedRefund], Timestamp?) = ([], nil)
        try statement.bind(claims.batch).read { row in
            if let refund = QueuedRefund(row: row) { found.append(refund) }
            return true
        }
        try statements["SELECT min(q.created_at) FROM \(source) AND q.created_at > ?"].bind(since).read { row in
            next = row.timestamp()
            return false
        }
        return (found, next)
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

extension URLHealth {
    /// Reads `failing_since`, `failed_at`, `disabled_at` and `reason`.
    init?(row: HotStatement) {
        let (failingSince, failedAt, disabledAt, reason) = (
            row.timestamp(), row.timestamp(), row.timestamp(), row.text()
        )
        guard let failingSince, let failedAt else { return nil }
        let disabling = disabledAt.map { Disabling(at: $0, reason: reason ?? "") }
        self.init(failingSince: failingSince, lastFailure: failedAt, disabling: disabling)
    }
}
