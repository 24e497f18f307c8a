import RefundCore
import RefundPostgres
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

    private static let merchant = "coalesce(q.merchant_no, '')"
    // refundd never leaves a due time missing or further ahead than any wait: such a refund is due like a new one.
    private static let newRanges = ["q.next_query_at <= 0", "q.next_query_at IS NULL", "q.next_query_at > $3"]
    private static let waitingRange = "q.next_query_at >= $5 AND q.next_query_at <= $2"

    let gateway: String
    let now: Timestamp
    let claims: ClaimRequest
    /// The least due time to look for.
    let floor: Int64

    // The parameters that every query here begins with.
    private static let isDue = """
        \(SQLCondition.isClaimable) AND q.gateway = $1 AND q.id <> ALL ($4)
        """

    private func add(_ sql: String, _ flight: Flight) -> Statement {
        flight.add(sql).bind(gateway).bind(now).bind(claims.latestDue).bind(list: claims.heldRefunds)
            .bind(floor)
    }

    /// Adds to a flight what reads and locks refunds of a kind, longest due first.
    func read(
        _ kind: Kind,
        of merchant: String?,
        limit: Int,
        _ flight: Flight,
        _ body: @escaping (QueuedRefund) -> Void
    ) {
        switch kind {
        case .new: new(of: merchant, limit: limit, flight, body)
        case .waiting: waiting(of: merchant, limit: limit, flight, body)
        }
    }

    /// Adds to a flight what reads and locks new refunds.
    func new(of merchant: String?, limit: Int, _ flight: Flight, _ body: @escaping (QueuedRefund) -> Void) {
        var left = limit
        for range in Self.newRanges {
            rows(range, of: merchant, limit: limit, flight) { refund in
                left -= 1
                if left >= 0 { body(refund) }
            }
        }
    }

    /// Adds to a flight what reads and locks refunds whose next query is due.
    func waiting(of merchant: String?, limit: Int, _ flight: Flight, _ body: @escaping (QueuedRefund) -> Void) {
        rows(Self.waitingRange, of: merchant, limit: limit, flight, body)
    }

    /// Adds to a flight what reads and locks the first waiting refund of a merchant behind another one.
    func waiting(
        of merchant: String,
        after last: ClaimRequest.ProbeCursor,
        _ flight: Flight,
        _ body: @escaping (QueuedRefund) -> Void
    ) {
        let sql = """
            \(select) AND q.next_query_at <= $2 AND \(Self.merchant) = $7 AND (q.next_query_at, q.id) > ($8, $9) \(order)
            """
        add(sql, flight).bind(1).bind(merchant).bind(last.due).bind(last.id).read { row in
            if let refund = QueuedRefund(row: row) { body(refund) }
        }
    }

    private var select: String { "SELECT \(QueuedRefund.columns) FROM refund_queue q WHERE \(Self.isDue)" }
    private var order: String { "ORDER BY q.next_query_at, q.id LIMIT $6 \(CycleReader.lock)" }

    private func rows(
        _ range: String,
        of merchant: String?,
        limit: Int,
        _ flight: Flight,
        _ body: @escaping (QueuedRefund) -> Void
    ) {
        let isOfMerchant = merchant == nil ? "" : "AND \(Self.merchant) = $7"
        let statement = add("\(select) AND \(range) \(isOfMerchant) \(order)", flight).bind(limit)
        if let merchant { statement.bind(merchant) }
        statement.read { row in if let refund = QueuedRefund(row: row) { body(refund) } }
    }

    // MARK: - Merchants

    /// Goes once around the merchants at most, until enough of them have a due refund.
    ///
    /// - Returns: Those that have one, and the merchant that was looked at last.
    func merchants(
        with kind: Kind,
        after last: String?,
        count: Int,
        _ tx: PostgresTransaction
    ) throws -> (found: [String], examined: String?) {
        func first(_ condition: String) -> String {
            """
            (SELECT \(Self.merchant) FROM refund_queue q WHERE \(SQLCondition.isOpen) AND q.gateway = $1 \(condition)
            ORDER BY \(Self.merchant) LIMIT 1)
            """
        }
        let ranges = kind == .new ? Self.newRanges : [Self.waitingRange]
        let hasDue = ranges.map { range in
            "EXISTS (SELECT 1 FROM refund_queue q WHERE \(Self.isDue) AND \(Self.merchant) = n.name AND \(range))"
        }
        let sql = """
            WITH RECURSIVE walk (name, is_wrapped, step, has_due, found) AS (
                SELECT $6 COLLATE "C", $6 IS NULL, 0, false, 0
                UNION ALL
                SELECT n.name, n.is_wrapped, w.step + 1, d.has_due, w.found + d.has_due::integer
                FROM walk w CROSS JOIN LATERAL (
                    SELECT CASE WHEN w.name IS NULL THEN \(first(""))
                    ELSE \(first("AND \(Self.merchant) > w.name")) END AS name OFFSET 0
                ) further CROSS JOIN LATERAL (
                    SELECT CASE WHEN further.name IS NULL AND NOT w.is_wrapped THEN \(first(""))
                    ELSE further.name END AS name, w.is_wrapped OR further.name IS NULL AS is_wrapped OFFSET 0
                ) n CROSS JOIN LATERAL (SELECT \(hasDue.joined(separator: " OR ")) AS has_due OFFSET 0) d
                WHERE w.step < \(CycleLimit.merchants) AND w.found < $7 AND n.name IS NOT NULL
                AND (NOT n.is_wrapped OR $6 IS NULL OR n.name <= $6)
            )
            SELECT name, has_due FROM walk WHERE step > 0
            """
        var (found, examined): ([String], String?) = ([], last)
        add(sql, tx.flight).bind(last).bind(count).read { row in
            guard let name = row.text() else { return }
            examined = name
            if row.integer() == 1 { found.append(name) }
        }
        try tx.send()
        return (found, examined)
    }

    /// The first merchant after another one, or of all, that has an open refund.
    func merchant(after last: String?, _ tx: PostgresTransaction) throws -> String? {
        let sql = """
            SELECT \(Self.merchant) FROM refund_queue q WHERE \(SQLCondition.isOpen) AND q.gateway = $1
            AND \(Self.merchant) \(last == nil ? ">= $2" : "> $2") ORDER BY \(Self.merchant) LIMIT 1
            """
        return try tx.rows(tx.flight.add(sql).bind(gateway).bind(last ?? "")) { $0.text() }.first
    }
}
