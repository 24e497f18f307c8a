import GRDB
package import RefundCore

extension StoreTransaction {
    private static let refundColumns = """
        id, merchant_order_no, trans_no, merchant_no, gateway, expected_amount, expected_currency, callback_url,
        metadata, state, attention, trans_status, trans_amount, trans_currency, trans_end_at, failure_code,
        failure_message, attempts, last_query_at, last_error, created_at, updated_at, next_query_at
        """

    private static let webhookColumns = """
        o.id, o.refund_id, e.sequence, o.type, o.url, e.body, o.state, o.attempts, o.next_attempt_at, o.last_status,
        o.last_error, e.at AS created_at, o.delivered_at FROM refund_outbox o JOIN refund_event_log e USING (position)
        """

    private func records(_ sql: String, _ arguments: StatementArguments) throws -> [Record] {
        try Row.fetchAll(statement(sql, arguments)).map(Record.init)
    }

    /// The queue, newest first.
    ///
    /// - Parameters:
    ///   - state: Only refunds in this state, where it is given.
    ///   - needsAttention: Only refunds that need attention.
    ///   - limit: The most refunds to return.
    /// - Returns: The rows.
    /// - Throws: What SQLite says when it refuses.
    package func refunds(state: RefundState?, needsAttention: Bool, limit: Int) throws -> [Record] {
        var conditions: [String] = []
        var arguments: StatementArguments = []
        if let state {
            conditions.append("state = ?")
            arguments += [state.rawValue]
        }
        if needsAttention { conditions.append("attention IS NOT NULL") }
        let filter = conditions.isEmpty ? "" : "WHERE " + conditions.joined(separator: " AND ")
        // In this order the index of states gives the newest without going through all.
        let order = state == nil ? "id DESC" : "created_at DESC, id DESC"
        let sql = "SELECT \(Self.refundColumns) FROM refund_queue \(filter) ORDER BY \(order) LIMIT ?"
        return try records(sql, arguments + [limit])
    }

    /// The refunds that a selector means: none, one, or several.
    package func refunds(_ selector: RefundSelector) throws -> [Record] {
        var filter = ""
        var arguments: StatementArguments = []
        if let gateway = selector.gateway {
            filter += " AND gateway = ?"
            arguments += [gateway]
        }
        if let merchantNo = selector.merchantNo {
            filter += " AND ifnull(merchant_no, '') = ?"
            arguments += [merchantNo]
        }
        func matches(_ column: String, _ value: any DatabaseValueConvertible) throws -> [Record] {
            let sql = "SELECT \(Self.refundColumns) FROM refund_queue WHERE \(column) = ?\(filter) ORDER BY id"
            return try records(sql, [value] + arguments)
        }
        // An abandoned refund frees its numbers; where another row has them now, that one is meant.
        func live(_ records: [Record]) -> [Record] {
            let live = records.filter { $0.text("state") != RefundState.abandoned.rawValue }
            return live.isEmpty ? records : live
        }
        switch selector.name {
        case .id(let id):
            return try matches("id", id)
        case .number(let number):
            let byOrder = try matches("merchant_order_no", number)
            return live(try byOrder.isEmpty ? matches("trans_no", number) : byOrder)
        }
    }

    /// The ledger of a refund, oldest first.
    package func transitions(refundID: Int64) throws -> [Record] {
        let sql = """
            SELECT id, refund_id, sequence, at, from_state, to_state, attention, reason, trans_status, code, psn,
            response, actor FROM refund_transitions WHERE refund_id = ? ORDER BY sequence
            """
        return try records(sql, [refundID])
    }

    /// The webhooks of a refund, oldest first.
    package func webhooks(refundID: Int64) throws -> [Record] {
        let sql = "SELECT \(Self.webhookColumns) WHERE o.refund_id = ? ORDER BY o.position"
        return try records(sql, [refundID])
    }

    /// The outbox, newest first.
    ///
    /// - Parameters:
    ///   - state: Only webhooks in this state, where it is given.
    ///   - limit: The most webhooks to return.
    /// - Returns: The rows.
    /// - Throws: What SQLite says when it refuses.
    package func webhooks(state: WebhookState?, limit: Int) throws -> [Record] {
        let select = "SELECT \(Self.webhookColumns)"
        guard let state else { return try records("\(select) ORDER BY o.position DESC LIMIT ?", [limit]) }
        let sql = "\(select) WHERE o.state = ? ORDER BY o.position DESC LIMIT ?"
        return try records(sql, [state.rawValue, limit])
    }

    /// The attempts to deliver a webhook, oldest first.
    package func attempts(webhookID: String) throws -> [Record] {
        let sql = """
            SELECT o.id AS webhook_id, a.at, a.status, a.error, a.duration_ms, a.answer
            FROM refund_outbox o JOIN refund_outbox_attempts a USING (position) WHERE o.id = ? ORDER BY a.id
            """
        return try records(sql, [webhookID])
    }

    /// What people did about a refund that its ledger has no row for, oldest first.
    package func actions(refundID: Int64) throws -> [Record] {
        let sql =
            "SELECT id, at, actor, action, refund_id, webhook_id FROM refund_actions WHERE refund_id = ? ORDER BY id"
        return try records(sql, [refundID])
    }
}
