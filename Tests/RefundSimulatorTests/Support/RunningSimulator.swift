import RefundCore
import RefundCrypto
import RefundTestSupport

@testable import RefundSimulator

/// A simulator that serves on a free port while a test talks to it.
struct RunningSimulator {
    let directory: TemporaryFolder
    let url: String
    private let trust: [String]

    /// Runs a simulator, calls the body with it, and stops it.
    static func run(
        usesTLS: Bool = false,
        _ change: (inout SimulatorConfiguration) throws -> Void = { _ in },
        _ body: (RunningSimulator) async throws -> Void
    ) async throws {
        let directory = try TemporaryFolder()
        var configuration = SimulatorConfiguration(
            keys: SimulatorKeys(
                app: [try RSAPublicKey(text: Array(TestKeys.appPublicPEM.utf8))],
                gateway: try RSAPrivateKey(text: Array(TestKeys.gatewayPrivatePEM.utf8))
            )
        )
        configuration.port = 0
        configuration.logFile = directory.path("log")
        if usesTLS {
            let certificates = try ServerCertificates.make()
            _ = try directory.write(Array(certificates.authority.utf8), to: "ca.pem")
            configuration.identity = SimulatorConfiguration.Identity(
                certificate: certificates.server,
                privateKey: certificates.serverKey
            )
        }
        try change(&configuration)
        let simulator = try Simulator(configuration)
        let (ports, port) = AsyncStream.makeStream(of: Int.self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { port.finish() }
                try await simulator.run { port.yield($0) }
            }
            var iterator = ports.makeAsyncIterator()
            if let number = await iterator.next() {
                try await body(
                    RunningSimulator(
                        directory: directory,
                        url: "\(usesTLS ? "https" : "http")://127.0.0.1:\(number)",
                        trust: usesTLS ? ["--cacert", directory.path("ca.pem")] : []
                    )
                )
            }
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    /// Sends a request with curl.
    ///
    /// - Returns: curl's exit status, the HTTP status and the body.
    func curl(
        _ path: String,
        body: [UInt8]? = nil,
        contentType: String = "application/json",
        options: [String] = []
    ) async throws -> (exit: Int32, status: String, body: [UInt8]) {
        var arguments = ["curl", "-sS", "--max-time", "20", "-o", directory.path("answer"), "-w", "%{http_code}"]
        arguments += trust + options
        if let body {
            let file = try directory.write(body, to: "body")
            arguments += ["--data-binary", "@\(file)", "-H", "Content-Type: \(contentType)"]
        }
        let result = try await TestProcess.run(arguments + [url + path], in: directory)
        let answer = try? directory.text("answer")
        return (result.status, String(result.output.suffix(3)), Array((answer ?? "").utf8))
    }

    /// A header field of the answer to a query that is in order.
    func header(_ name: String) async throws -> String? {
        _ = try await curl("/api/entry", body: Self.query("R-1"), options: ["-D", directory.path("head")])
        let lines = try directory.text("head").split(whereSeparator: \.isNewline)
        let line = lines.first { $0.lowercased().hasPrefix("\(name): ") }
        return line.map { String($0.dropFirst(name.count + 2)) }
    }

    /// A query that is in order now.
    static func query(_ number: String) throws -> [UInt8] {
        try TestQuery(.order(number), at: .now).signed()
    }
}
