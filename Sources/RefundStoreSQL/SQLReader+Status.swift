package import RefundCore
package import RefundStore

extension SQLReader {
    package func status(at now: Timestamp) throws(StoreError) -> QueueStatus {
        var status = QueueStatus()
        status.incidents = try incidents()
        status.breakers = try openBreakers(.gateway)
        status.lapses = try openBreakers(.lapse).mapValues { GatewayLapse(since: $0.since, text: $0.reason) }
        status.sightings = try sightings()
        status.pauses = try pauses()
        try mapped {
            try count(into: &status)
            let oldest = try RefundState.open.compactMap { state in
                try number("SELECT min(created_at) FROM refund_queue WHERE state = $1") { $0.bind(state.rawValue) }
            }
            status.oldestPending = oldest.min().map { now.duration(since: Timestamp(milliseconds: $0)) }
            status.dueLags = try dueLags(at: now)
            for name in status.dueLags.keys where status.pauses[.gateway(name)] != nil { status.dueLags[name] = .zero }
            status.dueLag = status.dueLags.values.max() ?? .zero
            status.oldestByGateway = try self.oldest(of: status.dueLags.keys.sorted(), at: now)
            status.endpoints = try endpointStatus()
            try addRefusals(to: &status.endpoints, at: now)
            status.unknownOrders = try unknownOrders()
            try complete(&status, at: now)
        }
        return status
    }

    // MARK: - Refunds

    private func count(into status: inout QueueStatus) throws {
        var refunds = Dictionary(uniqueKeysWithValues: RefundState.allCases.map { ($0, 0) })
        var webhooks = Dictionary(uniqueKeysWithValues: WebhookState.allCases.map { ($0, 0) })
        var attention = Dictionary(uniqueKeysWithValues: Attention.allCases.map { ($0, 0) })
        try read(try query("SELECT counted, state, number FROM \(Self.counts)")) { row in
            let (table, state, count) = (row.text(), row.text() ?? "", Int(clamping: row.integer() ?? 0))
            if table == "refund_outbox" {
                WebhookState(rawValue: state).map { webhooks[$0] = count }
            } else {
                RefundState(rawValue: state).map { refunds[$0] = count }
            }
        }
        let reasons = "SELECT attention, count(*) FROM refund_queue WHERE attention IS NOT NULL GROUP BY attention"
        try read(try query(reasons)) { row in
            let (reason, count) = (row.text(), Int(clamping: row.integer() ?? 0))
            reason.flatMap(Attention.init(rawValue:)).map { attention[$0] = count }
        }
        (status.states, status.webhooks, status.attention) = (refunds, webhooks, attention)
    }

    // Steps from gateway to gateway along the index; a refund never postponed has been due since it was enqueued.
    private func dueLags(at now: Timestamp) throws -> [String: Duration] {
        let due = "refund_queue q \(Self.by("refund_queue_due")) WHERE \(SQLCondition.isClaimable)"
        func next(_ condition: String) -> String {
            "(SELECT q.gateway FROM \(due) \(condition) ORDER BY q.gateway LIMIT 1)"
        }
        let sql = """
            WITH RECURSIVE names (name) AS (
                SELECT \(next(""))
                UNION ALL
                SELECT \(next("AND q.gateway > name")) FROM names WHERE name IS NOT NULL
            )
            SELECT name, (SELECT CASE WHEN q.next_query_at = 0 THEN q.created_at ELSE q.next_query_at END
                FROM \(due) AND q.gateway = name AND q.next_query_at <= $1 ORDER BY q.next_query_at LIMIT 1)
            FROM names WHERE name IS NOT NULL
            """
        var lags: [String: Duration] = [:]
        try read(try query(sql).bind(now)) { row in
            guard let name = row.text() else { return }
            lags[name] = row.timestamp().map { max(now.duration(since: $0), .zero) } ?? .zero
        }
        return lags
    }

