import ArgumentParser
import RefundConfiguration
import RefundCore
import RefundDaemon
import RefundScheduler
import RefundStore

struct ListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Show the queue, newest first.",
        discussion: """
            Examples:
              refundd list --attention
              refundd list --state pending --since 2h
              refundd list --order-prefix R-2022 --state settled
              refundd list --gateway default --limit 1000 --json
            """
    )

    @OptionGroup var common: CommonOptions

    @Option(
        help: "Only refunds in this state: \(names(of: RefundState.self)).",
        transform: { try named($0, "state") }
    )
    var state: RefundState?

    @Flag(help: "Only refunds that need attention, each with its reason and the command that ends it.")
    var attention = false

    @Option(help: "Only refunds whose order number begins so; each character, also *, stands for itself.")
    var orderPrefix: String?

    @OptionGroup var filter: FilterOptions
    @OptionGroup var limit: LimitOption

    @Flag(help: "Print one JSON document.")
    var json = false

    func validate() throws { try checkOrderPrefix(orderPrefix) }

    func run() async throws {
        try await reportingFailures { () async throws(CommandFailure) in
            let configuration = try common.databaseConfiguration()
            let now = SystemClock().now()
            let filter = RefundFilter(
                state: state,
                needsAttention: attention,
                gateway: filter.gateway,
                merchantNo: filter.merchant,
                since: filter.since,
                orderPrefix: orderPrefix
            )
            let list = try common.read(configuration) { tx throws(StoreError) in
                try RefundList(filter, limit, tx, configuration, at: now)
            }
            common.show(asJSON: json, list.write, list.lines)
        }
    }
}

/// Refunds as `list` shows them.
struct RefundList {
    /// A refund with what only the list knows.
    struct Entry {
        var refund: Refund
        var nextQuery: NextStep
        /// The ledger row that set the refund's attention.
        var cause: LedgerRow?
        /// The id of its last dead webhook.
        var deadWebhook: String?
    }

    let now: Timestamp
    let entries: [Entry]
    let footer: Line?
    /// Whether reasons for attention are shown.
    let showsAttention: Bool

    init(
        _ filter: RefundFilter,
        _ limit: LimitOption,
        _ tx: any QueueReader,
        _ configuration: DatabaseConfiguration,
        at now: Timestamp
    ) throws(StoreError) {
        self.now = now
        showsAttention = filter.needsAttention
        let outlook = try Outlook(tx, configuration, at: now)
        var entries: [Entry] = []
        for refund in try tx.refunds(filter, limit: limit.limit) {
            var entry = Entry(refund: refund, nextQuery: outlook.nextQuery(refund))
            if showsAttention { (entry.cause, entry.deadWebhook) = try Self.cause(of: refund, tx) }
            entries.append(entry)
        }
        self.entries = entries
        footer = try limit.footer(shown: entries.count) { most throws(StoreError) in
            try tx.count(filter, limit: most)
        }
    }

    init(_ entries: [Entry], footer: Line? = nil, showsAttention: Bool = false, at now: Timestamp) {
        (self.now, self.entries, self.footer, self.showsAttention) = (now, entries, footer, showsAttention)
    }

    private static func cause(of refund: Refund, _ tx: any QueueReader) throws(StoreError) -> (LedgerRow?, String?) {
        guard let attention = refund.attention else { return (nil, nil) }
        let cause = try tx.ledger(refundID: refund.id).cause(of: attention)
        let dead =
            attention == .undeliverable
            ? try tx.webhooks(refundID: refund.id).last { $0.state == WebhookState.dead.rawValue } : nil
        return (cause, dead?.id)
    }

    func write(to json: inout JSONWriter) {
        json.array("refunds") { json in
            for entry in entries {
                entry.refund.write(to: &json) { json in
                    entry.nextQuery.write("next_query", to: &json)
                    guard showsAttention else { return }
                    json.time("attention_since", entry.cause?.at)
                    json.string("attention_reason", entry.cause?.reason)
                    json.strings("commands", entry.advice?.commands ?? [])
                }
            }
        }
    }

    /// The list as lines for a terminal.
    func lines(width: Int) -> [Line] {
        guard !entries.isEmpty else { return [Line("no refund matches", .faint)] }
        let table = showsAttention ? attentionTable : table
        let notes = showsAttention ? [] : entries.map(\.nextQuery).footnotes(at: now)
        let folded = (notes + [footer].compactMap(\.self)).flatMap { $0.folded(to: width) }
        return table.lines(width: width) + folded
    }

    private var table: TextTable {
        TextTable(
            head: ["ID", "REFUND", "STATE", "ATTENTION", "AMOUNT", "QUERIES", "AGE", "NEXT QUERY"],
            rows: entries.map { entry in
                let refund = entry.refund
                return TextTable.Row(
                    cells: [
                        "#\(refund.id)",
                        refund.number,
                        refund.state.rawValue + (refund.isUnknownToItsGateway ? " (unknown)" : ""),
                        refund.attention?.rawValue ?? "",
                        refund.reported ?? refund.expected?.text ?? "",
                        "\(refund.attempts)",
                        refund.age(at: now).rounded,
                        entry.nextQuery.cell(at: now),
                    ],
                    details: refund.mayBeMistyped ? [refund.lastError].compactMap(\.self).map { Line($0, .faint) } : []
                )
            }
        )
    }

    private var attentionTable: TextTable {
        TextTable(
            head: ["ID", "REFUND", "ATTENTION", "FOR", "STATE", "AMOUNT", "AGE"],
            rows: entries.map { entry in
                let refund = entry.refund
                let commands = entry.advice?.commands.map { Line.command($0) } ?? []
                return TextTable.Row(
                    cells: [
                        "#\(refund.id)",
                        refund.number,
                        refund.attention?.rawValue ?? "",
                        entry.cause.map { now.duration(since: $0.at).rounded } ?? "",
                        refund.state.rawValue,
                        refund.reported ?? refund.expected?.text ?? "",
                        refund.age(at: now).rounded,
                    ],
                    details: [entry.cause?.reason].compactMap(\.self).map { Line($0) } + commands
                )
            }
        )
    }
}

extension Refund {
    /// Whether the gateway should know the refund by now, and does not.
    fileprivate var isUnknownToItsGateway: Bool {
        mayBeMistyped && attempts > 1
    }
}

extension RefundList.Entry {
    fileprivate var advice: AttentionAdvice? { AttentionAdvice(on: refund, deadWebhook: deadWebhook) }
}

extension Outlook {
    /// Reads the outlook of a configuration's queue.
    init(_ tx: any QueueReader, _ configuration: DatabaseConfiguration, at now: Timestamp) throws(StoreError) {
        try self.init(tx, at: now)
        isServed = try DaemonReport(of: configuration, asksForReadiness: false).isRunning
        gateways = configuration.whole?.gateways.mapValues(\.merchantNo)
        hasSecret = configuration.whole?.webhook.secretFiles.isEmpty != true
    }
}
