import ArgumentParser
import RefundConfiguration
import RefundCore
import RefundDaemon
import RefundScheduler
import RefundStoreSQLite

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "status", abstract: "Show how the queue stands.")

    @OptionGroup var common: CommonOptions

    @Flag(help: "Print one JSON document.")
    var json = false

    func run() async throws {
        try await reportingFailures { () async throws(CommandFailure) in
            let names = try common.configuration().gateways.keys
            let now = SystemClock().now()
            let status = try common.read { tx in try tx.status(at: now) }
            let gateways = Set(names).union(status.troubles.keys).union(status.breakers.keys).sorted()
            if json {
                printJSON { status.write(to: &$0, gateways: gateways) }
            } else {
                for line in status.lines(gateways: gateways) { printLine(line) }
            }
        }
    }
}
