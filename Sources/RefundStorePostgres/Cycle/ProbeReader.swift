import RefundPostgres
import RefundStore
import RefundStoreSQL

/// Reads the refund that a probe queries.
///
/// Merchants are probed in turn, and so are the refunds of each, so that one that fails for its own reasons does not
/// keep a breaker open. Probes are rare: each step is a flight of its own.
struct ProbeReader {
    let tx: PostgresTransaction
    let ranges: DueRanges

    /// Reads and locks the next refund in turn, if there is one.
    func read(_ turn: ClaimRequest.ProbeTurn, except excluded: Set<String>) throws -> [QueuedRefund] {
        var (examined, isWrapped) = (turn.merchant, turn.merchant == nil)
        for _ in 0..<CycleLimit.merchants {
            var next = try ranges.merchant(after: examined, tx)
            if next == nil, !isWrapped {
                isWrapped = true
                next = try ranges.merchant(after: nil, tx)
            }
            guard let next, !isWrapped || next <= turn.merchant ?? next else { break }
            examined = next
            guard !excluded.contains(next) else { continue }
            let found = try probe(next, after: turn.cursors[next])
            if !found.isEmpty { return found }
        }
        return excluded.isEmpty ? try first(of: nil) : []
    }

    private func probe(_ merchant: String, after last: ClaimRequest.ProbeCursor?) throws -> [QueuedRefund] {
        if let last {
            var found: [QueuedRefund] = []
            ranges.waiting(of: merchant, after: last, tx.flight) { found.append($0) }
            try tx.send()
            if !found.isEmpty { return found }
        }
        return try first(of: merchant)
    }

    private func first(of merchant: String?) throws -> [QueuedRefund] {
        var found: [QueuedRefund] = []
        ranges.new(of: merchant, limit: 1, tx.flight) { found.append($0) }
        ranges.waiting(of: merchant, limit: 1, tx.flight) { found.append($0) }
        try tx.send()
        return Array(found.prefix(1))
    }
}
