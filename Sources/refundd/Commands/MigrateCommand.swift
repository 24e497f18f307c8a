import ArgumentParser
import RefundConfiguration
import RefundCore
import RefundDaemon
import RefundStore

struct MigrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate",
        abstract: "Move the queue from a SQLite file to a PostgreSQL server.",
        discussion: """
            Copies refunds, ledger, events and webhooks with their numbers and positions, and compares both ends. The \
            file stays as it is. Stop the daemon and the applications first. If it is interrupted, run it again: it \
            goes on where it stopped.

            Examples:
              refundd migrate --from /var/lib/refundd/refundd.db
              refundd migrate --from refundd.db --to postgresql://refundd@db.example/shop
            """
    )

    @OptionGroup var common: CommonOptions

    @Option(help: "The SQLite file.", completion: .file())
    var from: String

    @Option(help: "The database, without a password. (default: the configuration's [database] url)")
    var to: String?

    func run() async throws {
        try await reportingFailures { () async throws(CommandFailure) in
            let migration = try QueueMigration(from: from, to: target())
            var progress = Progress()
            let refunds = try migration.run { step in
                switch step {
                case .copying(let table, let count): progress.show("\(table): \(count.grouped) rows copied so far")
                case .comparing(let count): progress.show("\(count.grouped) refunds compared so far")
                }
            }
            progress.end()
            printLine("\(refunds.counted("refund", "refunds")) copied, and equal on both ends")
            printLine("next: set [database] url, grant the roles with refundd init, and start refundd")
        }
    }

    private func target() throws(CommandFailure) -> DatabaseSettings {
        var database = try common.databaseConfiguration().database
        guard let to else {
            guard database.url != nil else {
                throw CommandFailure(.usage, ["give --to, or set [database] url in \(common.file)"])
            }
            return database
        }
        (database.url, database.files) = (to, nil)
        do throws(StoreError) {
            _ = try StoreProviders.provider(for: database)
        } catch {
            throw CommandFailure(.usage, ["--to: \(error.reason)"])
        }
        return database
    }
}
