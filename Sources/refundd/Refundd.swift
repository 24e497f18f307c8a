import ArgumentParser
import RefundDaemon

/// The entry point: one binary with a subcommand for each of an operator's tasks.
@main
struct Refundd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "refundd",
        abstract: "Watches refunds at the payment gateway until each has a verdict, and reports it by webhook.",
        discussion: "An application enqueues a refund with an INSERT INTO refund_queue; refundd does the rest.",
        version: Version.current,
        subcommands: [
            RunCommand.self, CheckCommand.self, InitCommand.self, EnqueueCommand.self, ListCommand.self,
            ShowCommand.self, StatusCommand.self, QueryCommand.self, AbandonCommand.self, ResolveCommand.self,
            WebhooksCommand.self, RedeliverCommand.self, BackupCommand.self, VerifyCommand.self,
        ]
    )

    // Fails, so that a script that names no command notices.
    func run() async throws {
        throw ValidationError("name a command, such as `refundd status`")
    }
}

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run the daemon in the foreground.",
        discussion: "SIGTERM and SIGINT drain and stop it, SIGHUP reloads the configuration."
    )

    @OptionGroup var common: CommonOptions

    func run() async throws {
        try await reportingFailures { () async throws(CommandFailure) in
            try await Daemon.run(file: common.file, environment: common.environment)
        }
    }
}

struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check the configuration, keys and secrets, and report every problem."
    )

    @OptionGroup var common: CommonOptions

    @Flag(help: "Also query each gateway once, for a refund that does not exist.")
    var online = false

    func run() async throws {
        try await reportingFailures { () async throws(CommandFailure) in
            let (file, environment) = (common.file, common.environment)
            for line in try ConfigurationCheck.offline(file: file, environment: environment) { printLine(line) }
            guard online else { return }
            for line in try await ConfigurationCheck.online(file: file, environment: environment) { printLine(line) }
        }
    }
}
