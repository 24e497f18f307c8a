import RefundCore
import RefundPostgres
import RefundStore

extension PostgresTransaction {
    func status(at now: Timestamp) throws(StoreError) -> QueueStatus {
        var status = QueueStatus()
        status.incidents = try incidents()
        status.breakers = try openBreakers(.gateway)
        status.lapses = try openBreakers(.lapse).mapValues { GatewayLapse(since: $0.since, count: Int($0.reason) ?? 0) }
        status.sightings = try sightings()
        status.pauses = try pauses()
        try mapped {
            for state in RefundState.allCases { status.states[state] = 0 }
            for state in WebhookState.allCases { status.webhooks[state] = 0 }
            for row in try counts("SELECT counted || ' ' || state, number FROM refund_counted") {
                let words = row.name.split(separator: " ").map(String.init)
                guard words.count == 2 else { continue }
                if words[0] == "refund_outbox" {
                    if let state = WebhookState(rawValue: words[1]) { status.webhooks[state] = row.count }
                } else if let state = RefundState(rawValue: words[1]) {
                    status.states[state] = row.count
                }
            }
            for reason in Attention.allCases { status.attention[reason] = 0 }
            let attention =
                "SELECT attention, count(*) FROM refund_queue WHERE attention IS NOT NULL GROUP BY attention"
            for row in try counts(attention) { Attention(rawValue: row.name).map { status.attention[$0] = row.count } }
            let oldest = try [RefundState.pending, .processing].compactMap { state in
                try number("SELECT min(created_at) FROM refund_queue WHERE state = $1") { $0.bind(state.rawValue) }
            }
            status.oldestPending = oldest.min().map { now.duration(since: Timestamp(milliseconds: $0)) }
            status.dueLags = try dueLags(at: now)
            for name in status.dueLags.keys where status.pauses[.gateway(name)] != nil { status.dueLags[name] = .zero }
            status.dueLag = status.dueLags.values.max() ?? .zero
            status.oldestByGateway = try self.oldest(of: status.dueLags.keys.sorted(), at: now)
            let size = """
                SELECT sum(pg_total_relation_size(c.oid))::bigint FROM pg_class c
                WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND c.relname ~ '^refund_'
                """
            status.fileBytes = try number(size) ?? 0
            status.endpoints = try endpointStatus()
            status.unknownOrders = try unknownOrders(at: now)
        }
        return status
    }

    private func counts(_ sql: String) throws -> [(name: String, count: Int)] {
        try rows(flight.add(sql)) { row in (row.text() ?? "", Int(clamping: row.integer() ?? 0)) }
    }

    // Steps from gateway to gateway along the index; a refund never postponed has been due since it was enqueued.
    private func dueLags(at now: Timestamp) throws -> [String: Duration] {
        func next(_ condition: String) -> String {
            """
            (SELECT q.gateway FROM refund_queue q WHERE \(CycleReader.isOpen) \(condition) ORDER BY q.gateway LIMIT 1)
            """
        }
        let sql = """
            WITH RECURSIVE names (name) AS (
                SELECT \(next(""))
                UNION ALL
                SELECT \(next("AND q.gateway > name")) FROM names WHERE name IS NOT NULL
            )
            SELECT name, (SELECT CASE WHEN q.next_query_at = 0 THEN q.created_at ELSE q.next_query_at END
                FROM refund_queue q WHERE \(CycleReader.isClaimable) AND q.gateway = name
                AND q.next_query_at <= $1 ORDER BY q.next_query_at LIMIT 1)
            FROM names WHERE name IS NOT NULL
            """
        let lags = try rows(flight.add(sql).bind(now)) { row -> (String, Duration)? in
            row.text().map { ($0, row.timestamp().map { max(now.duration(since: $0), .zero) } ?? .zero) }
        }
        return Dictionary(lags) { first, _ in first }
    }

    // No index orders a gateway's refunds by age: looks at the oldest of all, then at those of the gateway.
    private func oldest(of gateways: [String], at now: Timestamp) throws -> [String: Duration] {
        let window = 1_000
        var oldest: [String: Int64] = [:]
        let ofAll = """
            SELECT gateway, min(created_at) FROM (SELECT gateway, created_at FROM refund_queue WHERE state = $1
            ORDER BY created_at LIMIT $2) o GROUP BY gateway
            """
        for state in [RefundState.pending, .processing] {
            let found = try rows(flight.add(ofAll).bind(state.rawValue).bind(window)) { row in
                (name: row.text() ?? "", time: row.integer() ?? .max)
            }
            for row in found { oldest[row.name] = min(oldest[row.name] ?? .max, row.time) }
        }
        let ofOne = """
            SELECT min(created_at) FROM (SELECT q.created_at FROM refund_queue q
            WHERE \(CycleReader.isClaimable) AND q.gateway = $1 LIMIT $2) o
            """
        for name in gateways where oldest[name] == nil {
            oldest[name] = try number(ofOne) { $0.bind(name).bind(window) }
        }
        return oldest.mapValues { now.duration(since: Timestamp(milliseconds: $0)) }
    }

