import Logging
import RefundCore
import Synchronization
import Testing

@testable import RefundAdmin

struct LineLogHandlerTests {
    private final class Lines: Sendable {
        private let storage = Mutex<[String]>([])

        var all: [String] { storage.withLock { $0 } }

        @Sendable
        func append(_ line: String) {
            storage.withLock { $0.append(line) }
        }
    }

    private struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private let lines = Lines()
    private let control = LogControl(level: .info, format: .journald)

    private func logger(provider: Logger.MetadataProvider? = nil) -> Logger {
        Logger(label: "refundd") { label in
            var handler = LineLogHandler(
                label: label,
                control: control,
                now: { Timestamp(milliseconds: 0) },
                write: { [lines, control] in lines.append($0.written(as: control.format)) }
            )
            handler.metadataProvider = provider
            return handler
        }
    }

    @Test func levelsBelowTheThresholdAreNotWritten() {
        let logger = logger()
        logger.debug("no")
        logger.info("yes")
        control.change(level: .error, format: .journald)
        logger.warning("no")
        control.change(level: .debug, format: .journald)
        logger.debug("now")
        #expect(lines.all == ["<6>yes\n", "<7>now\n"])
    }

    @Test func formatChangesForLoggersInUse() {
        let logger = logger()
        logger.info("before")
        control.change(level: .info, format: .json)
        logger.info("after")
        #expect(lines.all.map { $0.hasPrefix("{") } == [false, true])
    }

    @Test func loggerWithItsOwnLevelKeepsIt() {
        var own = logger()
        own.logLevel = .critical
        control.change(level: .trace, format: .journald)
        own.error("no")
        logger().trace("yes")
        #expect(lines.all == ["<7>yes\n"])
    }

    @Test func eventMetadataWinsOverContextAndLogger() {
        var logger = logger(provider: Logger.MetadataProvider { ["b": "context", "c": "context"] })
        logger[metadataKey: "a"] = "logger"
        logger[metadataKey: "b"] = "logger"
        logger.info("m", metadata: ["c": "event"])
        #expect(logger[metadataKey: "a"] == "logger")
        #expect(lines.all == ["<6>m a=logger b=context c=event\n"])
    }

    @Test func errorOfAnEventIsShown() {
        logger().error("query failed", error: Failure(description: "timed out\n"))
        #expect(lines.all == ["<3>query failed error=\"timed out\\n\"\n"])
    }
}
