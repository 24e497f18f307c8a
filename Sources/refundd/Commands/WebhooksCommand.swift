import ArgumentParser
import RefundCore
import RefundDaemon
import RefundScheduler
import RefundStoreSQLite

struct WebhooksCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "webhooks", abstract: "Show the outbox, newest first.")

    @OptionGroup var common: CommonOptions

    @Option(help: "Only webhooks in this state: \(Self.states).", transform: Self.state(named:))
    var state: WebhookState?

    @Option(help: "The most webhooks to show.")
    var limit = 50

    @Flag(help: "Print one JSON document.")
    var json = false

    private static let states = WebhookState.allCases.map(\.rawValue).joined(separator: ", ")

    private static func state(named name: String) throws -> WebhookState {
        guard let state = WebhookState(rawValue: name) else {
            throw ValidationError("there is no state \"\(name)\"; the states are \(states)")
        }
        return state
    }

    func validate() throws {
        guard limit > 0 else { throw ValidationError("--limit must be at least 1") }
    }

    func run() async throws {
        try await reportingFailures { () async throws(CommandFailure) in
            let webhooks = try common.read { tx in try tx.webhooks(state: state, limit: limit) }
            if json {
                return printJSON { json in
                    json.array("webhooks") { json in
                        for webhook in webhooks { webhook.write(to: &json) }
                    }
                }
            }
            for line in WebhookTable.lines(webhooks, at: SystemClock().now()) { printLine(line) }
        }
    }
}
