import ArgumentParser

/// The entry point: one binary with a subcommand for each thing a person does.
@main
struct Refundd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "refundd",
        abstract: "Watches refunds at the payment gateway until each has a verdict, and tells by webhook.",
        discussion: "An application enqueues a refund with an INSERT INTO refund_queue; refundd does the rest.",
        version: "0.1.0",
        subcommands: [
            RunCommand.self, CheckCommand.self, InitCommand.self, EnqueueCommand.self, ListCommand.self,
            ShowCommand.self, StatusCommand.self, QueryCommand.self, AbandonCommand.self, ResolveCommand.self,
            WebhooksCommand.self, RedeliverCommand.self, BackupCommand.self, VerifyCommand.self,
        ]
    )

    // Without a command there is nothing to do, which a script should notice.
    func run() async throws {
        throw ValidationError("name a command, such as refundd status")
    }
}
