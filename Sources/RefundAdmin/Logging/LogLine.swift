import Logging
import RefundCore

/// One event of the log, in any format.
struct LogLine {
    /// The length in bytes that no line exceeds, its line break included.
    ///
    /// It is Linux's `PIPE_BUF`: a write to a pipe of up to this length never mixes with another process's, and a pipe
    /// that `poll(2)` reports as writable takes it whole. Source: pipe(7).
    static let limit = 4_096

    var time: Timestamp
    var level: Logger.Level
    var label: String
    var message: String
    var metadata: Logger.Metadata

    /// The line that reports that `count` lines could not be written.
    static func loss(of count: Int, at time: Timestamp) -> LogLine {
        let message = "standard error was blocked, log lines were dropped"
        return LogLine(
            time: time,
            level: .warning,
            label: "refundd.log",
            message: message,
            metadata: ["lines": "\(count)"]
        )
    }

    /// The line in a format, its line break included.
    func written(as format: LogFormat) -> String {
        switch format {
        case .journald: "<\(level.syslogPriority)>\(messageAndMetadata)".cut(to: Self.limit - 1) + "\n"
        case .text: "\(time.iso8601) \(level.rawValue) \(messageAndMetadata)".cut(to: Self.limit - 1) + "\n"
        case .json: json + "\n"
        }
    }

    /// The event as text on one line, without its time and level.
    var messageAndMetadata: String {
        // Escaping never shortens a text, so what is beyond the limit cannot be in the line.
        let words = [escapedForTerminal(message.cut(to: Self.limit))]
        // The id is for programs.
        let shown = sortedMetadata.filter { $0.0 != LogMessageID.key }
        return (words + shown.map { "\(quoted($0))=\(quoted($1.plain))" }).joined(separator: " ")
    }

    private var sortedMetadata: [(String, Logger.MetadataValue)] {
        metadata.sorted { $0.key < $1.key }
    }

    /// A key or value of a text line: in quotation marks unless it is one word.
    private func quoted(_ text: String) -> String {
        let text = text.cut(to: Self.limit)
        let isWord = text.utf8.allSatisfy { $0 > 0x20 && !"\"=\\".utf8.contains($0) }
        if isWord, !text.isEmpty, escapedForTerminal(text) == text { return text }
        let protected = text.unicodeScalars.map { "\"\\".unicodeScalars.contains($0) ? "\\\($0)" : "\($0)" }
        return "\"\(escapedForTerminal(protected.joined()))\""
    }

    /// The event as one JSON object.
    ///
    /// If the object is too long, its texts are cut in steps; if that is not enough, its metadata is left out.
    var json: String {
        for fieldLimit in [Self.limit, 512, 64] {
            let text = object(fieldLimit, withMetadata: true)
            if text.utf8.count < Self.limit { return text }
        }
        return object(64, withMetadata: false)
    }

    private func object(_ fieldLimit: Int, withMetadata: Bool) -> String {
        var text = JSONWriter()
        text.object { text in
            text.string("time", time.iso8601)
            text.string("level", level.rawValue)
            text.string("logger", label.cut(to: fieldLimit))
            text.string("message", message.cut(to: fieldLimit))
            guard !metadata.isEmpty else { return }
            guard withMetadata else { return text.bool("cut", true) }
            text.object("metadata") { text in
                for (key, value) in sortedMetadata { value.write(to: &text, key.cut(to: fieldLimit), fieldLimit) }
            }
        }
        return text.textForTerminal
    }
}

extension Logger.MetadataValue {
    /// The value in a text line: itself, or JSON if it is an array or a dictionary.
    var plain: String {
        switch self {
        case .string(let text): return text
        case .stringConvertible(let value): return value.description
        case .dictionary, .array:
            var text = JSONWriter()
            write(to: &text, nil, LogLine.limit)
            return text.text
        }
    }

    fileprivate func write(to text: inout JSONWriter, _ name: String?, _ fieldLimit: Int) {
        switch self {
        case .string, .stringConvertible: text.string(name, plain.cut(to: fieldLimit))
        case .array(let values):
            text.array(name) { text in
                for value in values { value.write(to: &text, nil, fieldLimit) }
            }
        case .dictionary(let members):
            text.object(name) { text in
                for (key, value) in members.sorted(by: { $0.key < $1.key }) {
                    value.write(to: &text, key.cut(to: fieldLimit), fieldLimit)
                }
            }
        }
    }
}

extension Logger.Level {
    /// The level as a syslog priority, see syslog(3).
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
    /// The text, or as much of it as fits `limit` bytes together with an ellipsis.
    func cut(to limit: Int) -> String {
        guard utf8.count > limit else { return self }
        var end = utf8.index(startIndex, offsetBy: max(0, limit - 3))
        while end > startIndex, utf8[end] & 0xC0 == 0x80 { utf8.formIndex(before: &end) }
        return String(self[..<end]) + "…"
    }
}
