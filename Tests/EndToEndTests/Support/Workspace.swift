import Foundation
import RefundTestSupport
import Testing

/// A folder of one test with everything that runs in it: simulator, daemon, receivers, database and configuration.
final class Workspace {
    /// A Python that can import `standardwebhooks`.
    static let python = ProcessInfo.processInfo.environment["TEST_PYTHON"] ?? "python3"

    let folder: URL
    private let temporary: TemporaryFolder
    private(set) var configuration: ConfigurationText
    private(set) var simulator: RunningProcess?
    private(set) var simulatorPort = 0
    /// The daemon that was started last.
    private(set) var daemon: RunningProcess?
    private var processes: [RunningProcess] = []
    /// Its database on a server; nil for a queue in a file.
    let server: ServerQueue?

    fileprivate init(template: SimulatorTemplate, _ server: ServerQueue?) throws {
        self.server = server
        temporary = try TemporaryFolder()
        folder = URL(filePath: temporary.path)
        try template.write(to: folder)
        configuration = ConfigurationText(
            try String(contentsOf: folder.appendingPathComponent("refundd.conf"), encoding: .utf8)
        )
        configuration.setPace()
        if let server {
            configuration.remove("path", from: "database")
            configuration.set("url", to: "\"\(server.url)\"", in: "database")
        }
        try save()
    }

    /// Ends every process; the folder goes with the workspace.
    fileprivate func close() {
        for process in processes { process.kill() }
    }

    func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

    func write(_ text: String, to name: String) throws {
        try Data(text.utf8).write(to: folder.appendingPathComponent(name))
    }

    /// Sets the permission bits of a file.
    func protect(_ name: String, _ mode: Int) throws {
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path(name))
    }

    /// Writes a new webhook secret as an operator would, readable by nobody else.
    func writeSecret(to name: String) throws {
        let bytes = Data((0..<32).map { _ in UInt8.random(in: .min ... .max) })
        try write("whsec_\(bytes.base64EncodedString())\n", to: name)
        try protect(name, 0o600)
    }

    /// Makes a symbolic link.
    func link(_ target: String, as path: String) throws {
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: target)
    }

    var configurationFile: String { path("refundd.conf") }
    var database: String { path("refundd.db") }

    /// Sets keys of a section of the configuration; values are written as TOML has them.
    func configure(_ section: String, _ values: [String: String]) throws {
        for (key, value) in values { configuration.set(key, to: value, in: section) }
        try save()
    }

    /// Replaces the whole text of the configuration.
    func replaceConfiguration(_ text: String) throws {
        configuration = ConfigurationText(text)
        try save()
    }

    // In one step, since a daemon that was told to reload may read it at this moment.
    private func save() throws {
        try Data(configuration.text.utf8).write(to: folder.appendingPathComponent("refundd.conf"), options: .atomic)
    }

    // MARK: Programs

    /// Starts a program that ends with the test at the latest.
    func start(
        _ program: String,
        _ arguments: [String],
        environment: [String: String] = [:],
        name: String
    ) throws -> RunningProcess {
        let process = try RunningProcess(
            program,
            arguments,
            environment: environment,
            folder: folder,
            name: "\(name)-\(processes.count)"
        )
        processes.append(process)
        return process
    }

    /// Runs a program to its end.
    func run(
        _ program: String,
        _ arguments: [String],
        environment: [String: String] = [:]
    ) async throws -> Finished {
        let process = try RunningProcess(
            program,
            arguments,
            environment: environment,
            folder: folder,
            name: "command-\(UUID().uuidString)"
        )
        let exitCode = try await process.exitCode()
        return Finished(exitCode: exitCode, output: process.output, errors: process.errors)
    }

    /// Runs one of the test's Python programs to its end.
    func runPython(_ fixture: String, _ arguments: [String]) async throws -> Finished {
        try await run(Self.python, [try Fixture.path(fixture)] + arguments)
    }

    /// Starts one of the test's Python programs.
    func startPython(_ fixture: String, _ arguments: [String]) throws -> RunningProcess {
        try start(Self.python, [try Fixture.path(fixture)] + arguments, name: fixture)
    }

    /// Runs a command of refundd to its end.
    func refundd(_ arguments: String..., environment: [String: String] = [:]) async throws -> Finished {
        let location = arguments.contains("--config") ? [] : ["--config", configurationFile]
        return try await run(Programs.refundd, arguments + location, environment: environment)
    }

    /// Starts the simulator on a free port and points the configuration to it.
    ///
    /// - Parameters:
    ///   - scenarios: The text of a scenario file; nil for what `init` wrote.
    ///   - port: The port, where the configuration must not change; nil for a free one.
    ///   - options: Further options.
    /// - Throws: When it does not start.
    func startSimulator(scenarios: String? = nil, port: Int? = nil, options: [String] = []) async throws {
        var arguments = ["run", "--directory", folder.path, "--port", "\(port ?? 0)", "--log", path("simulator.log")]
        arguments += options
        if let scenarios {
            try write(scenarios, to: "test-scenarios.toml")
            arguments += ["--scenarios", path("test-scenarios.toml")]
        }
        let process = try start(Programs.simulator, arguments, name: "simulator")
        let address = try await process.outputLine(beginning: "listening on ")
        simulator = process
        simulatorPort = try #require(URL(string: address)?.port)
        if port == nil { try configure("gateway", ["url": "\"\(address)\""]) }
    }

    func stopSimulator() { simulator?.kill() }

    /// Starts the daemon and waits until it serves.
    @discardableResult
    func startDaemon(environment: [String: String] = [:]) async throws -> RunningProcess {
        let process = try launchDaemon(environment: environment)
        try await process.waitForErrors(containing: "started")
        return process
    }

    /// Starts the daemon and does not wait.
    func launchDaemon(configuration: String? = nil, environment: [String: String] = [:]) throws -> RunningProcess {
        let arguments = ["run", "--config", configuration ?? configurationFile]
        let process = try start(Programs.refundd, arguments, environment: environment, name: "refundd")
        daemon = process
        return process
    }

    func startReceiver(secrets: [String] = ["webhook_secret"], tls: Bool = false) async throws -> Receiver {
        let identity = tls ? ["--certificate", path("server.pem"), "--key", path("server_key.pem")] : []
        let log = path("receiver-\(processes.count).log")
        let process = try startPython("receiver.py", ["--log", log] + identity + secrets.map(path))
        let port = try await process.outputLine(beginning: "listening on ")
        return Receiver(origin: "\(tls ? "https" : "http")://127.0.0.1:\(port)", log: log)
    }
}

