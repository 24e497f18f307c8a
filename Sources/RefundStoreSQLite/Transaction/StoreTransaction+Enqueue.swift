import GRDB

/// What an application's insert names.
package struct NewRefund: Sendable {
    /// The columns that are set, by name; those left out take their defaults.
    package var columns: [(name: Column, value: String)]

    /// The columns that an application writes.
    package enum Column: String, Sendable, CaseIterable {
        /// The refund's own order number.
        case merchantOrderNo = "merchant_order_no"
        /// The gateway's number of the refund.
        case transNo = "trans_no"
        /// The merchant, where it is not the configuration's.
        case merchantNo = "merchant_no"
        /// The gateway, where it is not `default`.
        case gateway
        /// What the refund must amount to.
        case expectedAmount = "expected_amount"
        /// The currency of that.
        case expectedCurrency = "expected_currency"
        /// Where webhooks go.
        case callbackURL = "callback_url"
        /// A JSON object that webhooks echo.
        case metadata
    }

    /// Creates a row to insert.
    package init(columns: [(name: Column, value: String)]) {
        self.columns = columns
    }
}

extension StoreTransaction {
    /// Inserts a refund exactly as an application would.
    ///
    /// - Parameter refund: What the row names.
    /// - Returns: The row's id, or nil when the same refund is in the queue already.
    /// - Throws: The trigger's message when the row cannot be served.
    package func enqueue(_ refund: NewRefund) throws -> Int64? {
        let names = refund.columns.map(\.name.rawValue).joined(separator: ", ")
        let marks = refund.columns.map { _ in "?" }.joined(separator: ", ")
        let sql = "INSERT INTO refund_queue (\(names)) VALUES (\(marks)) ON CONFLICT DO NOTHING"
        try db.execute(sql: sql, arguments: StatementArguments(refund.columns.map(\.value)))
        return db.changesCount == 1 ? db.lastInsertedRowID : nil
    }
}
