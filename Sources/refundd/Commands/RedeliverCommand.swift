import ArgumentParser
import RefundCore
import RefundDaemon
import RefundScheduler
import RefundStore

struct RedeliverCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "redeliver",
        abstract: "Send webhooks again, under the same id with a fresh timestamp and signature.",
        discussion: """
            Name one webhook, or give --dead, --pending or --since. The daemon sends them; dead and delivered ones have \
            all their retries again. After a repair of the receiver, --pending sends nothing twice: it only makes those \
            due now that wait for a retry.

            Examples:
              refundd redeliver --dead
              refundd redeliver --pending
              refundd redeliver --since 2h
            """
    )

    @OptionGroup var common: CommonOptions

    @Argument(help: "The webhook's id, as `refundd webhooks` shows it.")
    var webhook: String?

    @Flag(help: "Every dead webhook.")
    var dead = false

    @Flag(help: "Every pending webhook; it becomes due now, and keeps its attempts.")
    var pending = false

    @Option(
        help:
            "Every webhook created since then; pending ones become due now: 2026-11-22, 2026-11-22T03:04:05Z, or 2h for two hours ago.",
        transform: parsedTime(_:)
    )
    var since: Timestamp?

    func validate() throws {
        guard [webhook != nil, dead, pending, since != nil].count(where: { $0 }) == 1 else {
            throw ValidationError("give one of a webhook's id, --dead, --pending and --since")
        }
    }

    func run() async throws {
        try await reportingFailures { () async throws(CommandFailure) in
            let store = try common.store(.existing)
            defer { store.close() }
            let request =
                webhook.map(RedeliveryRequest.webhook) ?? since.map(RedeliveryRequest.since)
                ?? (pending ? .pending : .dead)
            var progress = Progress()
            let count = try await request.run(store, by: common.actor) { count in
                progress.show("\(count.grouped) webhooks are due again so far")
            }
            progress.end()
            var parts = ["\(count.due.counted("webhook is", "webhooks are")) due again"]
            if pending {
                parts = ["\(count.hastened.counted("pending webhook is", "pending webhooks are")) due now"]
            } else if count.hastened > 0 {
                parts.append("\(count.hastened.counted("pending one is", "pending ones are")) due now")
            }
            if count.pruned > 0 {
                parts.append(count.pruned.counted("was pruned and cannot be sent", "were pruned and cannot be sent"))
            }
            if let first = count.probed.first {
                let more = count.probed.count - 1
                let others = more == 0 ? " gets" : " and \(more.counted("other endpoint", "other endpoints")) get"
                parts.append("\(first)\(others) one webhook first, and the rest once it has been accepted")
            }
            printLine(parts.joined(separator: "; "))
        }
    }
}
