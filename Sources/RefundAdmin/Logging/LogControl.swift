public import Logging
import Synchronization

/// What is logged and how, shared by all loggers and changeable while they are in use.
public final class LogControl: Sendable {
    private struct State {
        var level: Logger.Level
        var format: LogFormat
    }

    private let state: Mutex<State>

    /// Creates a control.
    ///
    /// - Parameters:
    ///   - level: The lowest level that is logged.
    ///   - format: How lines are written.
    public init(level: Logger.Level, format: LogFormat) {
        state = Mutex(State(level: level, format: format))
    }

    /// The lowest level that is logged.
    public var level: Logger.Level {
        state.withLock { $0.level }
    }

    /// How lines are written.
    public var format: LogFormat {
        state.withLock { $0.format }
    }

    /// Changes both at once.
    public func change(level: Logger.Level, format: LogFormat) {
        state.withLock { $0 = State(level: level, format: format) }
    }
}
