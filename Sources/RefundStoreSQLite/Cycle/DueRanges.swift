import RefundCore
import RefundStore
import RefundStoreSQL

/// The ranges of due times of one gateway's refunds, of all merchants or of one.
struct DueRanges {
    /// Which refunds.
    enum Kind {
        /// Those that were never queried.
        case new
        /// Those whose next query is due.
        case waiting
    }

    private static let byMerchant = "refund_queue q INDEXED BY refund_queue_turns"
    private static let merchant = "ifnull(q.merchant_no, '')"

    let statements: HotStatements
    let gateway: String
    let now: Timestamp
    let claims: ClaimRequest

    /// Reads refunds of a kind, longest due first.
    func read(_ kind: Kind, of merchant: String?, limit: Int) throws -> [QueuedRefund] {
        switch kind {
        case .new: try new(of: merchant, limit: limit)
        case .waiting: try waiting(of: merchant, limit: limit)
        }
    }

    /// Reads new refunds.
    ///
    /// refundd never leaves a due time missing or further ahead than any wait: such a refund is due like a new one.
    func new(of merchant: String?, limit: Int) throws -> [QueuedRefund] {
        var found: [QueuedRefund] = []
        for (range, bound) in [
            ("q.next_query_at <= 0", nil), ("q.next_query_at IS NULL", nil), ("q.next_query_at > ?", claims.latestDue),
        ] as [(String, Timestamp?)] where found.count < limit {
            found += try rows(range, of: merchant, limit: limit - found.count) { statement in
                if let bound { statement.bind(bound) }
            }
        }
        return found
    }

    /// Reads refunds whose next query is due.
    func waiting(of merchant: String?, limit: Int) throws -> [QueuedRefund] {
        try rows("q.next_query_at > 0 AND q.next_query_at <= ?", of: merchant, limit: limit) { $0.bind(now) }
    }

    /// Reads the first waiting refund of a merchant behind another one.
    func waiting(of merchant: String, after last: ClaimRequest.ProbeCursor) throws -> [QueuedRefund] {
        try rows("q.next_query_at <= ? AND (q.next_query_at, q.id) > (?, ?)", of: merchant, limit: 1) { statement in
            statement.bind(now).bind(last.due).bind(last.id)
        }
    }

    private func select(_ range: String, of merchant: String?) -> String {
        let held = claims.heldRefunds.isEmpty ? "" : "AND q.id NOT IN (SELECT value FROM json_each(?))"
        let (table, isOfMerchant) =
            merchant == nil ? (CycleReader.byDueTime, "") : (Self.byMerchant, "AND \(Self.merchant) = ?")
        return """
            SELECT \(QueuedRefund.columns) FROM \(table)
            WHERE \(SQLCondition.isClaimable) AND q.gateway = ? \(isOfMerchant) AND \(range) \(held)
            ORDER BY q.next_query_at, q.id LIMIT ?
            """
    }

    private func rows(
        _ range: String,
        of merchant: String?,
        limit: Int,
        _ bind: (HotStatement) -> Void
    ) throws -> [QueuedRefund] {
        let statement = try statements[select(range, of: merchant)].bind(gateway)
        if let merchant { statement.bind(merchant) }
        bind(statement)
        if !claims.heldRefunds.isEmpty { statement.bind(JSONWriter.list(claims.heldRefunds)) }
        var rows: [QueuedRefund] = []
        try statement.bind(limit).read { row in
            if let refund = QueuedRefund(row: row) { rows.append(refund) }
            return true
        }
        return rows
    }

    // MARK: - Merchants

    /// Goes once around the merchants at most, until enough of them have a due refund.
    ///
    /// - Returns: Those that have one, and the merchant that was looked at last.
    func merchants(
        with kind: Kind,
        after last: String?,
        count: Int
    ) throws -> (found: [String], examined: String?) {
        try merchants(after: last, count: count) { merchant in try !read(kind, of: merchant, limit: 1).isEmpty }
    }

    /// Does the same for whatever a merchant may have.
    func merchants(
        after last: String?,
        count: Int,
        where isFound: (String) throws -> Bool
    ) throws -> (found: [String], examined: String?) {
        var (found, examined, isWrapped) = ([] as [String], last, last == nil)
        for _ in 0..<CycleLimit.merchants where found.count < count {
            var next = try merchant(after: examined)
            if next == nil, !isWrapped {
                isWrapped = true
                next = try merchant(after: nil)
            }
            guard let next, !isWrapped || next <= last ?? next else { break }
            examined = next
            if try isFound(next) { found.append(next) }
        }
        return (found, examined)
    }

    /// The first merchant after another one, or of all, with a refund that can be claimed.
    private func merchant(after last: String?) throws -> String? {
        let sql = """
            SELECT \(Self.merchant) FROM \(Self.byMerchant) WHERE \(SQLCondition.isClaimable) AND q.gateway = ?
            AND \(Self.merchant) \(last == nil ? ">= ''" : "> ?") ORDER BY \(Self.merchant) LIMIT 1
            """
        let statement = try statements[sql].bind(gateway)
        if let last { statement.bind(last) }
        return try statement.first { $0.text() }
    }
}
