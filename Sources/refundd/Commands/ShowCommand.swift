import ArgumentParser
import RefundConfiguration
import RefundCore
import RefundDaemon
import RefundScheduler
import RefundStore

struct ShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show one refund with its ledger, webhooks and attempts.",
        discussion: """
            Shows every number that the gateway's support or a bank asks for, and what an operator can do.

            Examples:
              refundd show R-1001
              refundd show '#42' --json
            """
    )

    @OptionGroup var common: CommonOptions
    @OptionGroup var selection: RefundSelection

    @Flag(help: "Print one JSON document.")
    var json = false

    func validate() throws { try selection.requireOne() }

    func run() async throws {
        try await reportingFailures { () async throws(CommandFailure) in
            let configuration = try common.databaseConfiguration()
            let now = SystemClock().now()
            let record = try common.read(configuration) {
                tx throws(StoreError) -> Result<RefundReport, CommandFailure> in
                switch try selection.find(in: tx) {
                case .success(let refund): .success(try RefundReport(of: refund, tx, configuration, at: now))
                case .failure(let failure): .failure(failure)
                }
            }.get()
            if json {
                printJSON(record.write)
            } else {
                let terminal = common.terminal
                printLines(record.lines(width: terminal.width), on: terminal)
            }
        }
    }
}
