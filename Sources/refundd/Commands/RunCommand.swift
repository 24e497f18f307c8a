import ArgumentParser
import RefundDaemon

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run the daemon in the foreground.",
        discussion: "SIGTERM and SIGINT drain it, SIGHUP reads the configuration again."
    )

    @OptionGroup var common: CommonOptions

    func run() async throws {
        try await reportingFailures { () async throws(CommandFailure) in
            try await Daemon.run(file: common.file, environment: common.environment)
        }
    }
}
