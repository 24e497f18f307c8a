import RefundCore
import RefundPostgres
import RefundStore
import RefundStoreSQL
import Synchronization

/// The due refunds of one gateway, read in two steps.
///
/// The first is part of the cycle's first flight. Only while more are due than may be queried is there a second one, in
/// which merchants take turns, so that none holds up another. The walk from merchant to merchant follows an index and
/// has a bounded number of steps, however many refunds are due.
final class DueReader {
    private let tx: PostgresTransaction
    private let ranges: DueRanges
    private let claim: ClaimRequest.GatewayClaim
    private let claims: ClaimRequest
    private var (new, waiting): ([QueuedRefund], [QueuedRefund]) = ([], [])
    /// The rows that are due first, with their due times.
    private var first: [(id: Int64, due: Timestamp)] = []

    /// Adds to the cycle's flight what reads them.
    init(
        _ reader: CycleReader,
        of gateway: String,
        _ claim: ClaimRequest.GatewayClaim,
        _ claims: ClaimRequest
    ) {
        (tx, self.claim, self.claims) = (reader.tx, claim, claims)
        let floor = tx.store.floors.withLock { $0.floor(of: gateway, at: reader.request.now) }
        ranges = DueRanges(gateway: gateway, now: reader.request.now, claims: claims, floor: floor)
        if claim.permits > 0, claim.probe == nil {
            ranges.new(of: nil, limit: claim.permits, tx.flight) { [self] in new.append($0) }
            ranges.waiting(of: nil, limit: claim.permits, tx.flight) { [self] in waiting.append($0) }
        }
        readNext(gateway, tx.flight)
    }

    /// The least due time of the waiting refunds, once the flight has run.
    var front: Int64? { first.map(\.due.milliseconds).filter { $0 > 0 }.min() }

    /// Returns the refunds that may be claimed, and when the others are due, once the flight has run.
    ///
    /// - Parameter mayProbe: Whether a probe may be sent; otherwise another daemon is about to send one.
    /// - Returns: The refunds.
    /// - Throws: `PostgresError`.
    func finish(mayProbe: Bool) throws -> DueRefunds {
        var due = DueRefunds()
        let limit = claim.permits
        if limit > 0, let turn = claim.probe {
            if mayProbe || !claim.excludedMerchants.isEmpty {
                due.waiting = try ProbeReader(tx: tx, ranges: ranges).read(turn, except: claim.excludedMerchants)
            }
        } else if limit > 0 {
            due.new = Array(new.prefix(limit))
            due.newTurn = try takeTurns(&due.new, of: .new, after: claim.turns.new, limit: limit)
            due.waiting = waiting
            due.waitingTurn = try takeTurns(&due.waiting, of: .waiting, after: claim.turns.waiting, limit: limit)
        }
        let found = Set((due.new + due.waiting).map(\.refund.id)).union(claims.heldRefunds)
        due.next = first.first { !found.contains($0.id) }.map { row in
            row.due > claims.latestDue ? Timestamp(milliseconds: 0) : row.due
        }
        return due
    }

    // A missing due time comes first. Reads enough rows that one is left without those found.
    private func readNext(_ gateway: String, _ flight: Flight) {
        for range in ["IS NULL", "<= 0", ">= $3"] {
            let sql = """
                SELECT q.id, q.next_query_at FROM refund_queue q WHERE \(SQLCondition.isClaimable) AND q.gateway = $1
                AND q.next_query_at \(range) ORDER BY q.next_query_at, q.id LIMIT $2
                """
            let limit = 2 * max(claim.permits, 0) + claims.heldRefunds.count + 1
            flight.add(sql).bind(gateway).bind(limit).bind(ranges.floor).read { [self] row in
                first.append((row.integer() ?? 0, row.timestamp() ?? Timestamp(milliseconds: 0)))
            }
        }
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
        let (merchants, examined) = try ranges.merchants(with: kind, after: last, count: limit, tx)
        return try DueRefunds.takeTurns(&rows, of: merchants, limit: limit, examined: examined) { share in
            var lists = Array(repeating: [QueuedRefund](), count: merchants.count)
            for (index, merchant) in merchants.enumerated() {
                ranges.read(kind, of: merchant, limit: share, tx.flight) { lists[index].append($0) }
            }
            try tx.send()
            return lists
        }
    }
}
