import ArgumentParser
import RefundCore
import RefundDaemon
import RefundScheduler
import RefundStore

struct ListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "Show the queue, newest first.")

    @OptionGroup var common: CommonOptions

    @Option(
        help: "Only refunds in this state: \(names(of: RefundState.self)).",
        transform: { try named($0, "state") }
    )
    var state: RefundState?

    @Flag(help: "Only refunds that need attention.")
    var attention = false

    @Option(help: "The most refunds to show.")
    var limit = 50

    @Flag(help: "Print one JSON document.")
    var json = false

    func validate() throws {
        guard limit > 0 else { throw ValidationError("--limit must be at least 1") }
    }

    func run() async throws {
        try await reportingFailures { () async throws(CommandFailure) in
            let filter = RefundFilter(state: state, needsAttention: attention)
            let refunds = try common.read { tx throws(StoreError) in try tx.refunds(filter, limit: limit) }
            if json {
                printJSON { json in
                    json.array("refunds") { json in
                        for refund in refunds { refund.write(to: &json) }
                    }
                }
            } else {
                for line in Self.table(refunds, at: SystemClock().now()) { printLine(line) }
            }
        }
    }

    private static func table(_ refunds: [Refund], at now: Timestamp) -> [String] {
        let head = ["ID", "REFUND", "STATE", "ATTENTION", "AMOUNT", "QUERIES", "AGE", "NEXT QUERY"]
        let rows = refunds.map { refund in
            [
                "#\(refund.id)",
                refund.merchantOrderNo ?? refund.transNo ?? "",
                refund.state.rawValue,
                refund.attention?.rawValue ?? "-",
                (refund.reported ?? refund.expected?.text) ?? "-",
                "\(refund.attempts)",
                refund.age(at: now).rounded,
                refund.nextQueryAt.map { $0.wait(from: now) } ?? "-",
            ]
        }
        return TextTable.lines([head] + rows)
    }
}
