package import RefundCore
package import RefundStore

extension SQLReader {
    package func histories(after id: Int64?, limit: Int) throws(StoreError) -> HistoryBatch {
        try mapped {
            var batch = HistoryBatch()
            let select = """
                SELECT q.id, q.state, \(QueuedRefund.columns) FROM refund_queue q WHERE q.id > $1 ORDER BY q.id LIMIT $2
                """
            let found = try rows(try query(select).bind(id ?? .min).bind(limit)) {
                row -> (id: Int64, state: String?, refund: Refund?)? in
                (row.integer() ?? 0, row.text(), QueuedRefund(row: row)?.refund)
            }
            batch.last = found.count == limit ? found.last?.id : nil
            // Rows of a missing refund lie between those of two existing ones, or beyond the last.
            let range = (id ?? .min, batch.last ?? .max)
            var ledger = Dictionary(grouping: try ledgerRows(range), by: \.refundID)
            var events = Dictionary(grouping: try refundEvents(range)) { $0.subject.refundID ?? 0 }
            var webhooks = Dictionary(grouping: try refundWebhooks(range)) { $0.refundID ?? 0 }
            for (id, state, refund) in found {
                guard let refund else {
                    batch.problems.append("refund \(id) has the unknown state \(state ?? "null")")
                    continue
                }
                batch.histories.append(
                    RefundHistory(
                        refund: refund,
                        ledger: ledger.removeValue(forKey: id) ?? [],
                        events: events.removeValue(forKey: id) ?? [],
                        webhooks: webhooks.removeValue(forKey: id) ?? []
                    )
                )
            }
            for (what, ids) in [
                ("ledger rows", ledger.keys.sorted()), ("events", events.keys.sorted()),
                ("webhooks", webhooks.keys.sorted()),
            ] {
                for id in ids { batch.problems.append("there are \(what) of refund \(id), which is missing") }
            }
            return batch
        }
    }

    package func gatewayEvents(
        after position: Int64,
        limit: Int
    ) throws(StoreError) -> (events: [LoggedEvent], webhooks: [OutboxRow]) {
        try mapped {
            let sql = """
                SELECT \(LoggedEvent.columns) WHERE e.refund_id IS NULL AND e.position > $1 ORDER BY e.position LIMIT $2
                """
            let events = try rows(try query(sql).bind(position).bind(limit)) { row in LoggedEvent(row: row) }
            let select = "SELECT \(OutboxRow.columns) WHERE o.position \(Self.isListed(in: "$1")) ORDER BY o.position"
            let webhooks = try rows(try query(select).bind(list: events.map(\.position))) { row in OutboxRow(row: row) }
            return (events, webhooks)
        }
    }

    private func ledgerRows(_ range: (Int64, Int64)) throws -> [LedgerRow] {
        let sql = """
            SELECT \(LedgerRow.columns) FROM refund_transitions WHERE refund_id > $1 AND refund_id <= $2
            ORDER BY refund_id, sequence
            """
        return try rows(try query(sql).bind(range.0).bind(range.1)) { row in LedgerRow(row: row) }
    }

    private func refundEvents(_ range: (Int64, Int64)) throws -> [LoggedEvent] {
        let sql = """
            SELECT \(LoggedEvent.columns) WHERE e.refund_id > $1 AND e.refund_id <= $2 ORDER BY e.refund_id, e.position
            """
        return try rows(try query(sql).bind(range.0).bind(range.1)) { row in LoggedEvent(row: row) }
    }

    private func refundWebhooks(_ range: (Int64, Int64)) throws -> [OutboxRow] {
        let sql = """
            SELECT \(OutboxRow.columns) WHERE o.refund_id > $1 AND o.refund_id <= $2 ORDER BY o.refund_id, o.position
            """
        return try rows(try query(sql).bind(range.0).bind(range.1)) { row in OutboxRow(row: row) }
    }
}

extension LoggedEvent {
    /// The columns that `init(row:)` reads, and their tables.
    ///
    /// An event has a webhook if the outbox has its position.
    static let columns = """
        e.position, e.at, e.type, e.refund_id, e.sequence, e.state, o.id, e.body, o.pruned_at IS NOT NULL
        FROM refund_event_log e LEFT JOIN refund_outbox o ON o.position = e.position
        """

    init(row: some SQLRow) {
        self.init(
            position: row.integer() ?? 0,
            at: row.timestamp() ?? Timestamp(milliseconds: 0),
            subject: Subject(
                type: row.text() ?? "",
                refundID: row.integer(),
                sequence: row.integer(),
                state: row.text()
            ),
            webhookID: row.text(),
            body: row.bytes() ?? []
        )
        isPruned = row.integer() == 1
    }
}

extension OutboxRow {
    /// The columns that `init(row:)` reads, and their tables.
    static let columns = """
        o.id, o.refund_id, e.sequence, o.type, e.body, o.position, o.url, o.endpoint, o.state, o.attempts,
        o.next_attempt_at, o.delivered_at, o.leased_until IS NOT NULL, o.redelivery, o.pruned_at IS NOT NULL,
        (SELECT count(*) FROM refund_outbox_attempts a WHERE a.position = o.position),
        EXISTS (SELECT 1 FROM refund_outbox_attempts a WHERE a.position = o.position AND a.status BETWEEN 200 AND 299)
        FROM refund_outbox o LEFT JOIN refund_event_log e ON e.position = o.position
        """

    init(row: some SQLRow) {
        self.init(
            id: row.text() ?? "",
            refundID: row.integer(),
            sequence: row.integer(),
            type: row.text() ?? "",
            body: row.bytes() ?? [],
            position: row.integer() ?? 0,
            url: row.text() ?? "",
            endpoint: row.text() ?? ""
        )
        state = row.text() ?? ""
        attempts = row.integer() ?? 0
        nextAttemptAt = row.integer()
        deliveredAt = row.integer()
        isInFlight = row.integer() == 1
        isRedelivery = row.integer() != 0
        isPruned = row.integer() == 1
        recordedAttempts = row.integer() ?? 0
        wasAccepted = row.integer() == 1
    }
}
