import RefundCore
import RefundStore
import RefundStoreSQL

/// The hints, with the refunds that they mean.
///
/// Hints are usually few: they are deleted once they are acted on, and so are those whose refund is gone. However many
/// there are, those that cannot be acted on now must not hide the others, so they are read in turn.
struct HintReader {
    /// Whether a hint `h` means the refund `q`.
    static let isMeant = """
        (q.merchant_order_no = h.merchant_order_no OR q.trans_no = h.trans_no)
        AND (h.merchant_order_no IS NULL OR q.merchant_order_no IS NULL OR q.merchant_order_no = h.merchant_order_no)
        AND (h.trans_no IS NULL OR q.trans_no IS NULL OR q.trans_no = h.trans_no)
        AND (h.gateway IS NULL OR q.gateway = h.gateway)
        AND (h.merchant_no IS NULL OR q.merchant_no = h.merchant_no)
        """
    private static let hints = """
        SELECT h.id, \(QueuedRefund.columns), q.leased_until IS NOT NULL
        FROM refund_hints h LEFT JOIN refund_queue q ON \(isMeant) WHERE h.id >= ? ORDER BY h.id LIMIT ?
        """

    let statements: HotStatements
    let claims: ClaimRequest
    let now: Timestamp

    /// Reads the hints, and adds the refunds that they mean to those that are due.
    func read(into input: inout CycleInput) throws {
        var open: [Int64: (row: QueuedRefund, isLeased: Bool, hints: [Int64])] = [:]
        var (live, seen): (Set<Int64>, Set<Int64>) = ([], [])
        var (count, last) = (0, 0 as Int64)
        try statements[Self.hints].bind(claims.firstHint).bind(claims.batch).read { row in
            guard let hint = row.integer() else { return true }
            (count, last) = (count + 1, hint)
            seen.insert(hint)
            // A refund of an unknown gateway is queried as soon as there is one.
            guard let refund = QueuedRefund(row: row), !refund.refund.state.isFinal,
                claims.gateways[refund.refund.gateway] != nil
            else { return true }
            let isLeased = row.integer() == 1
            live.insert(hint)
            guard input.pauses[.gateway(refund.refund.gateway)] == nil else { return true }
            open[refund.refund.id, default: (refund, isLeased, [])].hints.append(hint)
            return true
        }
        if count >= claims.batch {
            // The last hint may mean more refunds than were read; the next part begins with it, unless it was alone.
            input.nextHint = seen.count > 1 ? last : last &+ 1
            live.insert(last)
        }
        input.spentHints = seen.subtracting(live).sorted()
        for hinted in open.values.sorted(by: { $0.hints[0] < $1.hints[0] }) where !hinted.isLeased {
            input.add(.init(refund: hinted.row, hints: hinted.hints), claims, at: now)
        }
    }
}
