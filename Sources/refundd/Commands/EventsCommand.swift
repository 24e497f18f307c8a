import ArgumentParser
import RefundConfiguration
import RefundCore
import RefundDaemon
import RefundStore

struct EventsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events",
        abstract: "Print events as JSON lines, oldest first.",
        discussion: """
            Each line has the columns of refund_events. Positions always increase: remember the last one, and continue \
            there.

            Examples:
              refundd events --since 1042
              refundd events --follow | jq -r '.type + " " + (.merchant_order_no // "")'
            """
    )

    // Large enough to read fast, and small enough not to keep the write-ahead log from being reset.
    private static let batch = 500
    private static let pollInterval: Duration = .milliseconds(250)

    @OptionGroup var common: CommonOptions

    @Flag(help: "Continue with new events until interrupted.")
    var follow = false

    @Option(help: "Only events beyond this position.")
    var since: Int64 = 0

    @Flag(help: "Print one JSON document.")
    var json = false

    func validate() throws {
        guard !(follow && json) else { throw ValidationError("--follow and --json exclude each other") }
    }

    func run() async throws {
        try await reportingFailures { () async throws(CommandFailure) in
            let store = try common.store(common.databaseConfiguration())
            defer { store.close() }
            var position = since
            if json { print(#"{"events":["#, terminator: "") }
            while true {
                let events = try store.look { tx throws(StoreError) in
                    try tx.events(after: position, limit: Self.batch)
                }
                for event in events {
                    var line = JSONWriter()
                    event.write(to: &line)
                    if json, position != since { print(",") }
                    printJSON(line, terminator: json ? "" : "\n")
                    position = event.position
                }
                // A program that reads from a pipe acts on each event as it arrives.
                if follow { try flushOutput() }
                if events.count == Self.batch { continue }
                guard follow, (try? await Task.sleep(for: Self.pollInterval)) != nil else { break }
            }
            if json { print("]}") }
        }
    }
}
