package import Logging
package import RefundCore

/// A log handler that writes each event as one line.
///
/// Messages and metadata may come from outside: whatever they hold, the line stays one line, of bounded length and
/// without a character that a terminal obeys.
package struct LineLogHandler: LogHandler, Sendable {
    /// Metadata of every event of this logger.
    package var metadata: Logger.Metadata = [:]
    /// What adds metadata from the context of an event.
    package var metadataProvider: Logger.MetadataProvider?

    private let label: String
    private let control: LogControl
    private let now: @Sendable () -> Timestamp
    private let write: @Sendable (String) -> Void
    private var ownLevel: Logger.Level?

    /// Creates a handler.
    ///
    /// - Parameters:
    ///   - label: The logger's label, shown in the JSON format.
    ///   - control: The format and the level shared with other loggers; the level holds until this logger is given one of
    ///     its own.
    ///   - now: Reads the clock.
    ///   - write: Takes one line, its end included.
    package init(
        label: String,
        control: LogControl,
        now: @escaping @Sendable () -> Timestamp,
        write: @escaping @Sendable (String) -> Void
    ) {
        self.label = label
        self.control = control
        self.now = now
        self.write = write
    }

    /// The lowest level that is logged: the shared one, unless this logger was given its own.
    package var logLevel: Logger.Level {
        get { ownLevel ?? control.level }
        set { ownLevel = newValue }
    }

    /// A piece of metadata of every event of this logger.
    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Writes an event.
    package func log(event: LogEvent) {
        var metadata = metadata
        if let provided = metadataProvider?.get() { metadata.merge(provided) { $1 } }
        if let own = event.metadata { metadata.merge(own) { $1 } }
        if let error = event.error { metadata["error"] = "\(error)" }
        let line = LogLine(
            time: now(),
            level: event.level,
            label: label,
            message: event.message.description,
            metadata: metadata
        )
        write(line.written(as: control.format))
    }
}
