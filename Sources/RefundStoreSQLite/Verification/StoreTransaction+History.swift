import GRDB
package import RefundCore

/// Some refunds with everything that was written about them.
package struct HistoryBatch: Sendable {
    /// The refunds, by id.
    package var histories: [RefundHistory] = []
    /// What is wrong with rows that belong to no refund that can be read.
    package var problems: [String] = []
    /// The id behind which the next batch begins, or nil when this was the last.
    package var last: Int64?
}

extension StoreTransaction {
    /// The refunds behind an id with everything that was written about them.
    ///
    /// - Parameters:
    ///   - id: The last refund of the batch before, or nil for the first batch.
    ///   - limit: The most refunds to return.
    /// - Returns: The batch.
    /// - Throws: What SQLite says when it refuses.
    package func histories(after id: Int64?, limit: Int) throws -> HistoryBatch {
        var batch = HistoryBatch()
        let select = "SELECT \(Refund.columns) FROM refund_queue WHERE id > ? ORDER BY id LIMIT ?"
        let rows = try Row.fetchAll(statement(select, [id ?? .min, limit]))
        batch.last = rows.count == limit ? rows.last?.integer(0) : nil
        // What names a refund that is not there lies between two that are, or behind the last.
        let range: StatementArguments = [id ?? .min, batch.last ?? .max]
        var ledger = Dictionary(grouping: try ledgerRows(range)) { $0.refundID }
        var events = Dictionary(grouping: try loggedEvents("e.refund_id > ? AND e.refund_id <= ?", range)) {
            $0.subject.refundID ?? 0
        }
        var webhooks = Dictionary(grouping: try outboxRows("w.refund_id > ? AND w.refund_id <= ?", range)) {
            $0.refundID ?? 0
        }
        for row in rows {
            let id = row.integer(0) ?? 0
            guard let refund = Refund(row: row) else {
                batch.problems.append("refund \(id) has the unknown state \(row.text(9) ?? "null")")
                continue
            }
            batch.histories.append(
                RefundHistory(
                    refund: refund,
                    ledger: ledger.removeValue(forKey: id)?.map(\.row) ?? [],
                    events: events.removeValue(forKey: id) ?? [],
                    webhooks: webhooks.removeValue(forKey: id) ?? []
                )
            )
        }
        for id in ledger.keys.sorted() {
            batch.problems.append("the ledger has rows of refund \(id), which is missing")
        }
        for id in events.keys.sorted() { batch.problems.append("there are events of refund \(id), which is missing") }
        for id in webhooks.keys.sorted() {
            batch.problems.append("there are webhooks of refund \(id), which is missing")
        }
        return batch
    }

    /// The events of gateways behind a position with their webhooks.
    ///
    /// - Parameters:
    ///   - position: The last position of the batch before; 0 for the first.
    ///   - limit: The most events to return.
    /// - Returns: The events with their webhooks.
    /// - Throws: What SQLite says when it refuses.
    package func gatewayEvents(
        after position: Int64,
        limit: Int
    ) throws -> (events: [LoggedEvent], webhooks: [OutboxRow]) {
        let events = try loggedEvents("e.refund_id IS NULL AND e.position > ?", [position], limit: limit)
        let webhooks = try events.flatMap { event in try outboxRows("w.position = ?", [event.position]) }
        return (events, webhooks)
    }

    /// What is wrong with the outbox and the event log beside what belongs to one event.
    package func strays() throws -> [String] {
        let count = { (what: String, sql: String) -> String? in
            let count = try number("SELECT count(*) FROM \(sql)", []) ?? 0
            return count == 0 ? nil : "\(count) \(what)"
        }
        let unlogged = """
            refund_outbox w WHERE refund_id IS NULL AND NOT EXISTS
            (SELECT 1 FROM refund_event_log e WHERE e.position = w.position AND e.refund_id IS NULL)
            """
        let unsent = """
            refund_outbox_attempts a WHERE NOT EXISTS (SELECT 1 FROM refund_outbox w WHERE w.position = a.position)
            """
        let foreign = """
            refund_transitions t JOIN refund_queue q ON q.id = t.refund_id
            WHERE t.enqueued_at IS NOT q.created_at OR t.number IS NOT ifnull(q.merchant_order_no, q.trans_no)
            """
        let gaps = try ["refund_transitions", "refund_event_log", "refund_actions"].compactMap(gap)
        let miscounted = ["refund_queue", "refund_outbox"].map { table in
            "(counted = '\(table)' AND number <> (SELECT count(*) FROM \(table) t WHERE t.state = c.state))"
        }
        return [
            try count("webhook(s) of gateways belong to no event", unlogged),
            try count("attempt(s) belong to no webhook", unsent),
            try count("row(s) of the ledger are about another refund than the one with their refund_id", foreign),
            try count(
                "number(s) of refund_counts are not what there is",
                "refund_counts c WHERE " + miscounted.joined(separator: " OR ")
            ),
        ].compactMap { $0 } + gaps
    }

