import ArgumentParser
import RefundCore
import RefundDaemon
import RefundScheduler
import RefundStoreSQLite

struct ListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "Show the queue, newest first.")

    @OptionGroup var common: CommonOptions

    @Option(help: "Only refunds in this state: \(Self.states).", transform: Self.state(named:))
    var state: RefundState?

    @Flag(help: "Only refunds that need attention.")
    var attention = false

    @Option(help: "The most refunds to show.")
    var limit = 50

    @Flag(help: "Print one JSON document.")
    var json = false

    private static let states = RefundState.allCases.map(\.rawValue).joined(separator: ", ")

    private static func state(named name: String) throws -> RefundState {
        guard let state = RefundState(rawValue: name) else {
            throw ValidationError("there is no state \"\(name)\"; the states are \(states)")
        }
        return state
    }

    func validate() throws {
        guard limit > 0 else { throw ValidationError("--limit must be at least 1") }
    }

    func run() async throws {
        try await reportingFailures { () async throws(CommandFailure) in
            let refunds = try common.read { tx in
                try tx.refunds(state: state, needsAttention: attention, limit: limit)
            }
            if json {
                return printJSON { json in
                    json.array("refunds") { json in
                        for refund in refunds { refund.write(to: &json) }
                    }
                }
            }
            for line in RefundTable.lines(refunds, at: SystemClock().now()) { printLine(line) }
        }
    }
}
