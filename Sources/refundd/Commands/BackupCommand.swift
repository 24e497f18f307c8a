import ArgumentParser
import RefundDaemon
import RefundStoreSQLite

struct BackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Copy the database while it is in use, and check the copy as verify does.",
        discussion: """
            The copy is one file that only its owner can read. It gets its name once it is whole, and no file is ever \
            replaced.
            """
    )

    @OptionGroup var common: CommonOptions

    @Argument(help: "The copy, which must not be there yet.", completion: .file())
    var file: String

    @Option(help: "A public key that the gateway signed with earlier; may be given more than once.")
    var publicKey: [String] = []

    func run() async throws {
        try await reportingFailures { () async throws(CommandFailure) in
            let keys = try GatewayKeys(common.configuration(), retired: publicKey)
            let store = try common.store(.readOnly)
            defer { store.close() }
            let verification = try Backup.make(of: store, to: file, keys)
            for line in verification.lines { printLine(line) }
            guard verification.problemCount == 0 else {
                throw CommandFailure(.failed, ["\(file) is a true copy of the database, which has these problems"])
            }
            printLine("\(file) is a true copy of the database")
        }
    }
}
