import RefundCore
import RefundStore

extension SQLiteTransaction {
    func status(at now: Timestamp) throws(StoreError) -> QueueStatus {
        var status = QueueStatus()
        status.incidents = try incidents()
        status.breakers = try openBreakers(.gateway)
        status.lapses = try openBreakers(.lapse).mapValues { GatewayLapse(since: $0.since, count: Int($0.reason) ?? 0) }
        status.sightings = try sightings()
        status.pauses = try pauses()
        status.walBytes = DatabaseFiles.walSize(path: store.path)
        try mapped {
            for state in RefundState.allCases {
                status.states[state] = try count(of: "refund_queue", in: state.rawValue)
            }
            for state in WebhookState.allCases {
                status.webhooks[state] = try count(of: "refund_outbox", in: state.rawValue)
            }
            for reason in Attention.allCases {
                let sql = "SELECT count(*) FROM refund_queue WHERE attention = ?"
                status.attention[reason] = Int(clamping: try number(sql) { $0.bind(reason.rawValue) } ?? 0)
            }
            let oldest = try RefundState.open.compactMap { state in
                try number("SELECT min(created_at) FROM refund_queue WHERE state = ?") { $0.bind(state.rawValue) }
            }
            status.oldestPending = oldest.min().map { now.duration(since: Timestamp(milliseconds: $0)) }
            status.dueLags = try dueLags(at: now)
            for name in status.dueLags.keys where status.pauses[.gateway(name)] != nil { status.dueLags[name] = .zero }
            status.dueLag = status.dueLags.values.max() ?? .zero
            status.oldestByGateway = try self.oldest(of: status.dueLags.keys.sorted(), at: now)
            let pageSize = try number("PRAGMA page_size") ?? 0
            status.fileBytes = (try number("PRAGMA page_count") ?? 0) * pageSize
            status.freeBytes = (try number("PRAGMA freelist_count") ?? 0) * pageSize
            status.endpoints = try endpointStatus()
            try addRefusals(to: &status.endpoints, at: now)
            status.unknownOrders = try unknownOrders(at: now)
        }
        return status
    }

    private func count(of table: String, in state: String) throws -> Int {
        let sql = "SELECT number FROM refund_counts WHERE counted = ? AND state = ?"
        return Int(clamping: try number(sql) { $0.bind(table).bind(state) } ?? 0)
    }

    // Steps from gateway to gateway along the index; a refund that was never
    // postponed has been due since it was enqueued.
    private func dueLags(at now: Timestamp) throws -> [String: Duration] {
        let sql = """
            WITH RECURSIVE names (name) AS (
                SELECT min(q.gateway) FROM \(CycleReader.byDueTime) WHERE \(CycleReader.isClaimable)
                UNION ALL
                SELECT (SELECT min(q.gateway) FROM \(CycleReader.byDueTime) WHERE \(CycleReader.isClaimable)
                    AND q.gateway > name)
                FROM names WHERE name IS NOT NULL
            )
            SELECT name, (SELECT CASE WHEN q.next_query_at = 0 THEN q.created_at ELSE q.next_query_at END
                FROM \(CycleReader.byDueTime) WHERE \(CycleReader.isClaimable) AND q.gateway = name
                AND q.next_query_at <= ? ORDER BY q.next_query_at LIMIT 1)
            FROM names WHERE name IS NOT NULL
            """
        var lags: [String: Duration] = [:]
        try statements[sql].bind(now).read { row in
            guard let name = row.text() else { return true }
            lags[name] = row.timestamp().map { max(now.duration(since: $0), .zero) } ?? .zero
            return true
        }
        return lags
    }

    // No index orders a gateway's refunds by age, so this looks at the oldest of all, then at some of the gateway.
    private func oldest(of gateways: [String], at now: Timestamp) throws -> [String: Duration] {
        let window = 1_000
        var oldest: [String: Int64] = [:]
        let ofAll = """
            SELECT gateway, min(created_at) FROM
            (SELECT gateway, created_at FROM refund_queue WHERE state = ? ORDER BY created_at LIMIT ?) GROUP BY gateway
            """
        for state in RefundState.open {
            try statements[ofAll].bind(state.rawValue).bind(window).read { row in
                guard let name = row.text(), let time = row.integer() else { return true }
                oldest[name] = min(oldest[name] ?? .max, time)
                return true
            }
        }
        let ofOne = """
            SELECT min(created_at) FROM (SELECT q.created_at FROM \(CycleReader.byDueTime)
            WHERE \(CycleReader.isClaimable) AND q.gateway = ? LIMIT ?)
            """
        for name in gateways where oldest[name] == nil {
            oldest[name] = try number(ofOne) { $0.bind(name).bind(window) }
        }
        return oldest.mapValues { now.duration(since: Timestamp(milliseconds: $0)) }
    }

