import ArgumentParser
import RefundCore
import RefundDaemon
import RefundStore

struct EvidenceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evidence",
        abstract: "Write portable proof of what the gateway said about a refund.",
        discussion: """
            The new folder has the gateway's signed answers, what each signature covers, the gateway's public key, and a \
            script that verifies them with openssl alone.

            Example:
              refundd evidence R-1001 --to R-1001-evidence && R-1001-evidence/verify.sh
            """
    )

    @OptionGroup var common: CommonOptions
    @OptionGroup var selection: RefundSelection

    @Option(name: .customLong("to"), help: "The folder, which must not exist.", completion: .directory)
    var folder: String

    @OptionGroup var keys: RetiredKeys

    func validate() throws { try selection.requireOne() }

    func run() async throws {
        try await reportingFailures { () async throws(CommandFailure) in
            let keys = try common.gatewayKeys(keys)
            let configuration = try common.databaseConfiguration()
            let (refund, ledger) = try selection.read(configuration, common) { tx, refund throws(StoreError) in
                (refund, try tx.ledger(refundID: refund.id))
            }
            let count = try EvidenceFolder(of: refund, ledger, keys).write(to: folder)
            printLine("\(folder) has \(count.counted("signed answer", "signed answers")); verify.sh verifies them")
        }
    }
}
