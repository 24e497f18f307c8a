import RefundCore
import RefundStore
import RefundStoreSQL

/// The due refunds of one gateway.
///
/// While more are due than may be queried, merchants take turns, so that none holds up another. The walk from merchant
/// to merchant follows an index and has a bounded number of steps, however many refunds are due.
extension CycleReader {
    // The most merchants to look at in one cycle; the others have their turn in a later one.
    private static let merchantLimit = 64
    private static let byMerchant = "refund_queue q INDEXED BY refund_queue_turns"
    private static let merchant = "ifnull(q.merchant_no, '')"

    /// Reads the refunds that may be claimed, and when the others are due.
    func dueRefunds(
        of gateway: String,
        _ claim: ClaimRequest.GatewayClaim,
        _ claims: ClaimRequest
    ) throws -> DueRefunds {
        var due = DueRefunds()
        let limit = claim.permits
        if limit > 0, let probe = claim.probe {
            due.waiting = try self.probe(gateway, probe, except: claim.excludedMerchants, claims)
        } else if limit > 0 {
            due.new = try new(gateway, limit: limit, claims)
            due.newTurn = try takeTurns(&due.new, of: gateway, after: claim.turns.new, limit: limit) {
                try new(gateway, of: $0, limit: $1, claims)
            }
            due.waiting = try waiting(gateway, limit: limit, claims)
            due.waitingTurn = try takeTurns(&due.waiting, of: gateway, after: claim.turns.waiting, limit: limit) {
                try waiting(gateway, of: $0, limit: $1, claims)
            }
        }
        let found = Set((due.new + due.waiting).map(\.refund.id))
        due.next = try nextDue(gateway, claims, except: found)
        return due
    }

    // MARK: - Ranges of due times

    private func select(_ condition: String, of merchant: String?, _ claims: ClaimRequest) -> String {
        let held = claims.heldRefunds.isEmpty ? "" : "AND q.id NOT IN (SELECT value FROM json_each(?))"
        let (table, isOfMerchant) =
            merchant == nil ? (Self.byDueTime, "") : (Self.byMerchant, "AND \(Self.merchant) = ?")
        return """
            SELECT \(QueuedRefund.columns) FROM \(table)
            WHERE \(Self.isClaimable) AND q.gateway = ? \(isOfMerchant) AND \(condition) \(held)
            ORDER BY q.next_query_at, q.id LIMIT ?
            """
    }

    private func rows(
        _ condition: String,
        _ bounds: Int64?...,
        gateway: String,
        merchant: String?,
        limit: Int,
        _ claims: ClaimRequest
    ) throws -> [QueuedRefund] {
        let statement = try statements[select(condition, of: merchant, claims)].bind(gateway)
        if let merchant { statement.bind(merchant) }
        for bound in bounds where bound != nil { statement.bind(bound) }
        if !claims.heldRefunds.isEmpty { statement.bind(JSONWriter.list(claims.heldRefunds)) }
        var rows: [QueuedRefund] = []
        try statement.bind(limit).read { row in
            if let refund = QueuedRefund(row: row) { rows.append(refund) }
            return true
        }
        return rows
    }

    // refundd never leaves a due time missing or beyond its longest wait. A refund with such a time counts as new.
    private func new(
        _ gateway: String,
        of merchant: String? = nil,
        limit: Int,
        _ claims: ClaimRequest
    ) throws -> [QueuedRefund] {
        var found: [QueuedRefund] = []
        for (condition, bound) in [
            ("q.next_query_at <= 0", nil), ("q.next_query_at IS NULL", nil),
            ("q.next_query_at > ?", claims.latestDue.milliseconds),
        ] as [(String, Int64?)] where found.count < limit {
            let left = limit - found.count
            found += try rows(condition, bound, gateway: gateway, merchant: merchant, limit: left, claims)
        }
        return found
    }

    private func waiting(
        _ gateway: String,
        of merchant: String? = nil,
        limit: Int,
        _ claims: ClaimRequest
    ) throws -> [QueuedRefund] {
        let condition = "q.next_query_at > 0 AND q.next_query_at <= ?"
        return try rows(
            condition,
            request.now.milliseconds,
            gateway: gateway,
            merchant: merchant,
            limit: limit,
            claims
        )
    }

    // MARK: - Turns

