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
            Name one refund, or give --state, --since or --attention to abandon every match that is not final. With \
            --dry-run nothing changes.

            Examples:
              refundd abandon R-1001 --reason "never submitted"
              refundd abandon --state pending --since 2h --reason "a mistake" --dry-run
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

    @Flag(help: "Every refund that needs attention.")
    var attention = false

    @Flag(help: "Only show what would be abandoned.")
    var dryRun = false

    @OptionGroup var reason: ReasonOption

    private var isBulk: Bool { state != nil || since != nil || attention }

    func validate() throws {
        if isBulk {
            guard selection.isEmpty else {
                throw ValidationError("name one refund, or give --state, --since or --attention, not both")
            }
            if let state, state.isFinal {
                throw ValidationError("a refund that is \(state.rawValue) is final; use --state pending or processing")
            }
        } else {
            try selection.requireOne()
            if dryRun { throw ValidationError("--dry-run is for --state, --since and --attention") }
        }
    }

    func run() async throws {
        try await reportingFailures { () async throws(CommandFailure) in
            if isBulk {
                try await abandonMany()
            } else {
                try common.write(.abandon, on: selection, reason: reason.reason)
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
            since: since
        )
        let request = BulkAbandonment(filter, store)
        if dryRun {
            let (count, refunds) = try request.preview(limit: Self.previewed)
            for refund in refunds { printLine("\(refund.title), \(refund.state.rawValue)") }
            if count > refunds.count { printLine("and \((count - refunds.count).grouped) more") }
            printLine("would abandon \(count.counted("refund", "refunds")); nothing has changed")
            return
        }
        var progress = Progress()
        let count = try await request.run(reason: reason.reason, by: common.actor, configuration) { count in
            progress.show("\(count.grouped) refunds abandoned so far")
        }
        progress.end()
        printLine("abandoned \(count.counted("refund", "refunds"))")
    }
}
