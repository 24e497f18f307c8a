import RefundStore

/// Reads the refund that a probe queries.
///
/// Merchants are probed in turn, and so are the refunds of each, so that one that fails for its own reasons does not
/// keep a breaker open.
struct ProbeReader {
    let ranges: DueRanges

    /// Reads the next refund in turn, if there is one.
    func read(_ turn: ClaimRequest.ProbeTurn, except excluded: Set<String>) throws -> [QueuedRefund] {
        var found: [QueuedRefund] = []
        _ = try ranges.merchants(after: turn.merchant, count: 1) { merchant in
            guard !excluded.contains(merchant) else { return false }
            found = try probe(merchant, after: turn.cursors[merchant])
            return !found.isEmpty
        }
        return found.isEmpty && excluded.isEmpty ? try first(of: nil) : found
    }

    private func probe(_ merchant: String, after last: ClaimRequest.ProbeCursor?) throws -> [QueuedRefund] {
        if let last {
            let found = try ranges.waiting(of: merchant, after: last)
            if !found.isEmpty { return found }
        }
        return try first(of: merchant)
    }

    private func first(of merchant: String?) throws -> [QueuedRefund] {
        let first = try ranges.new(of: merchant, limit: 1)
        return first.isEmpty ? try ranges.waiting(of: merchant, limit: 1) : first
    }
}
