import ArgumentParser
import RefundCore
import RefundDaemon
import RefundScheduler
import RefundStore

/// The options of commands that show or change many rows.
struct FilterOptions: ParsableArguments {
    @Option(help: "Only refunds of this gateway.")
    var gateway: String?

    @Option(help: "Only refunds whose row names this merchant; \"\" for those whose row names none.")
    var merchant: String?

    @Option(
        help: "Only rows created since then: 2026-11-22, 2026-11-22T03:04:05Z, or 2h for two hours ago.",
        transform: parsedTime(_:)
    )
    var since: Timestamp?
}

/// Refuses an empty `--order-prefix`, as a script's variable is that was never set.
///
/// - Throws: `ValidationError`.
func checkOrderPrefix(_ prefix: String?) throws {
    if prefix == "" { throw ValidationError("--order-prefix is empty, and would match every refund") }
}

/// The option for the length of a list.
struct LimitOption: ParsableArguments {
    @Option(help: "The most rows to show.")
    var limit = 50

    func validate() throws {
        guard limit > 0 else { throw ValidationError("--limit must be at least 1") }
    }

    // Counting ten million rows takes seconds, and nobody needs the exact number.
    private static let mostCounted = 100_000

    /// Says how many more rows there are than are shown.
    ///
    /// - Parameters:
    ///   - shown: The number of rows that are shown.
    ///   - count: Counts rows up to a limit.
    /// - Returns: The line, or nil if all rows are shown.
    /// - Throws: `StoreError` if the database cannot be read.
    func footer(shown: Int, _ count: (Int) throws(StoreError) -> Int) throws(StoreError) -> Line? {
        guard shown == limit else { return nil }
        let most = limit.addingReportingOverflow(Self.mostCounted)
        let total = try count(most.overflow ? .max : most.partialValue)
        guard total > shown else { return nil }
        let isExact = total < limit + Self.mostCounted
        let more = isExact ? (total - shown).grouped : "more than \(Self.mostCounted.grouped)"
        return Line("\(more) more; --limit \(isExact ? "\(total)" : "N") shows them", .faint)
    }
}

/// Parses a time on the command line.
///
/// - Parameter text: A date, a time in UTC, or a duration before now.
/// - Returns: The time.
/// - Throws: `ValidationError` that lists the valid forms.
func parsedTime(_ text: String) throws -> Timestamp {
    if let time = Timestamp(iso8601: text) { return time }
    guard let duration = Duration(text), duration > .zero else {
        let forms = "2026-11-22, 2026-11-22T03:04:05Z (always UTC), or 2h for two hours ago"
        throw ValidationError("\"\(text)\" is not a time; write it as in \(forms)")
    }
    return SystemClock().now().advanced(by: .zero - duration)
}
