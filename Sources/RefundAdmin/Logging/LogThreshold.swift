public import Logging
import Synchronization

/// The level below which nothing is logged, shared by all loggers and changeable while they are in use.
public final class LogThreshold: Sendable {
    private let storage: Mutex<Logger.Level>

    /// Creates a threshold.
    public init(_ level: Logger.Level) {
        storage = Mutex(level)
    }

    /// The lowest level that is logged.
    public var level: Logger.Level {
        get { storage.withLock { $0 } }
        set { storage.withLock { $0 = newValue } }
    }
}
