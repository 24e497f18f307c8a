import RefundCore
import RefundPostgres
import RefundStore
import RefundStoreSQL

/// The hints, with the refunds that they mean.
///
/// Hints are usually few: they are deleted once they are acted on, and so are those whose refund is gone. However many
/// there are, those that cannot be acted on now must not hide the others, so they are read in turn.
final class HintReader {
    private static func join(_ number: String, _ other: String) -> String {
        """
        SELECT q.* FROM refund_queue q WHERE q.\(number) = h.\(number)
        AND (h.\(other) IS NULL OR q.\(other) IS NULL OR q.\(other) = h.\(other))
        AND (h.gateway IS NULL OR q.gateway = h.gateway) AND (h.merchant_no IS NULL OR q.merchant_no = h.merchant_no)
        """
    }

    /// The refunds that a hint `h` means; two joins, since no index serves a condition on either number.
    static let meant = """
        \(join("merchant_order_no", "trans_no")) UNION ALL \(join("trans_no", "merchant_order_no"))
        AND (h.merchant_order_no IS NULL OR q.merchant_order_no IS NULL)
        """

    private let claims: ClaimRequest
    private var (live, seen): (Set<Int64>, Set<Int64>) = ([], [])
    private var open: [Int64: (row: QueuedRefund, isLeased: Bool, hints: [Int64])] = [:]

    /// Adds to a flight what reads them.
    init(_ flight: Flight, _ claims: ClaimRequest) {
        self.claims = claims
        let sql = """
            SELECT h.id, \(QueuedRefund.columns), q.leased_until IS NOT NULL
            FROM (SELECT * FROM refund_hints WHERE id >= $1 ORDER BY id LIMIT $2) h
            LEFT JOIN LATERAL (\(Self.meant)) q ON true
            """
        flight.add(sql).bind(claims.firstHint).bind(claims.batch).read { [self] row in
            guard let hint = row.integer() else { return }
            seen.insert(hint)
            // A refund of an unknown gateway is queried as soon as there is one.
            guard let refund = QueuedRefund(row: row), !refund.refund.state.isFinal,
                claims.gateways[refund.refund.gateway] != nil
            else { return }
            let isLeased = row.integer() == 1
            live.insert(hint)
            open[refund.refund.id, default: (refund, isLeased, [])].hints.append(hint)
        }
    }

    /// Sorts them out once the flight has run, and locks the refunds that they mean.
    func finish(_ reader: CycleReader, _ input: inout CycleInput) throws {
        if seen.count >= claims.batch { input.nextHint = seen.max().map { $0 &+ 1 } }
        input.spentHints = seen.subtracting(live).sorted()
        let pauses = input.pauses
        let free = open.filter { id, hinted in
            !hinted.isLeased && !claims.heldRefunds.contains(id) && pauses[.gateway(hinted.row.refund.gateway)] == nil
        }
        guard !free.isEmpty else { return }
        // Without the condition on the state, no index of open refunds is taken for the one of ids.
        let sql = """
            SELECT \(QueuedRefund.columns), q.leased_until IS NULL FROM refund_queue q WHERE q.id = ANY ($1)
            \(CycleReader.lock)
            """
        // Others may have claimed or ended a refund since it was read.
        var locked: [Int64: QueuedRefund] = [:]
        reader.tx.flight.add(sql).bind(list: free.keys).read { row in
            guard let refund = QueuedRefund(row: row), row.integer() == 1, !refund.refund.state.isFinal,
                refund.lease == free[refund.refund.id]?.row.lease
            else { return }
            locked[refund.refund.id] = refund
        }
        try reader.tx.send()
        for (id, hinted) in free.sorted(by: { $0.value.hints.min() ?? 0 < $1.value.hints.min() ?? 0 }) {
            guard let refund = locked[id] else { continue }
            input.add(.init(refund: refund, hints: hinted.hints.sorted()), claims, at: reader.request.now)
        }
    }
}
