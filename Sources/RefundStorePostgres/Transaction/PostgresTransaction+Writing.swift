import RefundCore
import RefundPostgres
import RefundStore
import RefundStoreSQL

/// The writes of operators' commands and the scheduler's start.
extension PostgresTransaction {
    // Keeps an earlier due time, which shows how far behind refundd is.
    private static let dueBy = "next_query_at = least(coalesce(next_query_at, $1), $1)"

    func enqueue(_ refund: NewRefund) throws(StoreError) -> Int64? {
        try mapped {
            let names = refund.columns.map(\.name.rawValue).joined(separator: ", ")
            let marks = refund.columns.indices.map { "$\($0 + 1)" }.joined(separator: ", ")
            let sql = "INSERT INTO refund_queue (\(names)) VALUES (\(marks)) ON CONFLICT DO NOTHING RETURNING id"
            return try number(sql) { statement in
                for column in refund.columns { statement.bind(column.value) }
            }
        }
    }

    func write(_ change: RefundChange) throws(StoreError) {
        try mapped {
            let executor = WriteExecutor(self, leases: [:])
            try executor.write(change)
            executor.finish()
            try send()
        }
    }

    func requestQuery(_ id: Int64, by actor: String, at now: Timestamp) throws(StoreError) {
        try mapped {
            flight.add("UPDATE refund_queue SET \(Self.dueBy) WHERE id = $2 AND \(SQLCondition.hasOpenState)").bind(now)
                .bind(id)
            let hint = """
                INSERT INTO refund_hints (merchant_order_no, trans_no, gateway, merchant_no)
                SELECT merchant_order_no, trans_no, gateway, merchant_no FROM refund_queue
                WHERE id = $1 AND \(SQLCondition.hasOpenState)
                """
            flight.add(hint).bind(id)
            note("query", by: actor, refundID: id, webhookID: nil, at: now)
            try send()
        }
    }

    func deleteHints(refundID id: Int64) throws(StoreError) {
        try mapped {
            let sql = """
                DELETE FROM refund_hints h WHERE EXISTS (SELECT 1 FROM (\(HintReader.meant)) q WHERE q.id = $1)
                """
            flight.add(sql).bind(id)
            try send()
        }
    }

    func redeliver(
        _ id: String,
        keepsAttempts: Bool,
        by actor: String,
        at now: Timestamp
    ) throws(StoreError) -> Redelivery {
        try mapped {
            let select = """
                SELECT refund_id, url, leased_until IS NOT NULL, pruned_at, state = 'pending' FROM refund_outbox
                WHERE id = $1 FOR NO KEY UPDATE
                """
            let found = try rows(flight.add(select).bind(id)) {
                row -> (refundID: Int64?, url: String, isInFlight: Bool, prunedAt: Timestamp?, isPending: Bool)? in
                (row.integer(), row.text() ?? "", row.integer() == 1, row.timestamp(), row.integer() == 1)
            }.first
            guard let found else { return .unknown }
            if let time = found.prunedAt { return .pruned(at: time) }
            if found.isInFlight { return .inFlight }
            let isHastened = found.isPending && keepsAttempts
            // A webhook that is due already keeps its turn.
            let due = "next_attempt_at = least(coalesce(next_attempt_at, $1), $1)"
            let again = "state = 'pending', redelivery = 1, attempts = 0, next_attempt_at = $1, delivered_at = NULL"
            flight.add("UPDATE refund_outbox SET \(isHastened ? due : again) WHERE id = $2").bind(now).bind(id)
            WriteExecutor(self, leases: [:]).write(nil as URLHealth?, found.url)
            let hasten = """
                UPDATE refund_breakers SET next_probe_at = $1 WHERE kind = 'endpoint'
                AND name = (SELECT endpoint FROM refund_outbox WHERE id = $2)
                """
            flight.add(hasten).bind(OpenBreaker.atOnce).bind(id)
            note("redeliver", by: actor, refundID: found.refundID, webhookID: id, at: now)
            try send()
            return isHastened ? .hastened : .due
        }
    }

    func pause(_ peer: Peer, _ pause: Pause) throws(StoreError) -> Pause? {
        try mapped {
            // Waits for the cycles that have read the pauses; those that begin now wait for the commit.
            flight.add("SELECT pg_advisory_xact_lock(hashtextextended('refundd pauses ' || current_schema(), 0))")
            if let current = try pauses()[peer] { return current }
            flight.add("INSERT INTO refund_pauses (kind, name, at, actor, reason) VALUES ($1, $2, $3, $4, $5)")
                .bind(peer.kind.rawValue).bind(peer.name).bind(pause.since).bind(pause.actor).bind(pause.reason)
            note("pause \(peer)", by: pause.actor, refundID: nil, webhookID: nil, at: pause.since)
            try send()
            return nil
        }
    }

    func resume(_ peer: Peer, by actor: String, at now: Timestamp) throws(StoreError) -> Pause? {
        try mapped {
            flight.add("SELECT pg_advisory_xact_lock(hashtextextended('refundd pauses ' || current_schema(), 0))")
            guard let current = try pauses()[peer] else { return nil }
            let sql = """
                UPDATE refund_pauses SET resumed_at = $1, resumed_by = $2
                WHERE kind = $3 AND name = $4 AND resumed_at IS NULL
                """
            flight.add(sql).bind(now).bind(actor).bind(peer.kind.rawValue).bind(peer.name)
            note("resume \(peer)", by: actor, refundID: nil, webhookID: nil, at: now)
            try send()
            return current
        }
    }

    private func note(
        _ action: String,
        by actor: String,
        refundID: Int64?,
        webhookID: String?,
        at now: Timestamp
    ) {
        flight.add("INSERT INTO refund_actions (at, actor, action, refund_id, webhook_id) VALUES ($1, $2, $3, $4, $5)")
            .bind(now).bind(actor).bind(action).bind(refundID).bind(webhookID)
    }

    // MARK: - The scheduler's start

    /// Ends the claims of daemons that are gone; those of the others go on.
    func releaseClaims() throws(StoreError) {
        try mapped {
            flight.add(TakeOver.deletion(returning: "1")).bind(0)
            let isOrphan = "NOT EXISTS (SELECT 1 FROM refund_daemons d WHERE d.id = claimed_by)"
            for sql in TakeOver.releases(isOrphan) { flight.add(sql) }
            try send()
        }
    }

    /// Removes the circuit breakers that no daemon uses.
    func removeBreakers() throws(StoreError) {
        try mapped {
            flight.add("DELETE FROM refund_breakers WHERE NOT EXISTS (SELECT 1 FROM refund_daemons)")
            try send()
        }
    }

    func retryMisconfigured(at now: Timestamp) throws(StoreError) {
        try mapped {
            let sql = """
                UPDATE refund_queue SET \(Self.dueBy)
                WHERE attention = 'misconfigured' AND \(SQLCondition.hasOpenState) AND (next_query_at IS NULL OR next_query_at > $1)
                """
            flight.add(sql).bind(now)
            try send()
        }
    }

    func forgetGateways(except names: Set<String>) throws(StoreError) {
        try mapped {
            flight.add("DELETE FROM refund_incidents WHERE gateway <> ALL ($1)").bind(list: names)
            flight.add("DELETE FROM refund_breakers WHERE kind <> 'endpoint' AND name <> ALL ($1)").bind(list: names)
            flight.add("DELETE FROM refund_gateways WHERE name <> ALL ($1)").bind(list: names)
            try send()
        }
    }
}
