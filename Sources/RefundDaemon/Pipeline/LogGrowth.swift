import RefundCore
import RefundStoreSQLite

/// When the database's write-ahead log has grown so far that a person should know, and when to try to cut it.
struct LogGrowth {
    // While a reader keeps the log as it is, an attempt costs time and gains nothing.
    private static let cutInterval: Duration = .seconds(1)

    private var told: Int64 = 0
    private var lastCut: Timestamp?

    /// Whether a size is news: the first above the bound, and then each that is twice what was told.
    mutating func isNews(_ size: Int64) -> Bool {
        guard size > RefundStore.walLimit else {
            told = 0
            return false
        }
        guard size / 2 >= told else { return false }
        told = size
        return true
    }

    /// Whether to try to cut a log of this size now; taken note of as tried.
    mutating func isToBeCut(_ size: Int64, at now: Timestamp) -> Bool {
        guard size > RefundStore.walLimit else { return false }
        if let lastCut, lastCut <= now, now.duration(since: lastCut) < Self.cutInterval { return false }
        lastCut = now
        return true
    }
}
