import ArgumentParser
import RefundDaemon

struct AbandonCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "abandon",
        abstract: "Stop asking for a refund, which ends it; the ledger keeps your name and the reason."
    )

    @OptionGroup var common: CommonOptions
    @OptionGroup var selection: RefundSelection
    @OptionGroup var reason: ReasonOption

    func run() async throws {
        try await reportingFailures { () async throws(CommandFailure) in
            try common.write(.abandon, on: selection, reason: reason.reason)
        }
    }
}
