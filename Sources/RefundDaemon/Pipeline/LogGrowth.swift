import RefundStore

/// When the database's write-ahead log has grown so far that a person should know.
struct LogGrowth {
    private var told: Int64 = 0

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
}
