import RefundCore
import RefundStore
import RefundStoreSQL

/// The due refunds of one gateway.
///
/// While more are due than may be queried, merchants take turns, so that none holds up another. The walk from merchant
/// to merchant follows an index and has a bounded number of steps, however many refunds are due.
struct DueReader {
    private let ranges: DueRanges
    private let claim: ClaimRequest.GatewayClaim

    init(
        _ reader: CycleReader,
        of gateway: String,
        _ claim: ClaimRequest.GatewayClaim,
        _ claims: ClaimRequest
    ) {
        ranges = DueRanges(statements: reader.statements, gateway: gateway, now: reader.request.now, claims: claims)
        self.claim = claim
    }

    /// Reads the refunds that may be claimed, and when the others are due.
    func read() throws -> DueRefunds {
        var due = DueRefunds()
        let limit = claim.permits
        if limit > 0, let turn = claim.probe {
            due.waiting = try ProbeReader(ranges: ranges).read(turn, except: claim.excludedMerchants)
        } else if limit > 0 {
            due.new = try ranges.new(of: nil, limit: limit)
            due.newTurn = try takeTurns(&due.new, of: .new, after: claim.turns.new, limit: limit)
            due.waiting = try ranges.waiting(of: nil, limit: limit)
            due.waitingTurn = try takeTurns(&due.waiting, of: .waiting, after: claim.turns.waiting, limit: limit)
        }
        due.next = try readNext(except: Set((due.new + due.waiting).map(\.refund.id)))
        return due
    }

    // The earliest due time of the refunds that were not read.
    private func readNext(except found: Set<Int64>) throws -> Timestamp? {
        let claims = ranges.claims
        var next: Timestamp?
        // Without a range, the statistics of a small queue can make SQLite sort every waiting refund.
        for range in ["IS NULL", ">= \(Int64.min)"] where next == nil {
            let sql = """
                SELECT q.id, q.next_query_at FROM \(CycleReader.byDueTime) WHERE \(SQLCondition.isClaimable)
                AND q.gateway = ? AND q.next_query_at \(range) ORDER BY q.next_query_at, q.id
                """
            try ranges.statements[sql].bind(ranges.gateway).read { row in
                let (id, due) = (row.integer() ?? 0, row.timestamp() ?? Timestamp(milliseconds: 0))
                if found.contains(id) || claims.heldRefunds.contains(id) { return true }
                next = due > claims.latestDue ? Timestamp(milliseconds: 0) : due
                return false
            }
        }
        return next
    }

    // Puts refunds of merchants in turn before those that have been due longest.
    private func takeTurns(
        _ rows: inout [QueuedRefund],
        of kind: DueRanges.Kind,
        after last: String,
        limit: Int
    ) throws -> DueRefunds.Turn? {
        // With fewer rows than that, all due refunds have been read.
        guard rows.count >= limit else { return nil }
        let (merchants, examined) = try ranges.merchants(with: kind, after: last, count: limit)
        return try DueRefunds.takeTurns(&rows, of: merchants, limit: limit, examined: examined) { share in
            try merchants.map { try ranges.read(kind, of: $0, limit: share) }
        }
    }
}
