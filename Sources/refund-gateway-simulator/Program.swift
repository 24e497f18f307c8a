import ArgumentParser
import RefundSimulator

/// The program `refund-gateway-simulator`.
@main
struct Program: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "refund-gateway-simulator",
        abstract: "Simulates the gateway's side of the refund query, to try refundd and to test an integration.",
        discussion: """
            "init" creates a directory with keys, certificates, a refundd.conf and scenarios; "run" serves from it:

              refund-gateway-simulator init --directory try
              refund-gateway-simulator run --directory try
            """,
        subcommands: [InitCommand.self, RunCommand.self]
    )
}

/// Creates a directory to run from.
struct InitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Write keys, certificates, a webhook secret, a matching refundd.conf, and scenarios."
    )

    @Option(help: ArgumentHelp("The directory, created if necessary.", valueName: "dir"))
    var directory: String

    @Option(help: "The port that the simulator will use.")
    var port: UInt16 = 8443

    @Flag(help: "Serve plain HTTP, without certificates.")
    var http = false

    @Flag(help: "Overwrite existing files.")
    var force = false

    func validate() throws {
        guard port > 0 else { throw ValidationError("--port must be from 1 to 65535; refundd.conf needs to name it") }
    }

    func run() throws {
        let target = SimulatorDirectory(path: directory)
        let files = try target.write(port: Int(port), usesTLS: !http, replacesFiles: force)
        for file in files { print("\(target.file(file.name)): \(file.purpose)") }
        print(
            """

            Next:
              refund-gateway-simulator run --directory \(directory)
              refundd run --config \(target.file("refundd.conf"))

            Refunds settle with 1200 JPY, or with the amount in their number, such as R-1001@USD12_50.
            """
        )
    }
}
