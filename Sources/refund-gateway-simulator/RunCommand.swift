import ArgumentParser
import Glibc
import RefundCore
import RefundSimulator

/// Serves until it is stopped.
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Serve on 127.0.0.1 until SIGTERM or SIGINT.",
        discussion: """
            Prints one line once it accepts connections: "listening on https://127.0.0.1:8443".
            GET /simulator/refunds lists the refunds that were queried.

            SIGHUP reloads the keys in the directory, to try a key rotation: gateway_private_key signs answers, and
            app_public_key or app_public_key_2 verifies queries.

            \(BuiltInPrefix.help)
            """
    )

    @Option(help: ArgumentHelp("The directory that \"init\" wrote.", valueName: "dir"))
    var directory: String

    @Option(help: "The port; 0 for a free one. (default: that of refundd.conf in the directory, or 8443)")
    var port: UInt16?

    @Flag(help: "Serve plain HTTP. (default: the scheme in refundd.conf in the directory)")
    var http = false

    @Option(help: ArgumentHelp("The scenario file. (default: scenarios.toml in the directory)", valueName: "file"))
    var scenarios: String?

    @Option(help: "Determines what is drawn from the scenario file's mix, and the numbers of refunds.")
    var seed: UInt64?

    @Option(help: ArgumentHelp("Append one line of JSON per request to this file.", valueName: "file"))
    var log: String?

    @Option(help: "The known app_id. (default: that of refundd.conf in the directory)")
    var appID: String?

    @Option(
        help: ArgumentHelp("Delay every answer.", valueName: "duration"),
        transform: { text in
            guard let duration = Duration(text) else {
                throw ValidationError("a duration is written like 250ms, 5s or 1m")
            }
            return duration
        }
    )
    var latency: Duration = .zero

    @Option(
        help: ArgumentHelp(
            "Set the gateway's clock (timestamp checks, Date) ahead by this much, or back with =-20m.",
            valueName: "duration"
        ),
        transform: { text in
            guard let duration = Duration(text.hasPrefix("-") ? String(text.dropFirst()) : text) else {
                throw ValidationError("a duration is written like 20m or -20m")
            }
            return text.hasPrefix("-") ? .zero - duration : duration
        }
    )
    var clockSkew: Duration = .zero

    func run() async throws {
        var configuration = try SimulatorConfiguration(
            directory: SimulatorDirectory(path: directory),
            usesTLS: http ? false : nil,
            scenarioFile: scenarios
        )
        if let port { configuration.port = Int(port) }
        if let seed { configuration.scenarios.seed = seed }
        if let appID { configuration.appID = appID }
        configuration.logFile = log
        configuration.latency = latency
        configuration.clockSkew = clockSkew
        let scheme = configuration.identity == nil ? "http" : "https"
        let directory = SimulatorDirectory(path: directory)
        try await Simulator(configuration).run(stopsOnSignals: true) { simulator in
            do throws(SimulatorError) {
                simulator.use(try SimulatorKeys(directory: directory))
                say("keys reloaded")
            } catch {
                say("reload failed, keeping the current keys: \(error)")
            }
        } onReady: { port in
            say("listening on \(scheme)://\(Simulator.host):\(port)")
        }
    }
}

/// Prints a line at once: a program that waits for it reads from a pipe, which is otherwise written in blocks.
private func say(_ line: String) {
    print(line)
    _ = fflush(nil)
}
