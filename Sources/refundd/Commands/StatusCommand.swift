import ArgumentParser
import RefundConfiguration
import RefundDaemon
import RefundStore

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show whether all is well; if not, what is wrong and the command that fixes it.",
        discussion: """
            Exits 0 if all is well and 1 if an operator is needed. Needs only a valid [database] section.

            Examples:
              refundd status
              refundd status --watch
              refundd status --json | jq .healthy
            """
    )

    private static let watchInterval: Duration = .seconds(2)

    @OptionGroup var common: CommonOptions

    @Flag(help: "Show it again every 2 seconds, until interrupted.")
    var watch = false

    @Flag(help: "Print one JSON document.")
    var json = false

    func validate() throws {
        guard !(watch && json) else { throw ValidationError("--watch and --json exclude each other") }
    }

    func run() async throws {
        try await reportingFailures { () async throws(CommandFailure) in
            var isHealthy = try show()
            while watch {
                guard (try? await Task.sleep(for: Self.watchInterval)) != nil else { break }
                isHealthy = try show()
            }
            guard isHealthy else { throw CommandFailure(.failed, []) }
        }
    }

    /// Prints the status once.
    ///
    /// - Returns: Whether all is well.
    private func show() throws(CommandFailure) -> Bool {
        let configuration: DatabaseConfiguration
        let store: any QueueStore
        do throws(CommandFailure) {
            configuration = try common.databaseConfiguration()
        } catch {
            throw error.asHeadline(run: "refundd doctor")
        }
        do throws(CommandFailure) {
            store = try common.store(configuration)
        } catch {
            throw error.explained(configuration).asHeadline(run: "refundd doctor")
        }
        defer { store.close() }
        let report = try waiting(for: "the daemon") { () throws(CommandFailure) in
            try CommandFailure.mapping { () throws(StoreError) in try QueueReport(of: store, configuration) }
        }
        let terminal = common.terminal
        if watch { beginScreen(terminal) }
        common.show(asJSON: json, report.write) { report.lines(width: $0, isTerminal: terminal.isTerminal) }
        try flushOutput()
        return report.isHealthy
    }
}
