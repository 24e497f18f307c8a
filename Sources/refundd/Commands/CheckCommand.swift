import ArgumentParser
import RefundDaemon

struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Read the configuration, keys and secrets, and say what is wrong with them."
    )

    @OptionGroup var common: CommonOptions

    @Flag(help: "Also ask each gateway once, for a refund that does not exist.")
    var online = false

    func run() async throws {
        try await reportingFailures { () async throws(CommandFailure) in
            for line in try Check.offline(file: common.file, environment: common.environment) { printLine(line) }
            guard online else { return }
            for line in try await Check.online(file: common.file, environment: common.environment) { printLine(line) }
        }
    }
}