    // What is only appended to is numbered without gaps, to the last number that was ever given out: what takes a row
    // back takes its number back too.
    private func gap(in table: String) throws -> String? {
        let select = """
            SELECT ifnull((SELECT max(seq) FROM sqlite_sequence WHERE name = '\(table)'), 0), ifnull(max(rowid), 0),
            count(*) FROM \(table)
            """
        guard let row = try Row.fetchOne(statement(select, [])), let given = row.integer(0),
            let last = row.integer(1), let count = row.integer(2)
        else { return "\(table) cannot be counted" }
        if given < last { return "\(table) would use numbers twice (sqlite_sequence)" }
        return given == count ? nil : "\(table) lacks \(given - count) of its \(given) rows; somebody deleted them"
    }

    private func ledgerRows(_ range: StatementArguments) throws -> [(refundID: Int64, row: LedgerRow)] {
        let select = """
            SELECT refund_id, sequence, from_state, to_state, actor, attention, reason, trans_status, code, psn, response,
            at
            FROM refund_transitions WHERE refund_id > ? AND refund_id <= ? ORDER BY refund_id, sequence
            """
        return try Row.fetchAll(statement(select, range)).map { row in
            var ledgerRow = LedgerRow(
                sequence: row.integer(1) ?? 0,
                at: row.timestamp(11) ?? Timestamp(milliseconds: 0),
                from: row.text(2) ?? "",
                to: row.text(3) ?? "",
                actor: row.text(4) ?? ""
            )
            ledgerRow.attention = row.text(5)
            ledgerRow.reason = row.text(6)
            ledgerRow.transStatus = row.integer(7)
            ledgerRow.code = row.text(8)
            ledgerRow.psn = row.text(9)
            ledgerRow.response = row.bytes(10)
            return (row.integer(0) ?? 0, ledgerRow)
        }
    }

    private func loggedEvents(
        _ condition: String,
        _ arguments: StatementArguments,
        limit: Int = -1
    ) throws -> [LoggedEvent] {
        let select = """
            SELECT e.position, e.at, e.type, e.refund_id, e.sequence, e.state, o.id, e.body
            FROM refund_event_log e LEFT JOIN refund_outbox o ON o.position = e.position
            WHERE \(condition) ORDER BY e.refund_id, e.position LIMIT \(limit)
            """
        return try Row.fetchAll(statement(select, arguments)).map { row in
            LoggedEvent(
                position: row.integer(0) ?? 0,
                at: row.timestamp(1) ?? Timestamp(milliseconds: 0),
                subject: LoggedEvent.Subject(
                    type: row.text(2) ?? "",
                    refundID: row.integer(3),
                    sequence: row.integer(4),
                    state: row.text(5)
                ),
                webhookID: row.text(6),
                body: row.bytes(7) ?? []
            )
        }
    }

    private func outboxRows(_ condition: String, _ arguments: StatementArguments) throws -> [OutboxRow] {
        let attempts = "FROM refund_outbox_attempts a WHERE a.position = w.position"
        let select = """
            SELECT w.id, w.refund_id, e.sequence, w.type, e.body, w.position, w.state, attempts, next_attempt_at,
            delivered_at, leased_until, redelivery, (SELECT count(*) \(attempts)),
            EXISTS (SELECT 1 \(attempts) AND a.status BETWEEN 200 AND 299), url, endpoint
            FROM refund_outbox w LEFT JOIN refund_event_log e ON e.position = w.position
            WHERE \(condition) ORDER BY w.refund_id, w.position
            """
        return try Row.fetchAll(statement(select, arguments)).map { row in
            var webhook = OutboxRow(
                id: row.text(0) ?? "",
                refundID: row.integer(1),
                sequence: row.integer(2),
                type: row.text(3) ?? "",
                body: row.bytes(4) ?? [],
                position: row.integer(5) ?? 0,
                url: row.text(14) ?? "",
                endpoint: row.text(15) ?? ""
            )
            webhook.state = row.text(6) ?? ""
            webhook.attempts = row.integer(7) ?? 0
            webhook.nextAttemptAt = row.integer(8)
            webhook.deliveredAt = row.integer(9)
            webhook.isInFlight = row.integer(10) != nil
            webhook.isRedelivery = row.integer(11) != 0
            webhook.recordedAttempts = row.integer(12) ?? 0
            webhook.wasTaken = row.integer(13) == 1
            return webhook
        }
    }
}
