import ArgumentParser

/// The program `refund-gateway-simulator`.
@main
struct Program: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "refund-gateway-simulator",
        abstract: "The gateway's side of the refund query, to try refundd and to test an integration.",
        discussion: """
            "init" makes a directory with keys, certificates, a refundd.conf and scenarios; "run" serves with them:

              refund-gateway-simulator init --directory try
              refund-gateway-simulator run --directory try
            """,
        subcommands: [InitCommand.self, RunCommand.self]
    )
}