    private func unknownOrders(at now: Timestamp) throws -> UnknownOrders {
        let sql = """
            SELECT number, created_at FROM (
                SELECT ifnull(merchant_order_no, trans_no) AS number, created_at, unknown_order, attention
                FROM refund_queue WHERE state = ? AND created_at <= ? ORDER BY created_at LIMIT ?)
            WHERE unknown_order = 1 AND attention IS NULL
            """
        let window = 1_000
        var found = UnknownOrders()
        let latest = now.advanced(by: .zero - UnknownOrders.patience)
        try statements[sql].bind(RefundState.pending.rawValue).bind(latest).bind(window).read { row in
            guard let number = row.text(), let since = row.timestamp() else { return true }
            found.count += 1
            if found.oldest.count < UnknownOrders.listed { found.oldest.append((number, since)) }
            return true
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
            ORDER BY disabled_at DESC, url LIMIT ?
            """
        status.disabled = try rows(try statements[sql].bind(EndpointStatus.listed)) { row in
            guard let url = row.text(), let health = URLHealth(row: row) else { return nil }
            return (url: url, health: health)
        }
        return status
    }

    func incidents() throws(StoreError) -> [String: GatewayIncident] {
        try mapped {
            let sql = """
                SELECT gateway, attention, code, message, verified, since FROM refund_incidents WHERE merchant_no = ''
                """
            var incidents: [String: GatewayIncident] = [:]
            try statements[sql].read { row in
                guard let gateway = row.text(), let kind = row.text().flatMap(GatewayIncident.Kind.init(rawValue:))
                else { return true }
                let (code, message, verified) = (row.text() ?? "", row.text() ?? "", row.integer() == 1)
                let since = row.timestamp() ?? Timestamp(milliseconds: 0)
                incidents[gateway] = GatewayIncident(
                    kind: kind,
                    code: code,
                    message: message,
                    isVerified: verified,
                    since: since
                )
                return true
            }
            return incidents
        }
    }

    func openBreakers(_ kind: BreakerKind) throws(StoreError) -> [String: OpenBreaker] {
        // A probe is a refund or webhook that is due: none is sent before the first one is, nor during a pause.
        let probe =
            switch kind {
            case .gateway:
                """
                SELECT max(b.next_probe_at, ifnull(q.next_query_at, 0)) FROM \(CycleReader.byDueTime)
                WHERE \(CycleReader.isClaimable) AND q.gateway = b.name ORDER BY q.next_query_at LIMIT 1
                """
            case .endpoint:
                """
                SELECT max(b.next_probe_at, ifnull(w.next_attempt_at, 0)) FROM \(OutboxReader.waiting)
                AND w.endpoint = b.name ORDER BY w.next_attempt_at LIMIT 1
                """
            case .lapse: "NULL"
            }
        return try mapped {
            let sql = """
                SELECT b.name, b.since, b.reason, CASE WHEN NOT EXISTS
                (SELECT 1 FROM refund_pauses p WHERE p.kind = b.kind AND p.name = b.name AND p.resumed_at IS NULL)
                THEN (\(probe)) END
                FROM refund_breakers b WHERE b.kind = ?
                """
            var open: [String: OpenBreaker] = [:]
            try statements[sql].bind(kind.rawValue).read { row in
                guard let name = row.text(), let since = row.timestamp() else { return true }
                open[name] = OpenBreaker(since: since, reason: row.text() ?? "", nextProbe: row.timestamp())
                return true
            }
            return open
        }
    }

    func pauses() throws(StoreError) -> [Peer: Pause] {
        try mapped { try CycleReader.pauses(statements) }
    }

    // Enough attempts to know the endpoints in use; reading all would delay the start.
    private static let latestAttempts = 10_000

    func endpointStandings() throws(StoreError) -> [String: Bool] {
        try mapped {
            let sql = """
                SELECT w.endpoint, a.status FROM refund_outbox_attempts a JOIN refund_outbox w ON w.position = a.position
                ORDER BY a.id DESC LIMIT ?
                """
            var standings: [String: Bool] = [:]
            try statements[sql].bind(Self.latestAttempts).read { row in
                guard let endpoint = row.text(), standings[endpoint] == nil else { return true }
                let status = row.integer()
                // A URL that is gone says nothing about the other URLs of its endpoint.
                if status != 410 { standings[endpoint] = status.map { (200..<300).contains($0) } ?? false }
                return true
            }
            return standings
        }
    }

    func lastRecordedAt() throws(StoreError) -> Timestamp? {
        try mapped {
            let sql = """
                SELECT max(at) FROM (
                    SELECT * FROM (SELECT at FROM refund_transitions ORDER BY id DESC LIMIT 1)
                    UNION ALL SELECT * FROM (SELECT at FROM refund_outbox_attempts ORDER BY id DESC LIMIT 1)
                    UNION ALL SELECT last_verified_at FROM refund_gateways
                    UNION ALL SELECT last_error_at FROM refund_gateways
                )
                """
            return try statements[sql].first { $0.timestamp() }
        }
    }

    func sightings() throws(StoreError) -> [String: GatewaySighting] {
        try mapped {
            var sightings: [String: GatewaySighting] = [:]
            try statements["SELECT name, last_verified_at, last_error, last_error_at FROM refund_gateways"].read {
                row in
                guard let name = row.text() else { return true }
                sightings[name] = GatewaySighting(
                    lastVerified: row.timestamp(),
                    lastError: row.text(),
                    lastErrorAt: row.timestamp()
                )
                return true
            }
            return sightings
        }
    }

    func claims() throws(StoreError) -> (refunds: Set<Int64>, webhooks: Set<String>) {
        try mapped {
            let refunds = try rows(
                try statements["SELECT id FROM refund_queue WHERE leased_until IS NOT NULL"]
            ) { $0.integer() }
            let webhooks = try rows(
                try statements["SELECT id FROM refund_outbox WHERE leased_until IS NOT NULL"]
            ) { $0.text() }
            return (Set(refunds), Set(webhooks))
        }
    }

    func disabledURLs() throws(StoreError) -> [String: String] {
        try mapped {
            let sql = "SELECT url, ifnull(reason, '') FROM refund_endpoints WHERE disabled_at IS NOT NULL"
            let found = try rows(try statements[sql]) { row -> (String, String)? in
                row.text().map { ($0, row.text() ?? "") }
            }
            return Dictionary(found) { first, _ in first }
        }
    }
}
