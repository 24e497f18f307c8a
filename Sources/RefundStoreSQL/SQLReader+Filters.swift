package import RefundCore
package import RefundStore

/// The queue, the outbox and the events as commands list them.
extension SQLReader {
    package func refunds(_ filter: RefundFilter, limit: Int) throws(StoreError) -> [Refund] {
        try mapped {
            let conditions = SQLConditions(filter)
            // In this order, the index of states yields the newest rows without reading all.
            let order = filter.state == nil ? "q.id DESC" : "q.created_at DESC, q.id DESC"
            let sql = """
                SELECT \(QueuedRefund.columns) FROM refund_queue q \(conditions.clause)
                ORDER BY \(order) LIMIT \(conditions.next)
                """
            return try rows(conditions.bind(to: try query(sql)).bind(limit)) { row in QueuedRefund(row: row)?.refund }
        }
    }

    package func count(_ filter: RefundFilter, limit: Int) throws(StoreError) -> Int {
        let conditions = SQLConditions(filter)
        return try count("refund_queue q \(conditions.clause)", conditions, limit)
    }

    package func members(_ filter: RefundFilter, newest limit: Int) throws(StoreError) -> [RefundGroup.Member] {
        try mapped {
            let conditions = SQLConditions(filter)
            let sql = """
                SELECT q.merchant_order_no, q.callback_url IS NOT NULL, q.created_at
                FROM refund_queue q \(conditions.clause) ORDER BY q.created_at DESC, q.id DESC LIMIT \(conditions.next)
                """
            return try rows(conditions.bind(to: try query(sql)).bind(limit)) { row in
                RefundGroup.Member(
                    orderNo: row.text(),
                    hasCallback: row.integer() == 1,
                    enqueued: row.timestamp() ?? Timestamp(milliseconds: 0)
                )
            }
        }
    }

    package func refundIDs(_ filter: RefundFilter) throws(StoreError) -> [Int64] {
        try mapped {
            let conditions = SQLConditions(filter)
            let sql = "SELECT q.id FROM refund_queue q \(conditions.clause) ORDER BY q.id"
            return try rows(conditions.bind(to: try query(sql))) { row in row.integer() }
        }
    }

    package func webhooks(_ filter: WebhookFilter, limit: Int) throws(StoreError) -> [WebhookRow] {
        try mapped {
            let conditions = SQLConditions(filter)
            let sql = """
                SELECT \(WebhookRow.columns) \(filter.join) \(conditions.clause)
                ORDER BY o.position DESC LIMIT \(conditions.next)
                """
            return try rows(conditions.bind(to: try query(sql)).bind(limit)) { row in WebhookRow(row: row) }
        }
    }

    package func count(_ filter: WebhookFilter, limit: Int) throws(StoreError) -> Int {
        let conditions = SQLConditions(filter)
        let tables = "refund_outbox o JOIN refund_event_log e ON e.position = o.position \(filter.join)"
        return try count("\(tables) \(conditions.clause)", conditions, limit)
    }

    private func count(_ from: String, _ conditions: SQLConditions, _ limit: Int) throws(StoreError) -> Int {
        try mapped {
            let sql = "SELECT count(*) FROM (SELECT 1 FROM \(from) LIMIT \(conditions.next)) found"
            return try rows(conditions.bind(to: try query(sql)).bind(limit)) { row in row.count() }.first ?? 0
        }
    }

    package func events(after position: Int64, limit: Int) throws(StoreError) -> [EventRow] {
        try mapped {
            let sql = """
                SELECT e.position, e.at, e.type, e.body, e.refund_id, q.merchant_order_no, e.state
                FROM refund_event_log e LEFT JOIN refund_queue q ON q.id = e.refund_id
                WHERE e.position > $1 ORDER BY e.position LIMIT $2
                """
            return try rows(try query(sql).bind(position).bind(limit)) { row in
                var event = EventRow(
                    position: row.integer() ?? 0,
                    at: row.timestamp() ?? Timestamp(milliseconds: 0),
                    type: row.text() ?? "",
                    body: row.text() ?? ""
                )
                event.refundID = row.integer()
                event.merchantOrderNo = row.text()
                event.state = row.text()
                return event
            }
        }
    }
}

extension WebhookFilter {
    /// The join that the conditions on the refund need.
    fileprivate var join: String {
        let isNeeded =
            refund.needsAttention || refund.gateway != nil || refund.merchantNo != nil || refund.orderPrefix != nil
        return isNeeded ? "JOIN refund_queue q ON q.id = o.refund_id" : ""
    }
}

/// The conditions of a query, with their values in order.
private struct SQLConditions {
    enum Value {
        case text(String)
        case number(Int64)
    }

    private var terms: [String] = []
    private var values: [Value] = []

    init(_ filter: RefundFilter) {
        if let state = filter.state { add("q.state = %", .text(state.rawValue)) }
        if let since = filter.since { add("q.created_at >= %", .number(since.milliseconds)) }
        if let until = filter.until { add("q.created_at < %", .number(until.milliseconds)) }
        add(refund: filter)
    }

    init(_ filter: WebhookFilter) {
        if let state = filter.state { add("o.state = %", .text(state.rawValue)) }
        if let since = filter.refund.since { add("e.at >= %", .number(since.milliseconds)) }
        if let until = filter.refund.until { add("e.at < %", .number(until.milliseconds)) }
        add(refund: filter.refund)
    }

    private mutating func add(refund filter: RefundFilter) {
        if filter.needsAttention { terms.append("q.attention IS NOT NULL") }
        if let gateway = filter.gateway { add("q.gateway = %", .text(gateway)) }
        if let merchant = filter.merchantNo { add("coalesce(q.merchant_no, '') = %", .text(merchant)) }
        if let prefix = filter.orderPrefix { add("substr(q.merchant_order_no, 1, length(%)) = %", .text(prefix)) }
    }

    /// Adds a condition, in which `%` stands for the value.
    mutating func add(_ term: String, _ value: Value) {
        terms.append(term.replacing("%", with: next))
        values.append(value)
    }

    /// The next parameter.
    var next: String { "$\(values.count + 1)" }

    var clause: String { terms.isEmpty ? "" : "WHERE " + terms.joined(separator: " AND ") }

    func bind<Query: SQLQuery>(to query: Query) -> Query {
        for value in values {
            switch value {
            case .text(let text): query.bind(text)
            case .number(let number): query.bind(number)
            }
        }
        return query
    }
}
