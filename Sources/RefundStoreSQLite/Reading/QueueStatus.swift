import GRDB
package import RefundCore

/// How the queue stands, in figures.
package struct QueueStatus: Sendable {
    /// The refunds in each state.
    package var states: [RefundState: Int] = [:]
    /// The refunds that need attention, by reason.
    package var attention: [Attention: Int] = [:]
    /// The age of the oldest refund without a verdict, or nil when every refund has one.
    package var oldestPending: Duration?
    /// How long the longest due refund has been due, zero when none is.
    package var dueLag: Duration = .zero
    /// The webhooks in each state: `pending`, `delivered`, `dead`, `superseded`.
    package var webhooks: [(state: String, count: Int)] = []
    /// The gateways that are in trouble.
    package var troubles: [String: GatewayHealth.Trouble] = [:]
    /// The gateways that are down or ask to be asked less, and are only probed.
    package var breakers: [String: OpenBreaker] = [:]
    /// The endpoints and URLs that webhooks are held back from.
    package var endpoints = EndpointStatus()
    /// The size of the write-ahead log, which grows while a program keeps a transaction open.
    package var walBytes: Int64 = 0
}

extension StoreTransaction {
    /// Counts how the queue stands.
    ///
    /// - Parameter now: The time that ages are reckoned to.
    /// - Returns: The figures.
    /// - Throws: What SQLite says when it refuses.
    package func status(at now: Timestamp) throws -> QueueStatus {
        var status = QueueStatus()
        for state in RefundState.allCases {
            status.states[state] = try number(of: "refund_queue", in: state.rawValue)
        }
        for reason in Attention.allCases {
            let sql = "SELECT count(*) FROM refund_queue WHERE attention = ?"
            status.attention[reason] = Int(clamping: try number(sql, [reason.rawValue]) ?? 0)
        }
        let oldest = "SELECT min(created_at) FROM refund_queue WHERE state = ?"
        let created = try [RefundState.pending, .processing].compactMap { try number(oldest, [$0.rawValue]) }.min()
        status.oldestPending = created.map { now.duration(since: Timestamp(milliseconds: $0)) }
        for gateway in try gatewaysInQueue() {
            guard let due = try earliestQuery(gateway: gateway, at: now) else { continue }
            status.dueLag = max(status.dueLag, now.duration(since: due))
        }
        for state in WebhookState.allCases.map(\.rawValue) {
            status.webhooks.append((state, try number(of: "refund_outbox", in: state)))
        }
        status.troubles = try troubles()
        status.breakers = try openBreakers(.gateway)
        status.endpoints = try endpointStatus()
        let file = try String.fetchOne(statement("SELECT file FROM pragma_database_list WHERE name = 'main'", []))
        status.walBytes = DatabaseFiles.walSize(path: file ?? "")
        return status
    }

    // A refund that was never put off has been due since it was enqueued.
    private func earliestQuery(gateway: String, at now: Timestamp) throws -> Timestamp? {
        let sql = """
            SELECT CASE WHEN next_query_at = 0 THEN created_at ELSE next_query_at END FROM refund_queue
            WHERE state IN ('pending', 'processing') AND leased_until IS NULL AND gateway = ? AND next_query_at <= ?
            ORDER BY next_query_at LIMIT 1
            """
        return try number(sql, [gateway, now.milliseconds]).map(Timestamp.init(milliseconds:))
    }

    private func number(of table: String, in state: String) throws -> Int {
        let sql = "SELECT number FROM refund_counts WHERE counted = ? AND state = ?"
        return Int(clamping: try number(sql, [table, state]) ?? 0)
    }
}