    // No index orders a gateway's refunds by age, so this looks at the oldest of all, then at some of the gateway.
    private func oldest(of gateways: [String], at now: Timestamp) throws -> [String: Duration] {
        let window = 1_000
        var oldest: [String: Int64] = [:]
        let ofAll = """
            SELECT gateway, min(created_at) FROM (SELECT gateway, created_at FROM refund_queue WHERE state = $1
            ORDER BY created_at LIMIT $2) o GROUP BY gateway
            """
        for state in RefundState.open {
            try read(try query(ofAll).bind(state.rawValue).bind(window)) { row in
                guard let name = row.text(), let time = row.integer() else { return }
                oldest[name] = min(oldest[name] ?? .max, time)
            }
        }
        let ofOne = """
            SELECT min(created_at) FROM (SELECT q.created_at FROM refund_queue q \(Self.by("refund_queue_due"))
            WHERE \(SQLCondition.isClaimable) AND q.gateway = $1 LIMIT $2) o
            """
        for name in gateways where oldest[name] == nil {
            oldest[name] = try number(ofOne) { $0.bind(name).bind(window) }
        }
        return oldest.mapValues { now.duration(since: Timestamp(milliseconds: $0)) }
    }

    private func unknownOrders() throws -> UnknownOrders {
        let sql = """
            SELECT number, created_at FROM (
                SELECT coalesce(merchant_order_no, trans_no) AS number, created_at, attempts, unknown_order, attention
                FROM refund_queue WHERE state = $1 ORDER BY created_at LIMIT $2
            ) o WHERE unknown_order = 1 AND attempts > 1 AND attention IS NULL
            """
        let window = 1_000
        var found = UnknownOrders()
        try read(try query(sql).bind(RefundState.pending.rawValue).bind(window)) { row in
            guard let number = row.text(), let since = row.timestamp() else { return }
            found.count += 1
            if found.oldest == nil { found.oldest = (number, since) }
        }
        return found
    }

    // MARK: - Gateways

    package func incidents() throws(StoreError) -> [String: GatewayIncident] {
        try mapped {
            var incidents: [String: GatewayIncident] = [:]
            try read(try query(GatewayIncident.query)) { row in
                if let (gateway, incident) = GatewayIncident.read(row) { incidents[gateway] = incident }
            }
            return incidents
        }
    }