    private func unknownOrders(at now: Timestamp) throws -> UnknownOrders {
        let sql = """
            SELECT number, created_at FROM (
                SELECT coalesce(merchant_order_no, trans_no) AS number, created_at, unknown_order, attention
                FROM refund_queue WHERE state = $1 AND created_at <= $2 ORDER BY created_at LIMIT $3
            ) o WHERE unknown_order = 1 AND attention IS NULL
            """
        let window = 1_000
        var found = UnknownOrders()
        let latest = now.advanced(by: .zero - UnknownOrders.patience)
        let statement = flight.add(sql).bind(RefundState.pending.rawValue).bind(latest).bind(window)
        for case (let number?, let since?) in try rows(statement, { row in (row.text(), row.timestamp()) }) {
            found.count += 1
            if found.oldest.count < UnknownOrders.listed { found.oldest.append((number, since)) }
        }
        return found
    }

    private func endpointStatus() throws -> EndpointStatus {
        var status = EndpointStatus()
        let open = try openBreakers(.endpoint).sorted { ($0.value.since, $0.key) < ($1.value.since, $1.key) }
        status.openCount = open.count
        status.open = open.prefix(EndpointStatus.listed).map { (endpoint: $0.key, breaker: $0.value) }
        let disabled = "refund_endpoints WHERE disabled_at IS NOT NULL"
        status.disabledCount = Int(clamping: try number("SELECT count(*) FROM \(disabled)") ?? 0)
        let sql = """
            SELECT url, failing_since, failed_at, disabled_at, reason FROM \(disabled)
            ORDER BY disabled_at DESC, url LIMIT $1
            """
        status.disabled = try rows(flight.add(sql).bind(EndpointStatus.listed)) { row in
            guard let url = row.text(), let health = URLHealth(row: row) else { return nil }
            return (url: url, health: health)
        }
        return status
    }

    func incidents() throws(StoreError) -> [String: GatewayIncident] {
        try mapped {
            var incidents: [String: GatewayIncident] = [:]
            readIncidents { incidents[$0] = $1 }
            try send()
            return incidents
        }
    }

    /// Adds to the flight what reads the incidents.
    func readIncidents(_ body: @escaping (String, GatewayIncident) -> Void) {
        let sql = """
            SELECT gateway, attention, code, message, verified, since FROM refund_incidents WHERE merchant_no = ''
            """
        flight.add(sql).read { row in
            guard let gateway = row.text(), let kind = row.text().flatMap(GatewayIncident.Kind.init(rawValue:))
            else { return }
            let (code, message, verified) = (row.text() ?? "", row.text() ?? "", row.integer() == 1)
            let since = row.timestamp() ?? Timestamp(milliseconds: 0)
            body(
                gateway,
                GatewayIncident(kind: kind, code: code, message: message, isVerified: verified, since: since)
            )
        }
    }

    func openBreakers(_ kind: BreakerKind) throws(StoreError) -> [String: OpenBreaker] {
        // A probe is a refund or webhook that is due: none is sent before the first one is, nor during a pause.
        let probe =
            switch kind {
            case .gateway:
                """
                SELECT greatest(b.next_probe_at, q.next_query_at, 0) FROM refund_queue q
                WHERE \(CycleReader.isClaimable) AND q.gateway = b.name ORDER BY q.next_query_at NULLS FIRST LIMIT 1
                """
            case .endpoint:
                """
                SELECT greatest(b.next_probe_at, w.next_attempt_at, 0) FROM refund_outbox w
                WHERE \(OutboxReader.isClaimable) AND w.endpoint = b.name
                ORDER BY w.next_attempt_at NULLS FIRST LIMIT 1
                """
            case .lapse: "NULL"
            }
        return try mapped {
            let sql = """
                SELECT b.name, b.since, b.reason, CASE WHEN NOT EXISTS
                (SELECT 1 FROM refund_pauses p WHERE p.kind = b.kind AND p.name = b.name AND p.resumed_at IS NULL)
                THEN (\(probe)) END
                FROM refund_breakers b WHERE b.kind = $1
                """
            var breakers: [String: OpenBreaker] = [:]
            readOpenBreakers(sql, kind) { breakers[$0] = $1 }
            try send()
            return breakers
        }
    }

