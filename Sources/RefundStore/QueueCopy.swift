package import RefundCore

/// A table of refundd's, as it is copied from one store to another.
///
/// All stores have these tables with these columns. Their rows travel as JSON, which every database reads and writes.
package struct QueueTable: Hashable, Sendable {
    /// Its name.
    package var name: String
    /// The whole number that orders its rows; nil if it has none, and then it is small.
    package var key: String?
    /// Its columns without those of claims, which no store keeps beyond its daemon.
    package var columns: [String]
    /// The columns that hold bytes.
    package var byteColumns: Set<String>

    private init(_ name: String, key: String?, _ columns: String, bytes: Set<String> = []) {
        self.name = name
        self.key = key
        self.columns = columns.split(whereSeparator: \.isWhitespace).map(String.init)
        byteColumns = bytes
    }

    /// Every table, in an order in which each refers only to earlier ones.
    package static let all = [
        QueueTable(
            "refund_queue",
            key: "id",
            """
            id merchant_order_no trans_no merchant_no gateway expected_amount expected_currency state attention
            trans_status trans_amount trans_currency trans_end_at failure_code failure_message attempts last_query_at
            last_query_verified last_error created_at updated_at next_query_at lease attention_told unknown_order
            gateway_trans_no orig_trans_no pay_channel_trans_no callback_url metadata
            """
        ),
        QueueTable(
            "refund_transitions",
            key: "id",
            """
            id refund_id sequence at from_state to_state attention reason trans_status code psn response actor verdict
            enqueued_at number
            """,
            bytes: ["response"]
        ),
        QueueTable("refund_event_log", key: "position", "position at type refund_id sequence gateway state body"),
        QueueTable(
            "refund_outbox",
            key: "position",
            """
            position id refund_id type url endpoint state attempts next_attempt_at last_status last_error delivered_at
            lease redelivery pruned_at
            """
        ),
        QueueTable(
            "refund_outbox_attempts",
            key: "id",
            "id position lease at status error duration_ms answer",
            bytes: ["answer"]
        ),
        QueueTable("refund_actions", key: "id", "id at actor action refund_id webhook_id"),
        QueueTable("refund_pauses", key: "id", "id kind name at actor reason resumed_at resumed_by"),
        QueueTable(
            "refund_pruned",
            key: "id",
            "id at what until actor refunds transitions events webhooks bodies attempts"
        ),
        QueueTable(
            "refund_pruned_refunds",
            key: "refund_id",
            "refund_id pruning gateway merchant_no merchant_order_no trans_no state created_at"
        ),
        QueueTable("refund_hints", key: "id", "id merchant_order_no trans_no merchant_no gateway created_at"),
        QueueTable("refund_gateways", key: nil, "name last_verified_at last_error last_error_at"),
        QueueTable("refund_incidents", key: nil, "gateway merchant_no attention code message verified since"),
        QueueTable("refund_endpoints", key: nil, "url failing_since failed_at disabled_at reason"),
    ]
}

/// Rows of one table on their way to another store.
package struct ExportedRows: Sendable {
    /// A JSON array of objects with the columns' names; bytes are text, `\x` and hexadecimal digits.
    package var json: String
    /// The key of the last row; nil if there are no rows.
    package var last: Int64?

    /// Creates a batch.
    package init(json: String, last: Int64?) {
        self.json = json
        self.last = last
    }
}

/// A store whose whole queue can be read for a copy.
package protocol QueueExporter: QueueStore {
    /// Reads rows of a table.
    ///
    /// - Parameters:
    ///   - table: The table.
    ///   - key: The key of the last row that was read; nil for the first rows.
    ///   - limit: The most rows; a table without a key is read whole.
    /// - Returns: The rows, in the order of their keys.
    /// - Throws: `StoreError`.
    func rows(of table: QueueTable, after key: Int64?, limit: Int) throws(StoreError) -> ExportedRows

    /// The highest key that a table has ever had, which no row may get again.
    func highestKey(of table: QueueTable) throws(StoreError) -> Int64
}

/// A store that takes over the whole queue of another one.
///
/// Until the end, no daemon serves it. A copy that was interrupted is continued by beginning it again.
package protocol QueueImporter: QueueStore {
    /// Creates an empty queue if there is none, and begins or continues a copy.
    ///
    /// - Parameters:
    ///   - source: The other store's location.
    ///   - now: The time.
    /// - Throws: `StoreError` if this store has refunds of its own, or part of another queue.
    func beginImport(from source: String, at now: Timestamp) throws(StoreError)

    /// The key of the last row of a table that was taken over; nil if there is none.
    func lastKey(of table: QueueTable) throws(StoreError) -> Int64?

    /// Takes rows over in one transaction, past the guards, which would reject what has a past.
    func take(_ rows: ExportedRows, into table: QueueTable) throws(StoreError)

    /// Ends the copy: new rows get keys beyond all that were ever used, and daemons may serve the queue.
    ///
    /// - Parameter highest: The highest key that each table has ever had, by its name.
    /// - Throws: `StoreError`.
    func endImport(highest: [String: Int64]) throws(StoreError)
}
