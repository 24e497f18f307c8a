import RefundCore
import RefundStore

/// More refunds than the gateways answer in a while, which a mistake may have enqueued.
extension QueueReport {
    // Fewer are nothing unusual, and grouping them would cost more than it tells.
    static let largeBacklog = 10_000
    /// How many refunds are looked at for what they have in common; more would take longer than it tells.
    static let grouped = 100_000
    private static let named = 3
    private static let longestRound: Duration = .seconds(600)
    // A gateway that keeps up has no refund due for so long. The longer the note waits, the more of a mistake is queried.
    private static let unusualLag: Duration = .seconds(5)

    /// How long the backlog takes at the configured rates, and what much of it has in common; nil without one.
    var backlogNote: Finding? {
        let rate = settings.values.reduce(0) { $0 + $1.limits.maxQueriesPerSecond }
        let waiting = status.openCount
        guard waiting >= Self.largeBacklog, status.dueLag > Self.unusualLag, rate > 0 else { return nil }
        let round = Duration.seconds(1).scaled(by: Double(waiting) / rate)
        guard round >= Self.longestRound else { return nil }
        let pace = rate < 1 ? "\(rate)" : Int(rate.rounded()).grouped
        let each = "at \(pace) queries a second, one query each takes \(round.rounded)"
        let text = "\(waiting.grouped) refunds wait; \(each)"
        let seen = min(waiting, Self.grouped)
        let groups = groups.filter { $0.prefix?.isEmpty == false && $0.count > seen / 20 }.prefix(Self.named)
        guard let largest = groups.first, let prefix = largest.prefix else {
            return Finding(.note, "backlog", text, run: "refundd list --state pending --limit 20")
        }
        let parts = groups.map { group in
            let numbers = "\(group.prefix ?? "") (\(group.lowestNumber ?? "") to \(group.highestNumber ?? ""))"
            guard group == largest else { return "\(group.count.grouped) with \(numbers)" }
            let share = seen < waiting ? " of the newest \(seen.grouped)" : ""
            let span = "enqueued within \(group.last.duration(since: group.first).rounded)"
            return "\(group.count.grouped)\(share) begin with \(numbers), \(span)"
        }
        return Finding(
            .note,
            "backlog",
            "\(text); \(parts.joined(separator: ", ")): if a whole group is a mistake, see what abandoning it does",
            run: "refundd abandon --order-prefix \(prefix.asShellWord) --dry-run"
        )
    }
}
