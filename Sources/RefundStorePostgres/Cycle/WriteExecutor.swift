import RefundCore
import RefundPostgres
import RefundStore
import RefundStoreSQL

/// Adds a cycle's writes to the transaction's flight, with a fixed set of statements, one narrow shape per kind of write.
///
/// No statement needs the result of another one: what a write depends on is in its conditions. Events come last, because
/// their positions keep other daemons from writing events until the commit.
final class WriteExecutor {
    let tx: PostgresTransaction
    private let last = Flight()
    /// The latest claims of the refunds that the transaction has locked.
    private var leases: [Int64: Int64]
    /// The expired claims of any daemon, by row, with their numbers.
    let expired: (refunds: [Int64: Int64], webhooks: [String: Int64])

    var flight: Flight { tx.flight }

    /// Creates an executor for what a cycle has read; nil for writes of no cycle.
    init(_ tx: PostgresTransaction, _ reader: CycleReader? = nil) {
        self.tx = tx
        leases = reader?.leases ?? [:]
        expired = reader.map { ($0.input.expiredRefunds, $0.input.expiredWebhooks) } ?? ([:], [:])
    }

    /// Whether no other daemon made a row's claim.
    ///
    /// If a claim was lost with its connection or server, another daemon may make one of the same number.
    static func isNotOfOthers(_ daemon: String) -> String { "(claimed_by IS NULL OR claimed_by = \(daemon))" }

    /// Adds one write.
    func execute(_ action: Write.Action) throws {
        switch action {
        case .change(let change): try write(change)
        case .poll(let poll): write(poll)
        case .claimRefunds(let claims, let end): claim(claims, until: end)
        case .releaseRefund(let claim): release(claim, nextQuery: nil)
        case .postponeRefund(let claim, let time): release(claim, nextQuery: time)
        case .attempt(let attempt): write(attempt)
        case .claimWebhooks(let claims, let end): claim(claims, until: end)
        case .releaseWebhook(let claim): release(claim, nextAttempt: nil)
        case .postponeWebhook(let claim, let time): release(claim, nextAttempt: time)
        case .killWebhook(let id, let reason): kill(id, reason)
        case .urlHealth(let url, let health): write(health, url)
        case .incident(let gateway, let record): write(record, gateway)
        case .gatewaySeen(let gateway, let sighting): write(sighting, gateway)
        case .breaker(let kind, let name, let open): write(open, kind, name)
        case .deleteHints(let ids): flight.add("DELETE FROM refund_hints WHERE id = ANY ($1)").bind(list: ids)
        case .heartbeat(let time):
            flight.add("INSERT INTO refund_heartbeat (id, at) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET at = $1")
                .bind(time)
        case .moveDueTimes(let step, let now): moveDueTimes(by: step, after: now)
        }
    }

    /// Adds the events behind everything else; call it once, after the last write.
    func finish() {
        // Behind a pooler, another server may have taken over while the connection stayed.
        if tx.connection.isPooled, !last.isEmpty { flight.add(Positions.jump) }
        flight.append(last)
    }

    // MARK: - Refunds

    /// Writes a change of a refund, unless its claim has ended meanwhile.
    func write(_ change: RefundChange) throws {
        let refund = change.refund
        if let lease = change.lease, try self.lease(refund.id) != lease { return }
        for (index, entry) in change.entries.enumerated() {
            append(entry, of: change)
            // The guard accepts a state only after its ledger row; the last state is written with the rest of the row.
            if index < change.entries.count - 1 {
                flight.add("UPDATE refund_queue SET state = $1, attention = $2 WHERE id = $3")
                    .bind(entry.transition.to.rawValue).bind(entry.transition.attention?.rawValue).bind(refund.id)
            }
            if let event = entry.event {
                log(event, refund: refund, sequence: entry.sequence, state: entry.transition.to)
            }
        }
        if let (event, sequence) = change.notice { log(event, refund: refund, sequence: sequence, state: refund.state) }
        update(change)
    }

    private func lease(_ id: Int64) throws -> Int64? {
        if let lease = leases[id] { return lease }
        let sql = "SELECT lease FROM refund_queue WHERE id = $1 FOR NO KEY UPDATE"
        let query = tx.query(sql)
        query.bind(id)
        let lease = try tx.rows(query) { $0.lease() }.first
        leases[id] = lease
        return lease
    }

    private func append(_ entry: LedgerEntry, of change: RefundChange) {
        let (transition, refund) = (entry.transition, change.refund)
        let sql = """
            INSERT INTO refund_transitions (refund_id, sequence, at, from_state, to_state, attention, reason, trans_status,
            code, psn, response, actor, verdict, enqueued_at, number)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
            """
        flight.add(sql)
            .bind(refund.id).bind(entry.sequence).bind(transition.at).bind(transition.from.rawValue)
            .bind(transition.to.rawValue).bind(transition.attention?.rawValue).bind(transition.reason)
            .bind(transition.transStatus).bind(transition.evidence?.code ?? transition.refusal)
            .bind(transition.evidence?.psn)
            .bind(transition.evidence?.response).bind(transition.actor).bind(transition.verdict?.rawValue)
            .bind(refund.createdAt).bind(change.number)
    }

