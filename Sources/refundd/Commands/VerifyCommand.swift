import ArgumentParser
import RefundDaemon
import RefundStoreSQLite

struct VerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check every promise of the ledger and the outbox, and every stored answer's signature.",
        discussion: """
            Reads only, and may run while the daemon does. Exits 0 when everything holds and 1 when something does not; \
            each problem is a line.
            """
    )

    @OptionGroup var common: CommonOptions

    @Argument(help: "The database, such as a backup. (default: that of the configuration)", completion: .file())
    var file: String?

    @Option(help: "A public key that the gateway signed with earlier; may be given more than once.")
    var publicKey: [String] = []

    @Flag(help: "Print one JSON document.")
    var json = false

    func run() async throws {
        try await reportingFailures { () async throws(CommandFailure) in
            let keys = try GatewayKeys(common.configuration(), retired: publicKey)
            let store = try common.store(.readOnly, at: file)
            defer { store.close() }
            let verification: Verification
            do throws(StoreError) {
                verification = try Verification(store, keys)
            } catch {
                throw CommandFailure(error)
            }
            if json {
                printJSON(verification.write)
            } else {
                for line in verification.lines { printLine(line) }
            }
            guard verification.problemCount == 0 else { throw CommandFailure(.failed, []) }
        }
    }
}
