import ArgumentParser
import RefundConfiguration
import RefundCore
import RefundDaemon
import RefundScheduler
import RefundStore

struct QueryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "query",
        abstract: "Query the gateway about a refund now, and wait for the answer.",
        discussion: """
            The running daemon sends the query; without one, this command does, under the daemon's lock.

            Examples:
              refundd query R-1001
              refundd query '#42'
            """
    )

    @OptionGroup var common: CommonOptions
    @OptionGroup var selection: RefundSelection

    func validate() throws { try selection.requireOne() }

    func run() async throws {
        try await reportingFailures { () async throws(CommandFailure) in
            let configuration = try common.configuration()
            let store = try common.store(.existing, of: configuration.database)
            defer { store.close() }
            let query = ImmediateQuery(configuration, store)
            let before = try selection.write(to: store) { tx, id throws(StoreError) in
                try query.request(id, by: common.actor, tx)
            }
            var progress = Progress()
            progress.begin("waiting for the gateway's answer")
            defer { progress.end() }
            let refund = try await query.answer(to: before)
            progress.end()
            let now = SystemClock().now()
            let known = DatabaseConfiguration(configuration)
            let next = try store.look { tx throws(StoreError) in try Outlook(tx, known, at: now).nextQuery(refund) }
            for line in Self.lines(refund, next, at: now) { printLine(line) }
        }
    }

    /// The answer and what follows, as lines.
    static func lines(_ refund: Refund, _ nextQuery: NextStep, at now: Timestamp) -> [String] {
        var head = "\(refund.title) is \(refund.state.rawValue)"
        if let attention = refund.attention { head += ", needs attention: \(attention.rawValue)" }
        var lines = [head]
        if let amount = refund.reported { lines.append("  the gateway reports \(amount)") }
        if let failure = refund.failure { lines.append("  \(failure.text)") }
        if let error = refund.lastError { lines.append("  \(error)") }
        if let next = nextQuery.sentence(at: now) { lines.append("  next query \(next)") }
        return lines
    }
}
