import ArgumentParser
import RefundConfiguration
import RefundCore
import RefundDaemon
import RefundScheduler
import RefundStore

struct AbandonCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "abandon",
        abstract: "Stop polling for refunds, which ends them; the ledger records your name and the reason.",
        discussion: """
            Name one refund, or give --state, --since, --until, --order-prefix or --attention to abandon every match that \
            is not final. With --dry-run nothing changes.

            Examples:
              refundd abandon R-1001 --reason "never submitted"
              refundd abandon --order-prefix UNKNOWN-2025- --dry-run
              refundd abandon --order-prefix UNKNOWN-2025- --reason "a mistake"
            """
    )

    private static let previewed = 10

    @OptionGroup var common: CommonOptions
    @OptionGroup var selection: RefundSelection

    @Option(help: "Every refund in this state: pending or processing.", transform: { try named($0, "state") })
    var state: RefundState?

    @Option(
        help: "Every refund enqueued since then: 2026-11-22, 2026-11-22T03:04:05Z, or 2h for two hours ago.",
        transform: parsedTime(_:)
    )
    var since: Timestamp?

    @Option(help: "Every refund enqueued before then.", transform: parsedTime(_:))
    var until: Timestamp?

    @Option(help: "Every refund whose order number begins so; each character, also *, stands for itself.")
    var orderPrefix: String?

    @Flag(help: "Every refund that needs attention.")
    var attention = false

    @Flag(help: "Only show what would be abandoned.")
    var dryRun = false

    @Option(help: "The reason, recorded in the ledger and sent in the webhook; --dry-run needs none.")
    var reason: String?

    private var isBulk: Bool { state != nil || since != nil || until != nil || orderPrefix != nil || attention }

    func validate() throws {
        try checkOrderPrefix(orderPrefix)
        if !dryRun {
            guard let reason else { throw ValidationError("give --reason, which the ledger records") }
            try ReasonOption.check(reason)
        }
        if isBulk {
            guard selection.isEmpty else {
                throw ValidationError("name one refund, or give conditions such as --state, not both")
            }
            if let state, state.isFinal {
                throw ValidationError("a refund that is \(state.rawValue) is final; use --state pending or processing")
            }
        } else {
            try selection.requireOne()
            if dryRun {
                throw ValidationError("--dry-run is for --state, --since, --until, --order-prefix and --attention")
            }
        }
    }

    func run() async throws {
        try await reportingFailures { () async throws(CommandFailure) in
            if isBulk {
                try await abandonMany()
            } else {
                try common.write(.abandon, on: selection, reason: reason ?? "")
            }
        }
    }

    private func abandonMany() async throws(CommandFailure) {
        let configuration = try common.configuration()
        let store = try common.store(dryRun ? .readOnly : .existing, of: configuration.database)
        defer { store.close() }
        let filter = RefundFilter(
            state: state,
            needsAttention: attention,
            gateway: selection.gateway,
            merchantNo: selection.merchant,
            since: since,
            until: until,
            orderPrefix: orderPrefix
        )
        let request = BulkAbandonment(filter, store)
        if dryRun {
            show(try request.preview(configuration), try request.verdicts())
            return
        }
        var progress = Progress()
        let count = try await request.run(reason: reason ?? "", by: common.actor, configuration) { count in
            progress.show("\(count.grouped) refunds abandoned so far")
        }
        progress.end()
        printLine("abandoned \(count.counted("refund", "refunds"))")
        if let verdicts = try? request.verdicts() { show(verdicts) }
    }

    private func orders(of group: RefundGroup) -> String {
        guard let prefix = group.prefix, let lowest = group.lowestNumber, let highest = group.highestNumber else {
            return "without an order number"
        }
        return lowest == highest ? lowest : "\(prefix)…  \(lowest) to \(highest),"
    }

    private func show(_ verdicts: [(state: RefundState, count: Int)]) {
        var command: [String]?
        // A list has no end, and another "2h" is another time.
        if let orderPrefix, since == nil, until == nil {
            command = ["refundd", "list", "--order-prefix", orderPrefix.asShellWord]
            if let gateway = selection.gateway { command? += ["--gateway", gateway.asShellWord] }
            if let merchant = selection.merchant { command? += ["--merchant", merchant.asShellWord] }
        }
        for (state, count) in verdicts {
            let list = command.map { ": \(($0 + ["--state", state.rawValue]).joined(separator: " "))" } ?? ""
            let refunds = "\(count.counted("refund", "refunds")) \(count == 1 ? "is" : "are")"
            printLine("\(refunds) already \(state.rawValue)\(list)")
        }
    }

    private func show(_ preview: BulkAbandonment.Preview, _ verdicts: [(state: RefundState, count: Int)]) {
        for group in preview.groups.prefix(Self.previewed) {
            let count = group.count.counted("refund", "refunds")
            let times = "enqueued from \(group.first.iso8601Seconds) to \(group.last.iso8601Seconds)"
            printLine("\(orders(of: group))  \(count), \(times)")
        }
        let rest = preview.groups.dropFirst(Self.previewed).reduce(0) { $0 + $1.count }
        if rest > 0 { printLine("and \(rest.grouped) more") }
        show(verdicts)
        if preview.webhookCount > 0 {
            printLine(
                "this sends \(preview.webhookCount.counted("refund.abandoned webhook", "refund.abandoned webhooks"))"
            )
        }
        printLine("would abandon \(preview.count.counted("refund", "refunds")); nothing has changed")
    }
}
