import ArgumentParser
import RefundSimulator

/// Makes a directory to run from.
struct InitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Write keys, certificates, a webhook secret, a refundd.conf that fits, and scenarios."
    )

    @Option(help: ArgumentHelp("The directory, which is created where there is none.", valueName: "dir"))
    var directory: String

    @Option(help: "The port that the simulator will listen on.")
    var port: UInt16 = 8443

    @Flag(help: "Serve plain HTTP, without certificates.")
    var http = false

    @Flag(help: "Overwrite files that are there already.")
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
            """
        )
    }
}
