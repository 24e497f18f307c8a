/// The `[log]` section: what is logged.
public struct LogSettings: Hashable, Sendable {
    /// The least level that is logged.
    public var level: LogLevel = .info
    /// The form of a line.
    public var format: LogFormat = .auto

    /// Creates the default settings.
    public init() {}
}

/// The weight of a log line, from the lightest to the gravest.
public enum LogLevel: String, Sendable, CaseIterable {
    /// Every step.
    case trace
    /// What helps to find a fault.
    case debug
    /// What happened.
    case info
    /// What is rare and worth knowing.
    case notice
    /// What may need a person soon.
    case warning
    /// What went wrong.
    case error
    /// What needs a person now.
    case critical
}

/// The form of a log line.
public enum LogFormat: String, Sendable, CaseIterable {
    /// For the journal under systemd, otherwise text.
    case auto
    /// For people.
    case text
    /// One JSON object a line.
    case json
}
