import ArgumentParser
import RefundConfiguration
import RefundCore
import RefundDaemon
import RefundScheduler
import RefundStore

struct WebhooksCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "webhooks",
        abstract: "Show the outbox; try a webhook receiver.",
        discussion: """
            Without a subcommand it lists the outbox and takes the options of list.

            Examples:
              refundd webhooks --state dead
              refundd webhooks listen
              refundd webhooks send --to http://127.0.0.1:8080/refunds
            """,
        subcommands: [
            ListWebhooksCommand.self, SendWebhookCommand.self, VerifyWebhookCommand.self, ListenCommand.self,
        ],
        defaultSubcommand: ListWebhooksCommand.self
    )
}

struct ListWebhooksCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Show the outbox, newest first.",
        discussion: """
            Examples:
              refundd webhooks --state dead
              refundd webhooks --state pending --since 1h --json
            """
    )

    @OptionGroup var common: CommonOptions

    @Option(
        help: "Only webhooks in this state: \(names(of: WebhookState.self)).",
        transform: { try named($0, "state") }
    )
    var state: WebhookState?

    @Flag(help: "Only webhooks of refunds that need attention.")
    var attention = false

    @OptionGroup var filter: FilterOptions
    @OptionGroup var limit: LimitOption

    @Flag(help: "Print one JSON document.")
    var json = false

    func run() async throws {
        try await reportingFailures { () async throws(CommandFailure) in
            let configuration = try common.databaseConfiguration()
            let now = SystemClock().now()
            let refund = RefundFilter(
                needsAttention: attention,
                gateway: filter.gateway,
                merchantNo: filter.merchant,
                since: filter.since
            )
            let filter = WebhookFilter(state: state, refund: refund)
            let list = try common.read(configuration) { tx throws(StoreError) in
                try WebhookList(filter, limit, tx, configuration, at: now)
            }
            common.show(asJSON: json, list.write, list.lines)
        }
    }
}

/// Webhooks as `webhooks` shows them.
struct WebhookList {
    let now: Timestamp
    let entries: [(webhook: WebhookRow, nextAttempt: NextStep)]
    let footer: Line?

    init(
        _ filter: WebhookFilter,
        _ limit: LimitOption,
        _ tx: any QueueReader,
        _ configuration: DatabaseConfiguration,
        at now: Timestamp
    ) throws(StoreError) {
        self.now = now
        let outlook = try Outlook(tx, configuration, at: now)
        let webhooks = try tx.webhooks(filter, limit: limit.limit)
        entries = webhooks.map { ($0, outlook.nextAttempt($0)) }
        footer = try limit.footer(shown: webhooks.count) { most throws(StoreError) in
            try tx.count(filter, limit: most)
        }
    }

    func write(to json: inout JSONWriter) {
        json.array("webhooks") { json in
            for (webhook, nextAttempt) in entries {
                webhook.write(to: &json) { json in nextAttempt.write("next_attempt", to: &json) }
            }
        }
    }

    /// The list as lines for a terminal.
    func lines(width: Int) -> [Line] {
        guard !entries.isEmpty else { return [Line("no webhook matches", .faint)] }
        let table = TextTable(
            head: ["ID", "REFUND", "TYPE", "STATE", "TRIES", "AGE", "NEXT"],
            rows: entries.map { webhook, nextAttempt in
                let problem = webhook.lastError ?? webhook.lastStatus.flatMap { $0 < 300 ? nil : "HTTP \($0)" }
                let isDead = webhook.state == WebhookState.dead.rawValue
                let details = [problem.map { Line("last attempt: \($0)") }, isDead ? redeliver(webhook) : nil]
                return TextTable.Row(
                    cells: [
                        webhook.id,
                        webhook.refundID.map { "#\($0)" } ?? "",
                        webhook.type,
                        webhook.state,
                        "\(webhook.attempts)",
                        now.duration(since: webhook.createdAt).rounded,
                        nextAttempt.cell(at: now),
                    ],
                    details: details.compactMap(\.self)
                )
            }
        )
        let notes = entries.map(\.nextAttempt).footnotes(at: now)
        let folded = (notes + [footer].compactMap(\.self)).flatMap { $0.folded(to: width) }
        return table.lines(width: width) + folded
    }

    private func redeliver(_ webhook: WebhookRow) -> Line { .command("refundd redeliver \(webhook.id)") }
}
