import Logging
import RefundCore

/// One event of the log, ready to be written in any format.
struct LogLine {
    /// The length in bytes, with its end, that no line exceeds.
    ///
    /// It is Linux's `PIPE_BUF`: up to here a write to a pipe is never mixed with another process's, and a pipe that
    /// `poll(2)` calls writable takes it whole. Source: pipe(7).
    static let limit = 4_096

    var time: Timestamp
    var level: Logger.Level
    var label: String
    var message: String
    var metadata: Logger.Metadata

    /// What is logged after `count` lines could not be.
    static func loss(of count: Int, at time: Timestamp) -> LogLine {
        let message = "standard error took no output, log lines were lost"
        return LogLine(
            time: time,
            level: .warning,
            label: "refundd.log",
            message: message,
            metadata: ["lines": "\(count)"]
        )
    }

    /// The line in a format, its end included.
    func written(as format: LogFormat) -> String {
        switch format {
        case .journald: "<\(level.syslogPriority)>\(messageAndMetadata)".cut(to: Self.limit - 1) + "\n"
        case .text: "\(time.iso8601) \(level.rawValue) \(messageAndMetadata)".cut(to: Self.limit - 1) + "\n"
        case .json: json + "\n"
        }
    }

    private var messageAndMetadata: String {
        // Escaping never shortens, so nothing beyond the limit can be seen, however long it is.
        ([escapedForTerminal(message.cut(to: Self.limit))] + sortedMetadata.map { "\(quoted($0))=\(quoted($1.plain))" })
            .joined(separator: " ")
    }

    var sortedMetadata: [(String, Logger.MetadataValue)] {
        metadata.sorted { $0.key < $1.key }
    }

    /// A key or value as it stands in a line of text: in quotation marks where it would not be one word.
    private func quoted(_ text: String) -> String {
        let text = text.cut(to: Self.limit)
        let isWord = text.utf8.allSatisfy { byte in
            byte > 0x20 && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "=") && byte != UInt8(ascii: "\\")
        }
        if isWord, !text.isEmpty, escapedForTerminal(text) == text { return text }
        let protected = text.unicodeScalars.map { scalar in
            scalar == "\"" || scalar == "\\" ? "\\\(scalar)" : "\(scalar)"
        }
        return "\"\(escapedForTerminal(protected.joined()))\""
    }
}

extension Logger.Level {
    /// The level as a syslog priority.
    ///
    /// Source: syslog(3).
    var syslogPriority: Int {
        switch self {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }
}

extension String {
    /// The text, or as much of it as fits `limit` bytes with a mark of three bytes at its end.
    func cut(to limit: Int) -> String {
        guard utf8.count > limit else { return self }
        var end = utf8.index(startIndex, offsetBy: max(0, limit - 3))
        while end > startIndex, utf8[end] & 0xC0 == 0x80 { utf8.formIndex(before: &end) }
        return String(self[..<end]) + "…"
    }
}
