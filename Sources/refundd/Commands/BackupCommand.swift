import ArgumentParser
import RefundConfiguration
import RefundCore
import RefundDaemon
import RefundStore

struct BackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Copy the database while it is in use, and check the copy as verify does.",
        discussion: """
            The copy is one file that only its owner can read. It gets its name once it is whole, and no file is ever \
            replaced.

            Example:
              refundd backup /var/backups/refundd-$(date +%F).db
            """
    )

    @OptionGroup var common: CommonOptions

    @Argument(help: "The copy, which must not exist.", completion: .file())
    var file: String

    @OptionGroup var keys: RetiredKeys

    func run() async throws {
        try await reportingFailures { () async throws(CommandFailure) in
            let keys = try common.gatewayKeys(keys)
            let store = try common.store(common.databaseConfiguration())
            defer { store.close() }
            var progress = Progress()
            progress.begin("copying the database")
            defer { progress.end() }
            let verification = try Backup.make(
                of: store,
                to: file,
                keys,
                report: { count in progress.show("\(count.grouped) refunds of the copy checked so far") }
            )
            progress.end()
            for line in verification.lines { printLine(line) }
            guard verification.problemCount == 0 else {
                let advice =
                    "the copy stays; with --public-key for each retired key, check it by: refundd verify \(file)"
                throw CommandFailure(
                    .failed,
                    ["\(file) is a faithful copy of the database, which has these problems", advice]
                )
            }
            printLine("\(file) is a faithful copy of the database")
        }
    }
}

struct VerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check every invariant of ledger and outbox, and every stored answer's signature.",
        discussion: """
            Only reads, and may run while the daemon does. Exits 0 if everything holds and 1 if something does not; each \
            problem is one line.

            Examples:
              refundd verify
              refundd verify /var/backups/refundd-2026-11-22.db
            """
    )

    @OptionGroup var common: CommonOptions

    @Argument(help: "The database, such as a backup. (default: the configuration's)", completion: .file())
    var file: String?

    @OptionGroup var keys: RetiredKeys

    @Flag(help: "Print one JSON document.")
    var json = false

    func run() async throws {
        try await reportingFailures { () async throws(CommandFailure) in
            let keys = try common.gatewayKeys(keys)
            let store = try common.storedQueue(at: file)
            defer { store.close() }
            var progress = Progress()
            let verification = try CommandFailure.mapping { () throws(StoreError) in
                try Verification(store, keys) { count in progress.show("\(count.grouped) refunds checked so far") }
            }
            progress.end()
            if json {
                printJSON(verification.write)
            } else {
                for line in verification.lines { printLine(line) }
            }
            guard verification.problemCount == 0 else { throw CommandFailure(.failed, []) }
        }
    }
}

extension CommonOptions {
    /// Reads the gateways' public keys; without a valid configuration, only those on the command line.
    func gatewayKeys(_ retired: RetiredKeys) throws(CommandFailure) -> GatewayKeys {
        let configuration = try databaseConfiguration()
        if configuration.whole == nil {
            printMessage("refundd: the configuration is invalid, so only keys given with --public-key are known:")
            for problem in configuration.problems { printMessage("refundd: \(problem)") }
        }
        return try GatewayKeys(configuration.whole, retired: retired.publicKey)
    }
}

/// The option for public keys beyond the configured ones.
struct RetiredKeys: ParsableArguments {
    @Option(help: "A public key that a gateway used to sign with; may be given more than once.")
    var publicKey: [String] = []
}
