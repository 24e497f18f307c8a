import ArgumentParser
import RefundConfiguration
import RefundCore
import RefundDaemon
import RefundScheduler
import RefundStore

struct ResolveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resolve",
        abstract: "Decide a refund that needs attention; the ledger records your name and the reason.",
        discussion: """
            Examples:
              refundd resolve R-1001 --as settled --reason "on the bank's statement"
              refundd resolve R-1001 --as failed --reason "the gateway confirmed it"
            """
    )

    @OptionGroup var common: CommonOptions
    @OptionGroup var selection: RefundSelection
    @OptionGroup var reason: ReasonOption

    @Option(
        name: .customLong("as"),
        help: "The verdict: settled or failed.",
        transform: { try named($0, "verdict") }
    )
    var verdict: Verdict

    func validate() throws { try selection.requireOne() }

    func run() async throws {
        try await reportingFailures { () async throws(CommandFailure) in
            try common.write(.resolve(as: verdict), on: selection, reason: reason.reason)
        }
    }
}

/// The option for an operator's reason to end a refund.
struct ReasonOption: ParsableArguments {
    @Option(help: "The reason, recorded in the ledger and sent in the webhook.")
    var reason: String

    func validate() throws { try Self.check(reason) }

    /// Requires a reason that says something.
    static func check(_ reason: String) throws {
        guard !reason.allSatisfy(\.isWhitespace) else {
            throw ValidationError("--reason is blank; the ledger needs one")
        }
    }
}

extension CommonOptions {
    /// Writes an operator's verdict and prints the refund's new state.
    func write(
        _ resolution: OperatorResolution,
        on selection: RefundSelection,
        reason: String
    ) throws(CommandFailure) {
        let configuration = try configuration()
        let store = try store(.existing, of: configuration.database)
        defer { store.close() }
        let refund = try selection.write(to: store) { tx, id throws(StoreError) in
            try resolution.write(on: id, reason: reason, by: actor, configuration, tx, at: SystemClock().now())
        }
        printLine("\(refund.title) is \(refund.state.rawValue)")
    }
}
