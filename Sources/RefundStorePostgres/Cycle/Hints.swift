import RefundCore
import RefundPostgres
import RefundStore

/// The hints, with the refunds that they mean.
///
/// Hints are few: they are deleted once they are acted on, and so are those whose refund is gone.
final class Hints {
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

    private var seen: Set<Int64> = []
    private var open: [Int64: (row: QueuedRefund, isLeased: Bool, hints: [Int64])] = [:]

    /// Adds to a flight what reads them.
    init(_ flight: Flight, limit: Int) {
        let sql = """
            SELECT h.id, \(QueuedRefund.columns), q.leased_until IS NOT NULL
            FROM (SELECT * FROM refund_hints ORDER BY id LIMIT $1) h LEFT JOIN LATERAL (\(Self.meant)) q ON true
            """
        flight.add(sql).bind(limit).read { [self] row in
            guard let hint = row.integer() else { return }
            seen.insert(hint)
            guard let refund = QueuedRefund(row: row), !refund.refund.state.isFinal else { return }
            let isLeased = row.integer() == 1
            open[refund.refund.id, default: (refund, isLeased, [])].hints.append(hint)
        }
    }

    /// Sorts them out once the flight has run, and locks the refunds that they mean.
    func finish(_ reader: CycleReader, _ input: inout CycleInput, _ claims: ClaimRequest) throws {
        input.spentHints = seen.subtracting(open.values.flatMap(\.hints)).sorted()
        let now = reader.request.now
        let free = open.filter { !$0.value.isLeased && !claims.heldRefunds.contains($0.key) }
        guard !free.isEmpty else { return }
        // Without the condition on the state, no index of open refunds is taken for the one of ids.
        let sql = "SELECT q.id, q.leased_until IS NULL FROM refund_queue q WHERE q.id = ANY ($1) \(CycleReader.lock)"
        let statement = reader.tx.flight.add(sql).bind(list: free.keys)
        let ids = Set(
            try reader.tx.rows(statement) { row -> Int64? in
                let (id, isFree) = (row.integer(), row.integer() == 1)
                return isFree ? id : nil
            }
        )
        for (id, hinted) in free.sorted(by: { $0.value.hints.min() ?? 0 < $1.value.hints.min() ?? 0 }) {
            let refund = hinted.row.refund
            guard ids.contains(id), let claim = claims.gateways[refund.gateway] else { continue }
            // A hint brings a query forward at most once per initial interval; a due refund it moves to the front.
            let earliest = refund.lastQueryAt?.advanced(by: claims.hintInterval) ?? now
            let isEarly = earliest > now && earliest <= now.advanced(by: claims.hintInterval)
            if isEarly, refund.nextQueryAt ?? now > now {
                let next = input.gateways[refund.gateway]?.next
                input.gateways[refund.gateway]?.next = min(next ?? earliest, earliest)
            } else if claim.permits > 0, claim.excludedMerchants.isEmpty {
                input.gateways[refund.gateway]?.hinted.append(.init(refund: hinted.row, hints: hinted.hints.sorted()))
            } else {
                input.gateways[refund.gateway]?.next = now
            }
        }
    }
}
