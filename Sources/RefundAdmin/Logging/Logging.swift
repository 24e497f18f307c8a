import FoundationEssentials
package import Logging
import RefundCore
import Synchronization

/// Sends the whole process's log to standard error; called once, before anything else is opened.
///
/// Opens `/dev/null` for every standard descriptor that is closed. Otherwise a database or connection could get the
/// number of standard error, and log lines would be written into it. Ignores SIGPIPE, so that the process outlives the
/// reader of standard error.
///
/// - Parameters:
///   - level: The lowest level to log.
///   - format: The format of lines.
/// - Returns: The control that changes both later.
package func bootstrapLogging(level: Logger.Level, format: LogFormat) -> LogControl {
    fillStandardDescriptors()
    ignoreBrokenPipes()
    let control = LogControl(level: level, format: format)
    let now: @Sendable () -> Timestamp = { Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000)) }
    let errors = LineWriter(standardErrorDescriptor) { LogLine.loss(of: $0, at: now()).written(as: control.format) }
    let output = LogOutput(control, journal: JournalSocket(), write: errors.write)
    LoggingSystem.bootstrap(
        { label, provider in
            var handler = LineLogHandler(label: label, control: control, now: now, write: output.write)
            handler.metadataProvider = provider
            return handler
        },
        metadataProvider: nil
    )
    return control
}

/// Where log lines go: to the journal's socket, or else to standard error.
final class LogOutput: Sendable {
    private let control: LogControl
    private let journal: JournalSocket?
    private let writeLine: @Sendable (String) -> Void
    private let limiter = Mutex(RepeatLimiter())

    /// Creates an output.
    ///
    /// - Parameters:
    ///   - control: Says which format is in use.
    ///   - journal: The journal, for the format of that name.
    ///   - write: Writes one line, its line break included, if the format is another or the journal does not accept it.
    init(_ control: LogControl, journal: JournalSocket?, write: @escaping @Sendable (String) -> Void) {
        self.control = control
        self.journal = journal
        writeLine = write
    }

    /// Writes an event, unless it repeats others too often.
    @Sendable
    func write(_ line: LogLine) {
        let format = control.format
        for line in limiter.withLock({ $0.admit(line) }) {
            if format == .journald, let journal, journal.send(line.journalEntry) { continue }
            writeLine(line.written(as: format))
        }
    }
}

/// The format of log lines.
package enum LogFormat: Sendable, CaseIterable {
    /// Entries for the journal; on standard error, the message after its syslog priority in angle brackets.
    ///
    /// Source: <https://www.freedesktop.org/software/systemd/man/latest/sd-daemon.html>.
    case journald
    /// Time, level, message and metadata, to be read by people.
    case text
    /// One JSON object per line.
    case json

    /// Creates the format that `[log] format` names; nil for an unknown name.
    ///
    /// - Parameters:
    ///   - name: `auto`, `text` or `json`; `auto` is `journald` if standard error goes to the journal, else `text`.
    ///   - environment: The process's environment, for `$JOURNAL_STREAM`.
    package init?(named name: String, environment: [String: String]) {
        switch name {
        case "auto": self = Self.isJournal(standardErrorDescriptor, environment) ? .journald : .text
        case "text": self = .text
        case "json": self = .json
        default: return nil
        }
    }

    /// Whether a descriptor is the connection to the journal that the service manager announced.
    ///
    /// The variable holds device and inode, so it does not match output that was redirected since.
    /// Source: <https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html> (`$JOURNAL_STREAM`).
    static func isJournal(_ descriptor: Int32, _ environment: [String: String]) -> Bool {
        guard let stream = environment["JOURNAL_STREAM"] else { return false }
        return stream == deviceAndInode(of: descriptor)
    }
}

/// The level and format that all loggers share; both can change while loggers are in use.
package final class LogControl: Sendable {
    private let state: Mutex<(level: Logger.Level, format: LogFormat)>

    /// Creates a control.
    package init(level: Logger.Level, format: LogFormat) {
        state = Mutex((level, format))
    }

    /// The lowest level to log.
    package var level: Logger.Level { state.withLock { $0.level } }

    /// The format of lines.
    package var format: LogFormat { state.withLock { $0.format } }

    /// Changes both at once.
    package func change(level: Logger.Level, format: LogFormat) {
        state.withLock { $0 = (level, format) }
    }
}

/// A log handler that turns each event into one line.
///
/// Messages and metadata may come from outside. Whatever they contain, the line stays one line of bounded length,
/// without a character that a terminal acts on.
package struct LineLogHandler: LogHandler, Sendable {
    /// The metadata of every event of this logger.
    package var metadata: Logger.Metadata = [:]
    /// Adds metadata from an event's context.
    package var metadataProvider: Logger.MetadataProvider?

    private let label: String
    private let control: LogControl
    private let now: @Sendable () -> Timestamp
    private let write: @Sendable (LogLine) -> Void
    private var ownLevel: Logger.Level?

    /// Creates a handler.
    ///
    /// - Parameters:
    ///   - label: The logger's label, which the JSON format shows.
    ///   - control: The shared level and format; this logger can be given a level of its own.
    ///   - now: Reads the clock.
    ///   - write: Takes one event.
    init(
        label: String,
        control: LogControl,
        now: @escaping @Sendable () -> Timestamp,
        write: @escaping @Sendable (LogLine) -> Void
    ) {
        self.label = label
        self.control = control
        self.now = now
        self.write = write
    }

    /// The lowest level to log: the shared one, unless this logger has its own.
    package var logLevel: Logger.Level {
        get { ownLevel ?? control.level }
        set { ownLevel = newValue }
    }

    /// One item of the metadata of every event of this logger.
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
        let message = event.message.description
        write(LogLine(time: now(), level: event.level, label: label, message: message, metadata: metadata))
    }
}
