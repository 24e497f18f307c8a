import ArgumentParser
import RefundCore
import RefundDaemon

struct ResolveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resolve",
        abstract: "Say what became of a refund that needs attention; the ledger keeps your name and the reason."
    )

    @OptionGroup var common: CommonOptions
    @OptionGroup var selection: RefundSelection
    @OptionGroup var reason: ReasonOption

    @Option(name: .customLong("as"), help: "What became of it: settled or failed.", transform: Self.verdict(named:))
    var verdict: Verdict

    private static func verdict(named name: String) throws -> Verdict {
        guard let verdict = Verdict(rawValue: name) else {
            throw ValidationError("\"\(name)\" is no verdict; a refund is resolved as settled or failed")
        }
        return verdict
    }

    func run() async throws {
        try await reportingFailures { () async throws(CommandFailure) in
            try common.write(.resolve(as: verdict), on: selection, reason: reason.reason)
        }
    }
}