    // The first merchant after another one with refunds that can be claimed.
    private func merchant(of gateway: String, after last: String?) throws -> String? {
        let sql = """
            SELECT \(Self.merchant) FROM \(Self.byMerchant) WHERE \(Self.isClaimable) AND q.gateway = ?
            AND \(Self.merchant) \(last == nil ? ">= ''" : "> ?") ORDER BY \(Self.merchant) LIMIT 1
            """
        let statement = try statements[sql].bind(gateway)
        if let last { statement.bind(last) }
        return try statement.first { $0.text() }
    }

    // Goes around the merchants at most once, until enough of them have a due refund.
    private func merchants(
        of gateway: String,
        after last: String?,
        count: Int,
        where hasDue: (String) throws -> Bool
    ) throws -> (found: [String], examined: String?) {
        var (found, examined, isWrapped) = ([] as [String], last, last == nil)
        for _ in 0..<Self.merchantLimit where found.count < count {
            var next = try merchant(of: gateway, after: examined)
            if next == nil, !isWrapped {
                isWrapped = true
                next = try merchant(of: gateway, after: nil)
            }
            guard let next, !isWrapped || next <= last ?? next else { break }
            examined = next
            if try hasDue(next) { found.append(next) }
        }
        return (found, examined)
    }

    // Puts refunds of merchants in turn before those that have been due longest.
    private func takeTurns(
        _ rows: inout [QueuedRefund],
        of gateway: String,
        after last: String,
        limit: Int,
        _ read: (_ merchant: String, _ limit: Int) throws -> [QueuedRefund]
    ) throws -> DueRefunds.Turn? {
        // With fewer rows than that, all due refunds have been read.
        guard rows.count >= limit else { return nil }
        let (merchants, examined) = try merchants(of: gateway, after: last, count: limit) {
            try !read($0, 1).isEmpty
        }
        return try DueRefunds.takeTurns(&rows, of: merchants, limit: limit, examined: examined) { share in
            try merchants.map { try read($0, share) }
        }
    }

    // MARK: - Probes

    // Merchants take turns as probes, and so do the refunds of each, so that no refund that fails for its own reasons
    // keeps a breaker open.
    private func probe(
        _ gateway: String,
        _ turn: ClaimRequest.ProbeTurn,
        except excluded: Set<String>,
        _ claims: ClaimRequest
    ) throws -> [QueuedRefund] {
        var found: [QueuedRefund] = []
        _ = try merchants(of: gateway, after: turn.merchant, count: 1) { merchant in
            guard !excluded.contains(merchant) else { return false }
            found = try probe(gateway, of: merchant, after: turn.cursors[merchant], claims)
            return !found.isEmpty
        }
        return found.isEmpty && excluded.isEmpty ? try first(gateway, of: nil, claims) : found
    }

    private func probe(
        _ gateway: String,
        of merchant: String,
        after last: ClaimRequest.ProbeCursor?,
        _ claims: ClaimRequest
    ) throws -> [QueuedRefund] {
        guard let last else { return try first(gateway, of: merchant, claims) }
        let condition = "q.next_query_at <= ? AND (q.next_query_at, q.id) > (?, ?)"
        let next = try rows(
            condition,
            request.now.milliseconds,
            last.due.milliseconds,
            last.id,
            gateway: gateway,
            merchant: merchant,
            limit: 1,
            claims
        )
        return next.isEmpty ? try first(gateway, of: merchant, claims) : next
    }

    private func first(_ gateway: String, of merchant: String?, _ claims: ClaimRequest) throws -> [QueuedRefund] {
        let first = try new(gateway, of: merchant, limit: 1, claims)
        return first.isEmpty ? try waiting(gateway, of: merchant, limit: 1, claims) : first
    }

    // MARK: - The next due time

    // The earliest due time of the refunds that were not read.
    private func nextDue(_ gateway: String, _ claims: ClaimRequest, except found: Set<Int64>) throws -> Timestamp? {
        var next: Timestamp?
        // Without a range, the statistics of a small queue can make SQLite sort every waiting refund.
        for range in ["IS NULL", ">= \(Int64.min)"] where next == nil {
            let sql = """
                SELECT q.id, q.next_query_at FROM \(Self.byDueTime)
                WHERE \(Self.isClaimable) AND q.gateway = ? AND q.next_query_at \(range) ORDER BY q.next_query_at, q.id
                """
            try statements[sql].bind(gateway).read { row in
                let (id, due) = (row.integer() ?? 0, row.timestamp() ?? Timestamp(milliseconds: 0))
                if found.contains(id) || claims.heldRefunds.contains(id) { return true }
                next = due > claims.latestDue ? Timestamp(milliseconds: 0) : due
                return false
            }
        }
        return next
    }
}
