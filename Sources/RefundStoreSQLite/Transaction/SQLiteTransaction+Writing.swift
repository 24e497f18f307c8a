import GRDB
import RefundCore
import RefundStore
import RefundStoreSQL

/// The writes of operators' commands and the scheduler's start.
extension SQLiteTransaction {
    // Keeps an earlier due time, which shows how far behind refundd is.
    private static let dueBy = "next_query_at = min(ifnull(next_query_at, ?1), ?1)"

    private var executor: WriteExecutor { WriteExecutor(store: store, database: database) }

    func enqueue(_ refund: NewRefund) throws(StoreError) -> Int64? {
        try mapped {
            let names = refund.columns.map(\.name.rawValue).joined(separator: ", ")
            let marks = refund.columns.map { _ in "?" }.joined(separator: ", ")
            let statement = try statements[
                "INSERT INTO refund_queue (\(names)) VALUES (\(marks)) ON CONFLICT DO NOTHING"
            ]
            for column in refund.columns { statement.bind(column.value) }
            return try statement.run() == 1 ? database.lastInsertedRowID : nil
        }
    }

    func write(_ change: RefundChange) throws(StoreError) {
        try mapped { try executor.write(change) }
    }

    func requestQuery(_ id: Int64, by actor: String, at now: Timestamp) throws(StoreError) {
        try mapped {
            try statements["UPDATE refund_queue SET \(Self.dueBy) WHERE id = ?2 AND \(SQLCondition.hasOpenState)"]
                .bind(now).bind(id).run()
            let hint = """
                INSERT INTO refund_hints (merchant_order_no, trans_no, gateway, merchant_no)
                SELECT merchant_order_no, trans_no, gateway, merchant_no FROM refund_queue WHERE id = ? AND \(SQLCondition.hasOpenState)
                """
            try statements[hint].bind(id).run()
            try note("query", by: actor, refundID: id, webhookID: nil, at: now)
        }
    }

    func deleteHints(refundID id: Int64) throws(StoreError) {
        try mapped {
            let sql = """
                DELETE FROM refund_hints WHERE id IN
                (SELECT h.id FROM refund_hints h JOIN refund_queue q ON \(HintReader.isMeant) WHERE q.id = ?)
                """
            try statements[sql].bind(id).run()
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
                SELECT refund_id, url, leased_until IS NOT NULL, pruned_at, state = 'pending' FROM refund_outbox WHERE id = ?
                """
            let found = try statements[select].bind(id).first { row in
                (row.integer(), row.text() ?? "", row.integer() == 1, row.timestamp(), row.integer() == 1)
            }
            guard let (refundID, url, isInFlight, prunedAt, isPending) = found else { return .unknown }
            if let prunedAt { return .pruned(at: prunedAt) }
            if isInFlight { return .inFlight }
            let isHastened = isPending && keepsAttempts
            // A webhook that is due already keeps its turn.
            let due = "next_attempt_at = min(ifnull(next_attempt_at, ?1), ?1)"
            let again = "state = 'pending', redelivery = 1, attempts = 0, next_attempt_at = ?1, delivered_at = NULL"
            try statements["UPDATE refund_outbox SET \(isHastened ? due : again) WHERE id = ?2"].bind(now).bind(id)
                .run()
            try executor.write(nil as URLHealth?, url)
            let hasten = """
                UPDATE refund_breakers SET next_probe_at = ? WHERE kind = 'endpoint'
                AND name = (SELECT endpoint FROM refund_outbox WHERE id = ?)
                """
            try statements[hasten].bind(OpenBreaker.atOnce).bind(id).run()
            try note("redeliver", by: actor, refundID: refundID, webhookID: id, at: now)
            return isHastened ? .hastened : .due
        }
    }

    func pause(_ peer: Peer, _ pause: Pause) throws(StoreError) -> Pause? {
        if let current = try pauses()[peer] { return current }
        try mapped {
            try statements["INSERT INTO refund_pauses (kind, name, at, actor, reason) VALUES (?, ?, ?, ?, ?)"]
                .bind(peer.kind.rawValue).bind(peer.name).bind(pause.since).bind(pause.actor).bind(pause.reason)
                .run(changing: 1)
            try note("pause \(peer)", by: pause.actor, refundID: nil, webhookID: nil, at: pause.since)
        }
        return nil
    }

    func resume(_ peer: Peer, by actor: String, at now: Timestamp) throws(StoreError) -> Pause? {
        guard let current = try pauses()[peer] else { return nil }
        try mapped {
            let sql = """
                UPDATE refund_pauses SET resumed_at = ?, resumed_by = ? WHERE kind = ? AND name = ? AND resumed_at IS NULL
                """
            try statements[sql].bind(now).bind(actor).bind(peer.kind.rawValue).bind(peer.name).run(changing: 1)
            try note("resume \(peer)", by: actor, refundID: nil, webhookID: nil, at: now)
        }
        return current
    }

    private func note(
        _ action: String,
        by actor: String,
        refundID: Int64?,
        webhookID: String?,
        at now: Timestamp
    ) throws {
        try statements["INSERT INTO refund_actions (at, actor, action, refund_id, webhook_id) VALUES (?, ?, ?, ?, ?)"]
            .bind(now).bind(actor).bind(action).bind(refundID).bind(webhookID).run()
    }

    // MARK: - The scheduler's start

    // Single rows never make a start fail: the scheduler holds them, and names the trigger that rejects them.
    private var bulk: BulkWrite { BulkWrite(store: store, executor: executor) }

    func releaseClaims() throws(StoreError) {
        try mapped {
            try bulk.run(
                "UPDATE refund_queue SET leased_until = NULL",
                of: "refund_queue",
                where: "leased_until IS NOT NULL"
            )
            // A webhook superseded during its attempt ends here, because the attempt ended with its daemon.
            let release = "UPDATE refund_outbox SET \(SQLAssignment.endOfWebhookClaim())"
            try bulk.run(release, of: "refund_outbox", where: "leased_until IS NOT NULL")
        }
    }

    func removeBreakers() throws(StoreError) {
        try mapped { try bulk.run("DELETE FROM refund_breakers", of: "refund_breakers") }
    }

    func retryMisconfigured(at now: Timestamp) throws(StoreError) {
        try mapped {
            try bulk.run(
                "UPDATE refund_queue SET \(Self.dueBy)",
                of: "refund_queue",
                where:
                    "attention = 'misconfigured' AND \(SQLCondition.hasOpenState) AND (next_query_at IS NULL OR next_query_at > ?1)"
            ) { $0.bind(now) }
        }
    }

    func forgetGateways(except names: Set<String>) throws(StoreError) {
        try mapped {
            let list = JSONWriter.list(names)
            let isUnknown = "NOT IN (SELECT value FROM json_each(?1))"
            try bulk.run("DELETE FROM refund_incidents", of: "refund_incidents", where: "gateway \(isUnknown)") {
                $0.bind(list)
            }
            try bulk.run(
                "DELETE FROM refund_breakers",
                of: "refund_breakers",
                where: "kind <> 'endpoint' AND name \(isUnknown)"
            ) { $0.bind(list) }
            try bulk.run("DELETE FROM refund_gateways", of: "refund_gateways", where: "name \(isUnknown)") {
                $0.bind(list)
            }
        }
    }
}
