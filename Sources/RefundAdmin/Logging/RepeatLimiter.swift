import Logging
import RefundCore

/// Leaves out repeats of a log line: a fault of a gateway or a receiver can concern a hundred thousand refunds.
///
/// Lines with the same message, gateway and endpoint are repeats, whatever else they say. In each period, a burst
/// of them passes; at its end, one line says how many were left out. The ledger and the outbox record every event.
struct RepeatLimiter {
    private struct Repeats {
        var start: Timestamp
        var level: Logger.Level
        var message: String
        var passed = 0
        var leftOut = 0
    }

    private static let period: Duration = .seconds(30)
    // There are few messages; this bounds the memory if a mistake makes many.
    private static let kinds = 1_000

    private var repeats: [String: Repeats] = [:]

    /// Decides about a line.
    ///
    /// - Parameter line: The line.
    /// - Returns: The lines to write: those about repeats that were left out, and the line itself if it passes.
    mutating func admit(_ line: LogLine) -> [LogLine] {
        var lines = endPeriods(at: line.time)
        guard let burst = Self.burst(line.level) else { return lines + [line] }
        let key = [line.message, line.metadata["gateway"]?.plain, line.metadata["endpoint"]?.plain]
            .map { $0 ?? "" }.joined(separator: "\u{0}")
        guard var known = repeats[key] ?? begin(line) else { return lines + [line] }
        if known.passed < burst {
            known.passed += 1
            lines.append(line)
        } else {
            known.leftOut += 1
        }
        repeats[key] = known
        return lines
    }

    // How many pass in a period; nil for all.
    private static func burst(_ level: Logger.Level) -> Int? {
        switch level {
        case .trace, .debug: nil
        // A busy shop's refunds, well within what the journal accepts from a service.
        case .info: 3_000
        case .notice, .warning, .error, .critical: 100
        }
    }

    private func begin(_ line: LogLine) -> Repeats? {
        guard repeats.count < Self.kinds else { return nil }
        return Repeats(start: line.time, level: line.level, message: line.message)
    }

    private mutating func endPeriods(at now: Timestamp) -> [LogLine] {
        let ended = repeats.filter { now < $0.value.start || now.duration(since: $0.value.start) >= Self.period }
        for key in ended.keys { repeats[key] = nil }
        return ended.values.filter { $0.leftOut > 0 }.sorted { $0.message < $1.message }.map { ended in
            LogLine(
                time: now,
                level: ended.level,
                label: "refundd.log",
                message: "left out repeats of: \(ended.message)",
                metadata: ["lines": "\(ended.leftOut)"]
            )
        }
    }
}