    /// Adds to the flight what reads the open breakers of a kind, as they are on record.
    func readOpenBreakers(_ kind: BreakerKind, _ body: @escaping (String, OpenBreaker) -> Void) {
        readOpenBreakers("SELECT name, since, reason, next_probe_at FROM refund_breakers WHERE kind = $1", kind, body)
    }

    private func readOpenBreakers(
        _ sql: String,
        _ kind: BreakerKind,
        _ body: @escaping (String, OpenBreaker) -> Void
    ) {
        flight.add(sql).bind(kind.rawValue).read { row in
            guard let name = row.text(), let since = row.timestamp() else { return }
            body(name, OpenBreaker(since: since, reason: row.text() ?? "", nextProbe: row.timestamp()))
        }
    }

    func pauses() throws(StoreError) -> [Peer: Pause] {
        try mapped {
            var pauses: [Peer: Pause] = [:]
            addPauses { pauses[$0] = $1 }
            try send()
            return pauses
        }
    }

    /// Adds to the flight what reads the pauses for a cycle, and keeps others from pausing anything until it ends.
    func readPauses(_ body: @escaping (Peer, Pause) -> Void) {
        flight.add("SELECT pg_advisory_xact_lock_shared(hashtextextended('refundd pauses ' || current_schema(), 0))")
        addPauses(body)
    }

    private func addPauses(_ body: @escaping (Peer, Pause) -> Void) {
        let sql = "SELECT kind, name, at, actor, reason FROM refund_pauses WHERE resumed_at IS NULL"
        flight.add(sql).read { row in
            guard let kind = row.text().flatMap(BreakerKind.init(rawValue:)), let name = row.text() else { return }
            let since = row.timestamp() ?? Timestamp(milliseconds: 0)
            body(Peer(kind, name), Pause(since: since, by: row.text() ?? "", reason: row.text()))
        }
    }

    /// Nil while daemons serve the queue: what they record has the time of their machines.
    func lastRecordedAt() throws(StoreError) -> Timestamp? {
        try mapped {
            let sql = """
                SELECT CASE WHEN EXISTS (SELECT 1 FROM refund_daemons) THEN NULL ELSE max(at) END FROM (
                    (SELECT at FROM refund_transitions ORDER BY id DESC LIMIT 1)
                    UNION ALL (SELECT at FROM refund_outbox_attempts ORDER BY id DESC LIMIT 1)
                    UNION ALL SELECT last_verified_at FROM refund_gateways
                    UNION ALL SELECT last_error_at FROM refund_gateways
                ) recorded
                """
            return try number(sql).map(Timestamp.init(milliseconds:))
        }
    }

    // Enough attempts to know the endpoints in use; reading all would delay the start.
    private static let latestAttempts = 10_000

    func endpointStandings() throws(StoreError) -> [String: Bool] {
        try mapped {
            let sql = """
                SELECT w.endpoint, a.status FROM
                (SELECT id, position, status FROM refund_outbox_attempts ORDER BY id DESC LIMIT $1) a
                JOIN refund_outbox w ON w.position = a.position ORDER BY a.id DESC
                """
            var standings: [String: Bool] = [:]
            let attempts = try rows(flight.add(sql).bind(Self.latestAttempts)) { row in
                (endpoint: row.text() ?? "", status: row.integer())
            }
            for (endpoint, status) in attempts where standings[endpoint] == nil {
                // A URL that is gone says nothing about the other URLs of its endpoint.
                if status != 410 { standings[endpoint] = status.map { (200..<300).contains($0) } ?? false }
            }
            return standings
        }
    }

    func sightings() throws(StoreError) -> [String: GatewaySighting] {
        try mapped {
            let sql = "SELECT name, last_verified_at, last_error, last_error_at FROM refund_gateways"
            let found = try rows(flight.add(sql)) { row -> (String, GatewaySighting)? in
                guard let name = row.text() else { return nil }
                let sighting = GatewaySighting(
                    lastVerified: row.timestamp(),
                    lastError: row.text(),
                    lastErrorAt: row.timestamp()
                )
                return (name, sighting)
            }
            return Dictionary(found) { first, _ in first }
        }
    }
}
