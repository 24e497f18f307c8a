import GRDB
import RefundCore
import RefundStore
import RefundStoreSQL

/// Executes a cycle's writes with a fixed set of statements, a narrow one for each kind of write.
struct WriteExecutor {
    let store: SQLiteStore
    let database: Database

    var statements: HotStatements { store.statements }

    /// Executes one write.
    func execute(_ action: Write.Action) throws {
        switch action {
        case .change(let change): try write(change)
        case .poll(let poll): try write(poll)
        case .claimRefunds(let claims, let end): try claim(claims, until: end)
        case .releaseRefund(let claim): try release(claim, nextQuery: nil)
        case .postponeRefund(let claim, let time): try release(claim, nextQuery: time)
        case .attempt(let attempt): try write(attempt)
        case .claimWebhooks(let claims, let end): try claim(claims, until: end)
        case .releaseWebhook(let claim): try release(claim, nextAttempt: nil)
        case .postponeWebhook(let claim, let time): try release(claim, nextAttempt: time)
        case .killWebhook(let id, let reason): try kill(id, reason)
        case .urlHealth(let url, let health): try write(health, url)
        case .incident(let gateway, let record): try write(record, gateway)
        case .gatewaySeen(let gateway, let sighting): try write(sighting, gateway)
        case .breaker(let kind, let name, let open): try write(open, kind, name)
        case .deleteHints(let ids): try deleteHints(ids)
        case .heartbeat(let time):
            try statements["INSERT OR REPLACE INTO refund_heartbeat (id, at) VALUES (1, ?)"].bind(time).run(changing: 1)
        case .moveDueTimes(let step, let now): try moveDueTimes(by: step, after: now)
        }
    }

    /// Runs a body in a savepoint.
    ///
    /// - Returns: Why the database rejected a row, or nil if the body succeeded.
    func rejection(_ body: () throws -> Void) throws -> String? {
        do {
            try database.inSavepoint {
                try body()
                return .commit
            }
            return nil
        } catch {
            let error = StoreError(error, path: store.path, database)
            guard error.isOfOneRow else { throw error }
            return error.reason
        }
    }

    /// Throws unless a condition holds for a row: if it does not, a trigger ignored the write.
    func requireOne(_ condition: String, _ bind: (HotStatement) -> HotStatement) throws {
        guard try exists(condition, bind) else { throw DatabaseError.ignored }
    }

    /// Throws if a condition still holds for a row: then a trigger ignored the write that should have ended it.
    func requireNone(_ condition: String, _ bind: (HotStatement) -> HotStatement) throws {
        if try exists(condition, bind) { throw DatabaseError.ignored }
    }

    /// Whether a condition holds for a row.
    func exists(_ condition: String, _ bind: (HotStatement) -> HotStatement) throws -> Bool {
        try bind(try statements["SELECT 1 FROM \(condition)"]).first { _ in true } ?? false
    }

    /// Whether a row has a claim of this number.
    static let isClaimed = "id = ? AND \(SQLiteTransaction.lease) = ? AND leased_until IS NOT NULL"

    // MARK: - Refunds

    /// Writes a change of a refund, unless its claim has ended meanwhile.
    func write(_ change: RefundChange) throws {
        let refund = change.refund
        if let lease = change.lease, try !holds(refund.id, lease) { return }
        for (index, entry) in change.entries.enumerated() {
            try append(entry, of: change)
            // The guard accepts a state only after its ledger row; the last state is written with the rest of the row.
            if index < change.entries.count - 1 {
                try statements["UPDATE refund_queue SET state = ?, attention = ? WHERE id = ?"]
                    .bind(entry.transition.to.rawValue).bind(entry.transition.attention?.rawValue).bind(refund.id)
                    .run(changing: 1)
            }
            if let event = entry.event {
                try log(event, refund: refund, sequence: entry.sequence, state: entry.transition.to)
            }
        }
        if let (event, sequence) = change.notice {
            try log(event, refund: refund, sequence: sequence, state: refund.state)
        }
        try update(change)
    }

    private func holds(_ id: Int64, _ lease: Int64) throws -> Bool {
        try statements["SELECT lease FROM refund_queue WHERE id = ?"].bind(id).first { $0.lease() } == lease
    }

    private func append(_ entry: LedgerEntry, of change: RefundChange) throws {
        let (transition, refund) = (entry.transition, change.refund)
        let sql = """
            INSERT INTO refund_transitions (refund_id, sequence, at, from_state, to_state, attention, reason, trans_status,
            code, psn, response, actor, verdict, enqueued_at, number)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """
        try statements[sql]
            .bind(refund.id).bind(entry.sequence).bind(transition.at).bind(transition.from.rawValue)
            .bind(transition.to.rawValue).bind(transition.attention?.rawValue).bind(transition.reason)
            .bind(transition.transStatus).bind(transition.evidence?.code ?? transition.refusal)
            .bind(transition.evidence?.psn)
            .bind(transition.evidence?.response).bind(transition.actor).bind(transition.verdict?.rawValue)
            .bind(refund.createdAt).bind(change.number)
            .run(changing: 1)
    }

