import RefundCore
import RefundStore
import Synchronization

/// Watches the size of the write-ahead log, truncates it, and reports a log that cannot be truncated.
///
/// SQLite copies the log into the database every thousand pages, but never shortens it if the next writer is a program
/// without our size limit.
final class WALMonitor: Sendable {
    /// The size in bytes to which a longer log is truncated once it has been copied.
    static let limit: Int64 = 64 * 1_024 * 1_024
    // While a reader needs the log, an attempt only costs time.
    private static let truncateInterval: Duration = .seconds(1)

    private struct State {
        var reported: Int64 = 0
        var lastTruncate: Timestamp?
    }

    private let path: String
    private let state = Mutex(State())

    init(path: String) {
        self.path = path
    }

    /// Checks the log's size, and truncates the log if it is too long.
    ///
    /// - Returns: An event for the first size beyond the limit, and for each that is twice the one reported before.
    func check(at now: Timestamp, truncate: () -> Void) -> [StoreEvent] {
        check(size: DatabaseFiles.walSize(path: path), at: now, truncate: truncate)
    }

    /// Does the same for a known size.
    func check(size: Int64, at now: Timestamp, truncate: () -> Void) -> [StoreEvent] {
        guard size > Self.limit else {
            state.withLock { $0.reported = 0 }
            return []
        }
        let (hasDoubled, isDue) = state.withLock { state in
            let hasDoubled = size / 2 >= state.reported
            if hasDoubled { state.reported = size }
            let isRecent = state.lastTruncate.map { $0 <= now && now.duration(since: $0) < Self.truncateInterval }
            if isRecent != true { state.lastTruncate = now }
            return (hasDoubled, isRecent != true)
        }
        if isDue { truncate() }
        return hasDoubled ? [.walGrew(bytes: size, holders: FileHolders.names(of: path))] : []
    }
}