    package func sightings() throws(StoreError) -> [String: GatewaySighting] {
        try mapped {
            let sql = "SELECT name, last_verified_at, last_error, last_error_at FROM refund_gateways"
            let found = try rows(try query(sql)) { row -> (String, GatewaySighting)? in
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

    package func openBreakers(_ kind: BreakerKind) throws(StoreError) -> [String: OpenBreaker] {
        // A probe is a refund or webhook that is due: none is sent before the first one is, nor during a pause.
        func probe(_ due: String, _ rows: String) -> String {
            """
            SELECT CASE WHEN coalesce(\(due), 0) > b.next_probe_at THEN \(due) ELSE b.next_probe_at END
            FROM \(rows) = b.name ORDER BY \(due) NULLS FIRST LIMIT 1
            """
        }
        let next =
            switch kind {
            case .gateway:
                probe(
                    "q.next_query_at",
                    """
                    refund_queue q \(Self.by("refund_queue_due")) WHERE \(SQLCondition.isClaimable) AND q.gateway
                    """
                )
            case .endpoint:
                probe(
                    "w.next_attempt_at",
                    """
                    refund_outbox w \(Self.by("refund_outbox_due")) WHERE \(SQLCondition.isWaiting) AND w.endpoint
                    """
                )
            case .lapse: "SELECT NULL"
            }
        return try mapped {
            let sql = """
                SELECT b.name, b.since, b.reason, CASE WHEN NOT EXISTS
                (SELECT 1 FROM refund_pauses p WHERE p.kind = b.kind AND p.name = b.name AND p.resumed_at IS NULL)
                THEN (\(next)) END
                FROM refund_breakers b WHERE b.kind = $1
                """
            var breakers: [String: OpenBreaker] = [:]
            try read(try query(sql).bind(kind.rawValue)) { row in
                if let (name, breaker) = OpenBreaker.read(row) { breakers[name] = breaker }
            }
            return breakers
        }
    }

    // MARK: - Endpoints

    private func endpointStatus() throws -> EndpointStatus {
        var status = EndpointStatus()
        let open = try openBreakers(.endpoint).sorted { ($0.value.since, $0.key) < ($1.value.since, $1.key) }
        status.openCount = open.count
        status.open = open.prefix(EndpointStatus.listed).map { (endpoint: $0.key, breaker: $0.value) }
        let disabled = "refund_endpoints WHERE disabled_at IS NOT NULL"
        status.disabledCount = Int(clamping: try number("SELECT count(*) FROM \(disabled)") ?? 0)
        let sql = """
            SELECT url, \(URLHealth.columns) FROM \(disabled)
            ORDER BY disabled_at DESC, url LIMIT $1
            """
        status.disabled = try rows(try query(sql).bind(EndpointStatus.listed)) { row in
            guard let url = row.text(), let health = URLHealth(row: row) else { return nil }
            return (url: url, health: health)
        }
        return status
    }

    package func endpointStandings() throws(StoreError) -> [String: Bool] {
        try mapped {
            // Enough attempts to know the endpoints in use; reading all would delay the start.
            let sql = """
                SELECT w.endpoint, a.status FROM
                (SELECT id, position, status FROM refund_outbox_attempts ORDER BY id DESC LIMIT 10000) a
                LEFT JOIN refund_outbox w ON w.position = a.position ORDER BY a.id DESC
                """
            var standings: [String: Bool] = [:]
            try read(try query(sql)) { row in
                guard let endpoint = row.text(), standings[endpoint] == nil else { return }
                let status = row.integer()
                // A URL that is gone says nothing about the other URLs of its endpoint.
                if status != 410 { standings[endpoint] = status.map { (200..<300).contains($0) } ?? false }
            }
            return standings
        }
    }

    // MARK: - Pauses

    package func pauses() throws(StoreError) -> [Peer: Pause] {
        try mapped {
            var pauses: [Peer: Pause] = [:]
            try read(try query(Pause.query)) { row in if let (peer, pause) = Pause.read(row) { pauses[peer] = pause } }
            return pauses
        }
    }
}

// What cycles read as well.

extension GatewayIncident {
    /// The query whose rows `read` reads.
    package static let query =
        "SELECT gateway, attention, code, message, verified, since FROM refund_incidents WHERE merchant_no = ''"

    /// Reads a gateway and its incident.
    package static func read(_ row: some SQLRow) -> (gateway: String, GatewayIncident)? {
        guard let gateway = row.text(), let kind = row.text().flatMap(Kind.init(rawValue:)) else { return nil }
        let (code, message, verified) = (row.text() ?? "", row.text() ?? "", row.integer() == 1)
        let since = row.timestamp() ?? Timestamp(milliseconds: 0)
        return (gateway, GatewayIncident(kind: kind, code: code, message: message, isVerified: verified, since: since))
    }
}

extension OpenBreaker {
    /// The columns of `refund_breakers` that `read` reads.
    package static let columns = "name, since, reason, next_probe_at"

    /// Reads a name and its breaker.
    package static func read(_ row: some SQLRow) -> (name: String, OpenBreaker)? {
        guard let name = row.text(), let since = row.timestamp() else { return nil }
        return (name, OpenBreaker(since: since, reason: row.text() ?? "", nextProbe: row.timestamp()))
    }
}

extension Pause {
    /// The query whose rows `read` reads.
    package static let query = "SELECT kind, name, at, actor, reason FROM refund_pauses WHERE resumed_at IS NULL"

    /// Reads a peer and its pause.
    package static func read(_ row: some SQLRow) -> (Peer, Pause)? {
        guard let kind = row.text().flatMap(BreakerKind.init(rawValue:)), let name = row.text() else { return nil }
        let since = row.timestamp() ?? Timestamp(milliseconds: 0)
        return (Peer(kind, name), Pause(since: since, by: row.text() ?? "", reason: row.text()))
    }
}
