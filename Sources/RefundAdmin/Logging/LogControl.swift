package import Logging
import Synchronization

/// What is logged and how, shared by all loggers and changeable while they are in use.
package final class LogControl: Sendable {
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
    package init(level: Logger.Level, format: LogFormat) {
        state = Mutex(State(level: level, format: format))
    }

    /// The lowest level that is logged.
    package var level: Logger.Level {
        state.withLock { $0.level }
    }

    /// How lines are written.
    package var format: LogFormat {
        state.withLock { $0.format }
    }

    /// Changes both at once.
    package func change(level: Logger.Level, format: LogFormat) {
        state.withLock { $0 = State(level: level, format: format) }
    }
}
