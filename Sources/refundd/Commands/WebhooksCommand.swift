import ArgumentParser
import RefundCore
import RefundDaemon
import RefundScheduler
import RefundStore

struct WebhooksCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "webhooks", abstract: "Show the outbox, newest first.")

    @OptionGroup var common: CommonOptions

    @Option(
        help: "Only webhooks in this state: \(names(of: WebhookState.self)).",
        transform: { try named($0, "state") }
    )
    var state: WebhookState?

    @Option(help: "The most webhooks to show.")
    var limit = 50

    @Flag(help: "Print one JSON document.")
    var json = false

    func validate() throws {
        guard limit > 0 else { throw ValidationError("--limit must be at least 1") }
    }

    func run() async throws {
        try await reportingFailures { () async throws(CommandFailure) in
            let webhooks = try common.read { tx throws(StoreError) in try tx.webhooks(state: state, limit: limit) }
            if json {
                printJSON { json in
                    json.array("webhooks") { json in
                        for webhook in webhooks { webhook.write(to: &json) }
                    }
                }
            } else {
                for line in Self.table(webhooks, at: SystemClock().now()) { printLine(line) }
            }
        }
    }

    private static func table(_ webhooks: [WebhookRow], at now: Timestamp) -> [String] {
        let head = ["ID", "REFUND", "TYPE", "STATE", "ATTEMPTS", "AGE", "NEXT ATTEMPT", "LAST ATTEMPT"]
        let rows = webhooks.map { webhook in
            [
                webhook.id,
                webhook.refundID.map { "#\($0)" } ?? "-",
                webhook.type,
                webhook.state,
                "\(webhook.attempts)",
                now.duration(since: webhook.createdAt).rounded,
                webhook.nextAttemptAt.map { $0.wait(from: now) } ?? "-",
                webhook.lastError ?? webhook.lastStatus.map { "HTTP \($0)" } ?? "-",
            ]
        }
        return TextTable.lines([head] + rows)
    }
}
