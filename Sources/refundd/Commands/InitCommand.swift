import ArgumentParser
import RefundConfiguration
import RefundDaemon
import RefundScheduler
import RefundStoreSQLite

struct InitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Create the queue in the database, or bring it up to date.",
        discussion: "Safe to run again, and on a database that has other tables."
    )

    @OptionGroup var common: CommonOptions

    func run() async throws {
        try await reportingFailures { () async throws(CommandFailure) in
            let path = try common.configuration().database.path
            do throws(StoreError) {
                let store = try RefundStore(path: path, access: .readWrite)
                defer { store.close() }
                try store.migrate(at: SystemClock().now())
            } catch {
                throw CommandFailure(error)
            }
            printLine("\(path) is ready. Enqueue a refund with:")
            printLine("INSERT INTO refund_queue (merchant_order_no) VALUES ('R-1001');")
        }
    }
}