    private func update(_ change: RefundChange) throws {
        let (refund, transaction) = (change.refund, change.refund.transaction)
        // Naming state or attention in an update rewrites their indexes and runs their guards.
        let state = change.entries.isEmpty ? "" : "state = ?, attention = ?, "
        let lease = change.endsLease ? "leased_until = NULL, " : ""
        let sql = """
            UPDATE refund_queue SET \(state)\(lease)attention_told = ?, trans_status = ?, trans_amount = ?,
            trans_currency = ?, trans_end_at = ?, gateway_trans_no = ?, orig_trans_no = ?, pay_channel_trans_no = ?,
            failure_code = ?, failure_message = ?, attempts = ?, last_query_at = ?, last_query_verified = ?,
            last_error = ?, unknown_order = ?, updated_at = ?, next_query_at = ? WHERE id = ?
            """
        let statement = try statements[sql]
        if !change.entries.isEmpty { statement.bind(refund.state.rawValue).bind(refund.attention?.rawValue) }
        try statement
            .bind(refund.notified.rawValue).bind(transaction?.status).bind(transaction?.amount)
            .bind(transaction?.currency).bind(transaction?.endAt).bind(transaction?.transNo)
            .bind(transaction?.origTransNo).bind(transaction?.payChannelTransNo).bind(refund.failure?.code)
            .bind(refund.failure?.message).bind(refund.attempts).bind(refund.lastQueryAt)
            .bind(refund.isLastQueryVerified).bind(refund.lastError).bind(refund.isUnknownOrder)
            .bind(refund.updatedAt).bind(refund.nextQueryAt).bind(refund.id)
            .run(changing: 1)
    }

    private func write(_ poll: RefundPoll) throws {
        let refund = poll.refund
        let sql = """
            UPDATE refund_queue SET leased_until = NULL, attempts = ?, last_query_at = ?, last_query_verified = ?,
            last_error = ?, unknown_order = ?, updated_at = ?, next_query_at = ? WHERE id = ? AND lease = ?
            """
        let written = try statements[sql]
            .bind(refund.attempts).bind(refund.lastQueryAt).bind(refund.isLastQueryVerified).bind(refund.lastError)
            .bind(refund.isUnknownOrder).bind(refund.updatedAt).bind(refund.nextQueryAt).bind(refund.id)
            .bind(poll.lease)
            .run()
        if written == 0, try holds(refund.id, poll.lease) { throw DatabaseError.ignored }
    }

    private static let claimOfRefunds = """
        UPDATE refund_queue SET leased_until = ?, lease = 1 + \(SQLiteTransaction.lease)
        WHERE id IN (SELECT value FROM json_each(?))
        """

    private func claim(_ claims: [RefundClaim], until end: Timestamp) throws {
        try statements[Self.claimOfRefunds].bind(end).bind(JSONWriter.list(claims.map(\.id)))
            .run(changing: claims.count)
    }

    private func release(_ claim: RefundClaim, nextQuery: Timestamp?) throws {
        let due = nextQuery == nil ? "" : ", next_query_at = ?"
        let statement = try statements["UPDATE refund_queue SET leased_until = NULL\(due) WHERE \(Self.isClaimed)"]
        if let nextQuery { statement.bind(nextQuery) }
        guard try statement.bind(claim.id).bind(claim.lease).run() == 0 else { return }
        try requireNone("refund_queue WHERE \(Self.isClaimed)") { $0.bind(claim.id).bind(claim.lease) }
    }

    private func deleteHints(_ ids: [Int64]) throws {
        try statements["DELETE FROM refund_hints WHERE id IN (SELECT value FROM json_each(?))"]
            .bind(JSONWriter.list(ids)).run()
    }

    private func moveDueTimes(by step: Duration, after now: Timestamp) throws {
        let milliseconds = step.wholeMilliseconds
        let bulk = BulkWrite(store: store, executor: self)
        try bulk.run(
            "UPDATE refund_queue SET next_query_at = next_query_at - ?1",
            of: "refund_queue",
            where: "\(SQLCondition.hasOpenState) AND next_query_at > ?2"
        ) { $0.bind(milliseconds).bind(now) }
        try bulk.run(
            "UPDATE refund_outbox SET next_attempt_at = next_attempt_at - ?1",
            of: "refund_outbox",
            where: "state = 'pending' AND next_attempt_at > ?2"
        ) { $0.bind(milliseconds).bind(now) }
    }

    // MARK: - Events

