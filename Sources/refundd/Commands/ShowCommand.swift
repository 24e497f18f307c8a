import ArgumentParser
import RefundDaemon
import RefundStoreSQLite

struct ShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show one refund with its ledger and webhooks."
    )

    @OptionGroup var common: CommonOptions
    @OptionGroup var selection: RefundSelection

    @Flag(help: "Print one JSON document.")
    var json = false

    func run() async throws {
        try await reportingFailures { () async throws(CommandFailure) in
            let life = try common.read { tx in
                try selection.withRefund(in: tx) { refund, _ in .success(try RefundLife(of: refund, tx)) }
            }.get()
            if json {
                printJSON(life.write)
            } else {
                for line in life.lines() { printLine(line) }
            }
        }
    }
}
