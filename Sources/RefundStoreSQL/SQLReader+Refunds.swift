package import RefundCore
package import RefundStore

/// Refunds with everything that is recorded about them.
extension SQLReader {
    package func refund(id: Int64) throws(StoreError) -> QueuedRefund? {
        try mapped {
            let sql = "SELECT \(QueuedRefund.columns) FROM refund_queue q WHERE q.id = $1"
            return try rows(try query(sql).bind(id)) { row in QueuedRefund(row: row) }.first
        }
    }

    package func refunds(_ selector: RefundSelector) throws(StoreError) -> [Refund] {
        try mapped {
            switch selector.name {
            case .id(let id):
                return try refunds("q.id = $3", selector) { $0.bind(id) }
            case .number(let number):
                let byOrder = try refunds("q.merchant_order_no = $3", selector) { $0.bind(number) }
                let found = try byOrder.isEmpty ? refunds("q.trans_no = $3", selector) { $0.bind(number) } : byOrder
                // An abandoned refund frees its numbers, so they mean the live refund that took them.
                let live = found.filter { $0.state != .abandoned }
                return live.isEmpty ? found : live
            }
        }
    }

    private func refunds(
        _ condition: String,
        _ selector: RefundSelector,
        _ bind: (Query) -> Void
    ) throws -> [Refund] {
        let sql = """
            SELECT \(QueuedRefund.columns) FROM refund_queue q WHERE \(condition)
            AND ($1 IS NULL OR q.gateway = $1) AND ($2 IS NULL OR coalesce(q.merchant_no, '') = $2) ORDER BY q.id
            """
        let query = try query(sql).bind(selector.gateway).bind(selector.merchantNo)
        bind(query)
        return try rows(query) { row in QueuedRefund(row: row)?.refund }
    }

    package func ledger(refundID: Int64) throws(StoreError) -> [LedgerRow] {
        try mapped {
            let sql = "SELECT \(LedgerRow.columns) FROM refund_transitions WHERE refund_id = $1 ORDER BY sequence"
            return try rows(try query(sql).bind(refundID)) { row in LedgerRow(row: row) }
        }
    }

    package func webhooks(refundID: Int64) throws(StoreError) -> [WebhookRow] {
        try mapped {
            let sql = "SELECT \(WebhookRow.columns) WHERE o.refund_id = $1 ORDER BY o.position"
            return try rows(try query(sql).bind(refundID)) { row in WebhookRow(row: row) }
        }
    }

    package func webhooks(
        in states: [WebhookState],
        since: Timestamp
    ) throws(StoreError) -> [(id: String, state: WebhookState)] {
        try mapped {
            let sql = """
                SELECT o.id, o.state FROM refund_outbox o JOIN refund_event_log e ON e.position = o.position
                WHERE o.state \(Self.isListed(in: "$1")) AND e.at >= $2 ORDER BY o.position
                """
            return try rows(try query(sql).bind(list: states.map(\.rawValue)).bind(since)) { row in
                let (id, state) = (row.text(), row.text().flatMap(WebhookState.init(rawValue:)))
                return id.flatMap { id in state.map { (id, $0) } }
            }
        }
    }

    package func refundID(ofWebhook id: String) throws(StoreError) -> Int64? {
        try mapped { try number("SELECT refund_id FROM refund_outbox WHERE id = $1") { $0.bind(id) } }
    }

    package func attempts(webhookID: String) throws(StoreError) -> [AttemptRow] {
        try mapped {
            let sql = """
                SELECT a.at, a.status, a.error, a.duration_ms, a.answer FROM refund_outbox_attempts a
                JOIN refund_outbox o ON o.position = a.position WHERE o.id = $1 ORDER BY a.id
                """
            return try rows(try query(sql).bind(webhookID)) { row in
                AttemptRow(
                    at: row.timestamp() ?? Timestamp(milliseconds: 0),
                    status: row.integer().map { Int(clamping: $0) },
                    error: row.text(),
                    durationMilliseconds: row.integer(),
                    answer: row.bytes()
                )
            }
        }
    }

    package func actions(refundID: Int64) throws(StoreError) -> [ActionRow] {
        try mapped {
            let sql = "SELECT id, at, actor, action, webhook_id FROM refund_actions WHERE refund_id = $1 ORDER BY id"
            return try rows(try query(sql).bind(refundID)) { row in
                ActionRow(
                    id: row.integer() ?? 0,
                    at: row.timestamp() ?? Timestamp(milliseconds: 0),
                    actor: row.text() ?? "",
                    action: row.text() ?? "",
                    webhookID: row.text()
                )
            }
        }
    }
}

extension LedgerRow {
    /// The columns that `init(row:)` reads.
    static let columns = """
        id, refund_id, sequence, at, from_state, to_state, attention, reason, trans_status, code, psn, response, actor,
        verdict, enqueued_at, number
        """

    init(row: some SQLRow) {
        let (id, refundID, sequence) = (row.integer() ?? 0, row.integer() ?? 0, row.integer() ?? 0)
        self.init(
            sequence: sequence,
            at: row.timestamp() ?? Timestamp(milliseconds: 0),
            from: row.text() ?? "",
            to: row.text() ?? "",
            actor: ""
        )
        self.id = id
        self.refundID = refundID
        attention = row.text()
        reason = row.text()
        transStatus = row.integer()
        code = row.text()
        psn = row.text()
        response = row.bytes()
        actor = row.text() ?? ""
        verdict = row.text()
        enqueuedAt = row.timestamp()
        number = row.text()
    }
}

extension WebhookRow {
    /// The columns that `init(row:)` reads, and their tables.
    static let columns = """
        o.id, o.refund_id, e.sequence, o.type, o.url, e.body, o.state, o.attempts, o.next_attempt_at, o.last_status,
        o.last_error, e.at, o.delivered_at, o.pruned_at
        FROM refund_outbox o JOIN refund_event_log e ON e.position = o.position
        """

    init(row: some SQLRow) {
        self.init(
            id: row.text() ?? "",
            refundID: row.integer(),
            sequence: row.integer(),
            type: row.text() ?? "",
            url: row.text() ?? "",
            body: row.bytes() ?? [],
            state: row.text() ?? "",
            attempts: row.count(),
            createdAt: Timestamp(milliseconds: 0)
        )
        nextAttemptAt = row.timestamp()
        lastStatus = row.integer().map { Int(clamping: $0) }
        lastError = row.text()
        createdAt = row.timestamp() ?? createdAt
        deliveredAt = row.timestamp()
        prunedAt = row.timestamp()
    }
}
