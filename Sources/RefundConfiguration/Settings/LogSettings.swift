/// The `[log]` section: what is logged.
package struct LogSettings: Hashable, Sendable {
    /// The least level that is logged.
    package var level: LogLevel = .info
    /// The form of a line.
    package var format: LogFormat = .auto

    /// Creates the default settings.
    package init() {}
}

/// The weight of a log line, from the lightest to the gravest.
package enum LogLevel: String, Sendable, CaseIterable {
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
package enum LogFormat: String, Sendable, CaseIterable {
    /// For the journal under systemd, otherwise text.
    case auto
    /// For people.
    case text
    /// One JSON object a line.
    case json
}
