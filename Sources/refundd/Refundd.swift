import ArgumentParser
import Foundation
import RefundConfiguration
import RefundCore
import RefundDaemon

/// The entry point: one binary with a subcommand for each of an operator's tasks.
@main
struct Refundd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "refundd",
        abstract: "Watches refunds at the payment gateway until each has a verdict, and reports it by webhook.",
        discussion: """
            An application enqueues a refund with an INSERT INTO refund_queue; refundd does the rest.

            Begin with: refundd doctor, which names what is missing; later: refundd status
            """,
        version: Version.current,
        subcommands: [
            RunCommand.self, CheckCommand.self, DoctorCommand.self, InitCommand.self, EnqueueCommand.self,
            ListCommand.self, ShowCommand.self, StatusCommand.self, EventsCommand.self, QueryCommand.self,
            AbandonCommand.self, ResolveCommand.self, PauseCommand.self, ResumeCommand.self, WebhooksCommand.self,
            RedeliverCommand.self, EvidenceCommand.self, BackupCommand.self, VerifyCommand.self, MigrateCommand.self,
        ]
    )

    static func main() async {
        let arguments = Array(CommandLine.arguments.dropFirst())
        if let message = unknownCommand(in: arguments) {
            printMessage("refundd: \(message)")
            exit(withError: ExitCode(ExitStatus.usage.rawValue))
        }
        do {
            var command = try await asyncParseAsRoot(arguments)
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch {
            if let page = narrowHelp(fullMessage(for: error, columns: .max)) {
                for line in page { print(line) }
                exit()
            }
            exit(withError: error)
        }
    }

    /// Lays out a help page for a terminal that is narrower than the parser's layout; nil for a wider one, or for any
    /// other message.
    private static func narrowHelp(_ text: @autoclosure () -> String) -> [String]? {
        let width = Terminal.current(environment: ProcessInfo.processInfo.environment).width
        return width < HelpPage.leastWidth ? HelpPage(text())?.lines(width: width) : nil
    }

    /// Describes a command that does not exist.
    ///
    /// - Parameter arguments: The arguments.
    /// - Returns: The problem, with the command that was probably meant; nil for an option or a command that exists.
    static func unknownCommand(in arguments: [String]) -> String? {
        var (command, path): (any ParsableCommand.Type, String) = (Refundd.self, "refundd")
        for name in arguments {
            let known = command.configuration.subcommands
            if path == "refundd", name == "help" { continue }
            if path == "refundd", name.hasPrefix("--config") {
                return "--config comes after the command, as in `refundd status --config FILE`"
            }
            guard !known.isEmpty, !name.hasPrefix("-") else { return nil }
            guard let next = known.first(where: { $0.configuration.commandName == name }) else {
                let names = known.compactMap { $0.configuration.commandName } + (path == "refundd" ? ["help"] : [])
                let hint = Suggestion.closest(to: name, among: names).map { "did you mean `\(path) \($0)`?" }
                let all = path == "refundd" ? "`refundd` lists all commands" : "`\(path) --help` lists all commands"
                return "there is no command \"\(name.sanitized(maxLength: 80))\"; \(hint ?? all)"
            }
            (command, path) = (next, "\(path) \(name)")
        }
        return nil
    }

    // Lists the commands and fails, so that a script that forgot the command notices.
    func run() async throws {
        let width = Terminal.current(environment: ProcessInfo.processInfo.environment).width
        let page = Self.narrowHelp(Self.helpMessage(columns: .max))?.joined(separator: "\n")
        print(page ?? Self.helpMessage(columns: width))
        throw ExitCode(ExitStatus.usage.rawValue)
    }
}

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run the daemon in the foreground.",
        discussion: """
            SIGTERM and SIGINT drain and stop it, SIGHUP reloads the configuration.

            Example:
              refundd run --config refundd.conf
            """
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
        abstract: "Check the configuration, keys and secrets, and report every problem.",
        discussion: """
            Also checks that the daemon could serve its database and its admin address. Creates nothing.

            Examples:
              refundd check
              refundd check --online
            """
    )

    @OptionGroup var common: CommonOptions

    @Flag(help: "Also query each gateway once, for a refund that does not exist.")
    var online = false

    func run() async throws {
        try await reportingFailures { () async throws(CommandFailure) in
            let (file, environment) = (common.file, common.environment)
            let offline = try waiting(for: "the database") { () throws(CommandFailure) in
                try ConfigurationCheck.offline(file: file, environment: environment)
            }
            for line in offline { printLine(line) }
            guard online else { return }
            let display = WaitDisplay()
            defer { display.end() }
            let lines = try await ConfigurationCheck.online(file: file, environment: environment, display.begin)
            display.end()
            for line in lines { printLine(line) }
        }
    }
}
