import FoundationEssentials
package import Logging
import RefundCore

/// Sends the log of the whole process to standard error; called once, before anything else is opened.
///
/// A standard descriptor that the process was started without is filled with `/dev/null`, so that no database or
/// connection gets its number and the log with it, and SIGPIPE is ignored, so that a reader of standard error may go
/// away.
///
/// - Parameters:
///   - level: The lowest level that is logged.
///   - format: How lines are written.
/// - Returns: The control, for changing both later.
package func bootstrapLogging(level: Logger.Level, format: LogFormat) -> LogControl {
    fillStandardDescriptors()
    ignoreBrokenPipes()
    let control = LogControl(level: level, format: format)
    let now: @Sendable () -> Timestamp = {
        Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000))
    }
    let writer = LineWriter(standardErrorDescriptor) { LogLine.loss(of: $0, at: now()).written(as: control.format) }
    LoggingSystem.bootstrap(
        { label, provider in
            var handler = LineLogHandler(
                label: label,
                control: control,
                now: now,
                write: writer.write
            )
            handler.metadataProvider = provider
            return handler
        },
        metadataProvider: nil
    )
    return control
}