    private func log(_ event: EventRecord, refund: Refund, sequence: Int, state: RefundState) throws {
        switch event.supersedes {
        case .nothing: break
        case .allButAttention: try supersede(refund.id, "AND type <> 'refund.needs_attention'")
        case .everything: try supersede(refund.id, "")
        }
        let sql = """
            INSERT INTO refund_event_log (at, type, refund_id, sequence, state, body) VALUES (?, ?, ?, ?, ?, ?)
            """
        let inserted = try statements[sql]
            .bind(event.at).bind(event.type.rawValue).bind(refund.id).bind(sequence).bind(state.rawValue)
            .bind(event.body)
            .run()
        // An earlier transaction of unknown outcome may have written the event.
        guard inserted > 0 else {
            return try requireOne("refund_event_log WHERE refund_id = ? AND sequence = ? AND type = ?") {
                $0.bind(refund.id).bind(sequence).bind(event.type.rawValue)
            }
        }
        try enqueue(event, refundID: refund.id)
    }

    // A webhook in flight is left alone; the end of its attempt checks whether it was superseded.
    private func supersede(_ refundID: Int64, _ condition: String) throws {
        let sql = """
            UPDATE refund_outbox SET state = 'superseded', next_attempt_at = NULL
            WHERE refund_id = ? AND state = 'pending' AND leased_until IS NULL AND redelivery = 0 \(condition)
            """
        try statements[sql].bind(refundID).run()
    }

    private func enqueue(_ event: EventRecord, refundID: Int64?) throws {
        guard let webhook = event.webhook else { return }
        // A refund.delayed may not supersede a refund.needs_attention that still waits, nor overtake it.
        let waiting = "refund_outbox WHERE refund_id = ? AND state = 'pending' AND type = 'refund.needs_attention'"
        if event.type == .delayed, try exists(waiting, { $0.bind(refundID) }) { return }
        let sql = """
            INSERT INTO refund_outbox (position, id, refund_id, type, url, endpoint, next_attempt_at)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            """
        try statements[sql]
            .bind(database.lastInsertedRowID).bind(webhook.id).bind(refundID).bind(event.type.rawValue)
            .bind(webhook.url).bind(webhook.endpoint).bind(event.at)
            .run(changing: 1)
    }

    // MARK: - Gateways

    private func write(_ record: IncidentRecord?, _ gateway: String) throws {
        guard let record else {
            try statements["DELETE FROM refund_incidents WHERE gateway = ?"].bind(gateway).run()
            return
        }
        let (incident, event) = (record.incident, record.event)
        let upsert = """
            INSERT OR REPLACE INTO refund_incidents (gateway, attention, code, message, verified, since)
            VALUES (?, ?, ?, ?, ?, ?)
            """
        try statements[upsert]
            .bind(gateway).bind(incident.kind.rawValue).bind(incident.code).bind(incident.message)
            .bind(incident.isVerified).bind(incident.since)
            .run()
        let insert = "INSERT INTO refund_event_log (at, type, gateway, body) VALUES (?, ?, ?, ?)"
        let inserted = try statements[insert]
            .bind(event.at).bind(event.type.rawValue).bind(gateway).bind(event.body)
            .run()
        guard inserted > 0 else { return }
        try enqueue(event, refundID: nil)
    }

    private func write(_ sighting: GatewaySighting, _ gateway: String) throws {
        try statements["INSERT OR IGNORE INTO refund_gateways (name) VALUES (?)"].bind(gateway).run()
        let sql = """
            UPDATE refund_gateways SET last_verified_at = ifnull(?, last_verified_at),
            last_error = ifnull(?, last_error), last_error_at = ifnull(?, last_error_at) WHERE name = ?
            """
        try statements[sql]
            .bind(sighting.lastVerified).bind(sighting.lastError).bind(sighting.lastErrorAt).bind(gateway)
            .run()
    }

    private func write(_ open: OpenBreaker?, _ kind: BreakerKind, _ name: String) throws {
        guard let open else {
            try statements["DELETE FROM refund_breakers WHERE kind = ? AND name = ?"]
                .bind(kind.rawValue).bind(name).run()
            return
        }
        let sql = """
            INSERT OR REPLACE INTO refund_breakers (kind, name, since, reason, next_probe_at) VALUES (?, ?, ?, ?, ?)
            """
        try statements[sql].bind(kind.rawValue).bind(name).bind(open.since).bind(open.reason).bind(open.nextProbe).run()
    }
}

extension JSONWriter {
    /// A JSON array of numbers, for `json_each`.
    static func list(_ numbers: some Sequence<Int64>) -> String {
        var json = JSONWriter()
        json.array { json in for number in numbers { json.number(nil, number) } }
        return json.text
    }

    /// A JSON array of texts, for `json_each`.
    static func list(_ texts: some Sequence<String>) -> String {
        var json = JSONWriter()
        json.array { json in for text in texts { json.string(nil, text) } }
        return json.text
    }
}