    private func update(_ change: RefundChange) {
        let (refund, transaction) = (change.refund, change.refund.transaction)
        // Naming state or attention in an update runs their guards.
        let state = change.entries.isEmpty ? "" : "state = $18, attention = $19, "
        let lease = change.endsLease ? "leased_until = NULL, claimed_by = NULL, " : ""
        let sql = """
            WITH done AS (
                UPDATE refund_queue SET \(state)\(lease)attention_told = $1, trans_status = $2, trans_amount = $3,
                trans_currency = $4, trans_end_at = $5, gateway_trans_no = $6, orig_trans_no = $7,
                pay_channel_trans_no = $8, failure_code = $9, failure_message = $10, attempts = $11,
                last_query_at = $12, last_query_verified = $13, last_error = $14, unknown_order = $15,
                updated_at = $16, next_query_at = $17 WHERE id = $20 RETURNING 1
            ) SELECT refund_require((SELECT count(*) FROM done), 1)
            """
        flight.add(sql)
            .bind(refund.notified.rawValue).bind(transaction?.status).bind(transaction?.amount)
            .bind(transaction?.currency).bind(transaction?.endAt).bind(transaction?.transNo)
            .bind(transaction?.origTransNo).bind(transaction?.payChannelTransNo).bind(refund.failure?.code)
            .bind(refund.failure?.message).bind(refund.attempts).bind(refund.lastQueryAt)
            .bind(refund.isLastQueryVerified).bind(refund.lastError).bind(refund.isUnknownOrder)
            .bind(refund.updatedAt).bind(refund.nextQueryAt).bind(refund.state.rawValue)
            .bind(refund.attention?.rawValue).bind(refund.id)
    }

    private func write(_ poll: RefundPoll) {
        let refund = poll.refund
        let sql = """
            UPDATE refund_queue SET leased_until = NULL, claimed_by = NULL, attempts = $1, last_query_at = $2,
            last_query_verified = $3, last_error = $4, unknown_order = $5, updated_at = $6, next_query_at = $7
            WHERE id = $8 AND lease = $9 AND \(Self.isNotOfOthers("$10"))
            """
        flight.add(sql)
            .bind(refund.attempts).bind(refund.lastQueryAt).bind(refund.isLastQueryVerified).bind(refund.lastError)
            .bind(refund.isUnknownOrder).bind(refund.updatedAt).bind(refund.nextQueryAt).bind(refund.id)
            .bind(poll.lease).bind(tx.store.daemonID)
    }

    private func claim(_ claims: [RefundClaim], until end: Timestamp) {
        let sql = """
            WITH done AS (
                UPDATE refund_queue SET leased_until = $1, claimed_by = $2, lease = 1 + \(PostgresTransaction.lease)
                WHERE id = ANY ($3) RETURNING 1
            ) SELECT refund_require((SELECT count(*) FROM done), $4)
            """
        flight.add(sql).bind(end).bind(tx.store.daemonID).bind(list: claims.map(\.id)).bind(claims.count)
        tx.releases += claims.map { .releaseRefund($0) }
    }

    private func release(_ claim: RefundClaim, nextQuery: Timestamp?) {
        let isOwn = expired.refunds[claim.id] == claim.lease ? "true" : Self.isNotOfOthers("$4")
        let sql = """
            UPDATE refund_queue SET leased_until = NULL, claimed_by = NULL, next_query_at = coalesce($1, next_query_at)
            WHERE id = $2 AND \(PostgresTransaction.lease) = $3 AND leased_until IS NOT NULL AND \(isOwn)
            """
        flight.add(sql).bind(nextQuery).bind(claim.id).bind(claim.lease).bind(tx.store.daemonID)
    }

    private func moveDueTimes(by step: Duration, after now: Timestamp) {
        let refunds = """
            UPDATE refund_queue SET next_query_at = next_query_at - $1
            WHERE \(SQLCondition.hasOpenState) AND next_query_at > $2
            """
        let webhooks = """
            UPDATE refund_outbox SET next_attempt_at = next_attempt_at - $1
            WHERE state = 'pending' AND next_attempt_at > $2
            """
        for sql in [refunds, webhooks] { flight.add(sql).bind(step.wholeMilliseconds).bind(now) }
    }

    // MARK: - Events

