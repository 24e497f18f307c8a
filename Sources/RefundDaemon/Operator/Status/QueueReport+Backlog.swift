import RefundCore
import RefundStore

/// More refunds than the gateways answer in a while, which a mistake may have enqueued.
extension QueueReport {
    // Fewer are nothing unusual, and grouping them would cost more than it tells.
    static let largeBacklog = 10_000
    private static let longestRound: Duration = .seconds(600)
    // A gateway that keeps up has no refund due for so long. The longer the note waits, the more of a mistake is queried.
    private static let unusualLag: Duration = .seconds(5)

    /// How long the backlog takes at the configured rates, and what most of it has in common; nil without one.
    var backlogNote: Finding? {
        let rate = settings.values.reduce(0) { $0 + $1.limits.maxQueriesPerSecond }
        let waiting = status.openCount
        guard waiting >= Self.largeBacklog, status.dueLag > Self.unusualLag, rate > 0 else { return nil }
        let round = Duration.seconds(Double(waiting) / rate)
        guard round >= Self.longestRound else { return nil }
        let each = "at \(Int(rate.rounded()).grouped) queries a second, one query each takes \(round.rounded)"
        let text = "\(waiting.grouped) refunds wait; \(each)"
        guard let group = largestGroup, let prefix = group.prefix, !prefix.isEmpty, group.count > waiting / 2 else {
            return Finding(.note, "backlog", text, run: "refundd list --limit 20")
        }
        return Finding(
            .note,
            "backlog",
            "\(text); \(group.count.grouped) begin with \(prefix), enqueued within"
                + " \(group.last.duration(since: group.first).rounded): if that is a mistake, see what abandoning them does",
            run: "refundd abandon --order-prefix \(prefix.asShellWord) --dry-run"
        )
    }
}
