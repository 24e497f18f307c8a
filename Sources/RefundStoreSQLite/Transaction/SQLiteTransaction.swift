import GRDB
import RefundCore
import RefundStore

/// One transaction, with everything that can be read and written in it.
///
/// `read` passes it as a `QueueReader`, which has no write methods. Valid only inside the closure that receives it.
struct SQLiteTransaction: QueueWriter {
    let store: SQLiteStore
    let database: Database

    var statements: HotStatements { store.statements }

    /// Maps SQLite's errors.
    func mapped<Result>(_ body: () throws -> Result) throws(StoreError) -> Result {
        do {
            return try body()
        } catch {
            throw StoreError(error, path: store.path, database)
        }
    }

    /// The first column of a query's first row as a whole number.
    func number(_ sql: String, _ bind: (HotStatement) -> Void = { _ in }) throws -> Int64? {
        let statement = try statements[sql]
        bind(statement)
        var number: Int64?
        try statement.read { row in
            number = row.integer()
            return false
        }
        return number
    }

    /// The rows of a query.
    func rows<Row>(_ statement: HotStatement, _ read: (HotStatement) -> Row?) throws -> [Row] {
        var rows: [Row] = []
        try statement.read { row in
            if let value = read(row) { rows.append(value) }
            return true
        }
        return rows
    }

    // MARK: - Refunds

    func refund(id: Int64) throws(StoreError) -> QueuedRefund? {
        try mapped {
            let sql = "SELECT \(QueuedRefund.columns) FROM refund_queue q WHERE q.id = ?"
            return try rows(try statements[sql].bind(id), QueuedRefund.init(row:)).first
        }
    }

    func refunds(_ selector: RefundSelector) throws(StoreError) -> [Refund] {
        try mapped {
            switch selector.name {
            case .id(let id):
                return try refunds("q.id = ?", selector) { $0.bind(id) }
            case .number(let number):
                let byOrder = try refunds("q.merchant_order_no = ?", selector) { $0.bind(number) }
                let found = try byOrder.isEmpty ? refunds("q.trans_no = ?", selector) { $0.bind(number) } : byOrder
                // An abandoned refund frees its numbers, so they mean the live refund that took them.
                let live = found.filter { $0.state != .abandoned }
                return live.isEmpty ? found : live
            }
        }
    }

    private func refunds(
        _ condition: String,
        _ selector: RefundSelector,
        _ bind: (HotStatement) -> Void
    ) throws -> [Refund] {
        let gateway = selector.gateway == nil ? "" : " AND q.gateway = ?"
        let merchant = selector.merchantNo == nil ? "" : " AND ifnull(q.merchant_no, '') = ?"
        let sql = """
            SELECT \(QueuedRefund.columns) FROM refund_queue q WHERE \(condition)\(gateway)\(merchant) ORDER BY q.id
            """
        let statement = try statements[sql]
        bind(statement)
        if let gateway = selector.gateway { statement.bind(gateway) }
        if let merchant = selector.merchantNo { statement.bind(merchant) }
        return try rows(statement, QueuedRefund.init(row:)).map(\.refund)
    }

    // MARK: - Ledger, outbox, actions

    func ledger(refundID: Int64) throws(StoreError) -> [LedgerRow] {
        try mapped {
            let sql = """
                SELECT \(LedgerRow.columns) FROM refund_transitions WHERE refund_id = ? ORDER BY sequence
                """
            return try rows(try statements[sql].bind(refundID), LedgerRow.init(row:))
        }
    }

    func webhooks(refundID: Int64) throws(StoreError) -> [WebhookRow] {
        try mapped {
            let sql = "SELECT \(WebhookRow.columns) WHERE o.refund_id = ? ORDER BY o.position"
            return try rows(try statements[sql].bind(refundID), WebhookRow.init(row:))
        }
    }

    func webhooks(state: WebhookState?, limit: Int) throws(StoreError) -> [WebhookRow] {
        try mapped {
            let condition = state == nil ? "" : "WHERE o.state = ?"
            let statement = try statements[
                "SELECT \(WebhookRow.columns) \(condition) ORDER BY o.position DESC LIMIT ?"
            ]
            if let state { statement.bind(state.rawValue) }
            return try rows(statement.bind(limit), WebhookRow.init(row:))
        }
    }

    func webhookIDs(in states: [WebhookState], since: Timestamp) throws(StoreError) -> [String] {
        try mapped {
            let sql = """
                SELECT o.id FROM refund_outbox o JOIN refund_event_log e ON e.position = o.position
                WHERE o.state IN (SELECT value FROM json_each(?)) AND e.at >= ? ORDER BY o.position
                """
            let statement = try statements[sql].bind(JSONWriter.list(states.map(\.rawValue))).bind(since)
            return try rows(statement) { $0.text() }
        }
    }

    func attempts(webhookID: String) throws(StoreError) -> [AttemptRow] {
        try mapped {
            let sql = """
                SELECT a.at, a.status, a.error, a.duration_ms, a.answer FROM refund_outbox_attempts a
                JOIN refund_outbox o ON o.position = a.position WHERE o.id = ? ORDER BY a.id
                """
            return try rows(try statements[sql].bind(webhookID)) { row in
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

    func actions(refundID: Int64) throws(StoreError) -> [ActionRow] {
        try mapped {
            let sql = """
                SELECT id, at, actor, action, webhook_id FROM refund_actions WHERE refund_id = ? ORDER BY id
                """
            return try rows(try statements[sql].bind(refundID)) { row in
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

    init(row: HotStatement) {
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
        o.last_error, e.at, o.delivered_at, o.pruned_at FROM refund_outbox o JOIN refund_event_log e ON e.position = o.position
        """

    init(row: HotStatement) {
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