    private func log(_ event: EventRecord, refund: Refund, sequence: Int, state: RefundState) {
        switch event.supersedes {
        case .nothing: break
        case .allButAttention: supersede(refund.id, "AND type <> 'refund.needs_attention'")
        case .everything: supersede(refund.id, "")
        }
        // An earlier transaction of unknown outcome may have written the event: then nothing is inserted, nor returned.
        let insert = """
            INSERT INTO refund_event_log (at, type, refund_id, sequence, state, body) VALUES ($1, $2, $3, $4, $5, $6)
            """
        let statement = last.add(Self.with(event, insert, first: 7))
            .bind(event.at).bind(event.type.rawValue).bind(refund.id).bind(sequence).bind(state.rawValue)
            .bind(event.body)
        bind(event.webhook, to: statement)
    }

    // A webhook in flight is left alone; the end of its attempt checks whether it was superseded.
    private func supersede(_ refundID: Int64, _ condition: String) {
        let sql = """
            UPDATE refund_outbox SET state = 'superseded', next_attempt_at = NULL
            WHERE refund_id = $1 AND state = 'pending' AND leased_until IS NULL AND redelivery = 0 \(condition)
            """
        last.add(sql).bind(refundID)
    }

    /// The insert of an event, with that of its webhook around it, whose parameters begin with a number.
    private static func with(_ event: EventRecord, _ insert: String, first: Int) -> String {
        guard event.webhook != nil else { return insert }
        return """
            WITH event AS (\(insert) RETURNING position, refund_id, type, at)
            INSERT INTO refund_outbox (position, id, refund_id, type, url, endpoint, next_attempt_at)
            SELECT position, $\(first), refund_id, type, $\(first + 1), $\(first + 2), at FROM event
            \(event.type == .delayed ? unlessAttentionWaits : "")
            """
    }

    // A refund.delayed may not supersede a refund.needs_attention that still waits, nor overtake it.
    private static let unlessAttentionWaits = """
        WHERE NOT EXISTS (SELECT 1 FROM refund_outbox w WHERE w.refund_id = event.refund_id AND w.state = 'pending'
        AND w.type = 'refund.needs_attention')
        """

    private func bind(_ webhook: EventRecord.NewWebhook?, to statement: Statement) {
        guard let webhook else { return }
        statement.bind(webhook.id).bind(webhook.url).bind(webhook.endpoint)
    }

    // MARK: - Gateways

    private func write(_ record: IncidentRecord?, _ gateway: String) {
        guard let record else {
            flight.add("DELETE FROM refund_incidents WHERE gateway = $1").bind(gateway)
            return
        }
        let (incident, event) = (record.incident, record.event)
        // Of several daemons that find the same, the first one's incident stays, and has the only event.
        let upsert = """
            INSERT INTO refund_incidents AS i (gateway, attention, code, message, verified, since)
            VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (gateway, merchant_no) DO UPDATE SET attention = $2, code = $3,
            message = $4, verified = $5, since = $6 WHERE i.attention <> $2
            """
        flight.add(upsert)
            .bind(gateway).bind(incident.kind.rawValue).bind(incident.code).bind(incident.message)
            .bind(incident.isVerified).bind(incident.since)
        let insert = """
            INSERT INTO refund_event_log (at, type, gateway, body) SELECT $1, $2, $3, $4 WHERE EXISTS
            (SELECT 1 FROM refund_incidents i WHERE i.gateway = $3 AND i.merchant_no = '' AND i.since = $1
            AND i.attention = $5 AND i.code = $6 AND i.message = $7)
            """
        let statement = last.add(Self.with(event, insert, first: 8))
            .bind(event.at).bind(event.type.rawValue).bind(gateway).bind(event.body)
            .bind(incident.kind.rawValue).bind(incident.code).bind(incident.message)
        bind(event.webhook, to: statement)
    }

    private func write(_ sighting: GatewaySighting, _ gateway: String) {
        let sql = """
            INSERT INTO refund_gateways AS g (name, last_verified_at, last_error, last_error_at) VALUES ($1, $2, $3, $4)
            ON CONFLICT (name) DO UPDATE SET last_verified_at = coalesce($2, g.last_verified_at),
            last_error = coalesce($3, g.last_error), last_error_at = coalesce($4, g.last_error_at)
            """
        flight.add(sql)
            .bind(gateway).bind(sighting.lastVerified).bind(sighting.lastError).bind(sighting.lastErrorAt)
    }

    private func write(_ open: OpenBreaker?, _ kind: BreakerKind, _ name: String) {
        guard let open else {
            flight.add("DELETE FROM refund_breakers WHERE kind = $1 AND name = $2").bind(kind.rawValue).bind(name)
            return
        }
        let sql = """
            INSERT INTO refund_breakers (kind, name, since, reason, next_probe_at) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (kind, name) DO UPDATE SET since = $3, reason = $4, next_probe_at = $5
            """
        flight.add(sql).bind(kind.rawValue).bind(name).bind(open.since).bind(open.reason).bind(open.nextProbe)
    }
}