/// A program that has ended.
struct Finished {
    let exitCode: Int32
    let output: String
    let errors: String

    /// The one JSON document on standard output.
    var json: JSON {
        get throws { try JSON(parsing: output) }
    }
}

/// Runs a test in a folder of its own, which is gone afterwards with every process in it.
///
/// - Parameters:
///   - stores: The stores that it is about.
///   - slots: How much of the machine it takes; `Slots.shared.count` to have it alone.
///   - isLong: Whether it takes much longer than others.
///   - body: The test.
/// - Throws: Whatever the test throws.
func withWorkspace(
    on stores: TestedStores = .file,
    slots: Int = 1,
    isLong: Bool = false,
    _ body: (Workspace) async throws -> Void
) async throws {
    if stores == .file, TestedStores.isServerSelected { try Test.cancel("about SQLite alone") }
    try await withWorkspace(TestedStores.isServerSelected ? try ServerQueue() : nil, slots: slots, isLong: isLong, body)
}

/// Runs a test in a folder of its own, with its queue in a database on a server.
///
/// - Parameters:
///   - server: The database; nil for a file.
///   - slots: How much of the machine it takes.
///   - isLong: Whether it takes much longer than others.
///   - body: The test.
/// - Throws: Whatever the test throws.
func withWorkspace(
    _ server: ServerQueue?,
    slots: Int = 1,
    isLong: Bool = false,
    _ body: (Workspace) async throws -> Void
) async throws {
    await Slots.shared.take(slots, isLong: isLong)
    defer { Slots.shared.giveBack(slots) }
    let workspace = try Workspace(template: await SimulatorTemplate.shared.value, server)
    defer { workspace.close() }
    do {
        try await body(workspace)
    } catch {
        let log = (workspace.daemon?.errors ?? "").split(separator: "\n").suffix(15).joined(separator: "\n")
        Issue.record("The end of the daemon's log:\n\(log)")
        throw error
    }
}
