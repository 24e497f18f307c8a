import Glibc
import Hummingbird
import HummingbirdCore
import HummingbirdTLS
import Logging
import NIOCore
import NIOPosix
import RefundCore
import ServiceLifecycle
import UnixSignals

/// The gateway's side of the refund query, as a server on the loopback interface.
///
/// Answers `POST /api/entry` and every path one level below as the gateway does, and `GET /simulator/refunds` with the
/// refunds that were queried and how often.
package struct Simulator: Sendable {
    /// The address to listen on.
    package static let host = "127.0.0.1"

    private let gateway: Gateway
    private let log: RequestLog?
    private let latency: Duration
    private let clockSkew: Duration
    private let server: HTTPServerBuilder
    private let port: Int

    /// Creates a simulator, which does not serve yet.
    ///
    /// - Parameter configuration: Keys, scenarios, port and the rest.
    /// - Throws: `SimulatorError` if the log or the TLS identity cannot be used.
    package init(_ configuration: SimulatorConfiguration) throws(SimulatorError) {
        do {
            log = try configuration.logFile.map { path throws(LocalFile.Failure) in try RequestLog(path: path) }
        } catch {
            throw SimulatorError("\(error)")
        }
        gateway = Gateway(
            appID: configuration.appID,
            keys: configuration.keys,
            book: configuration.scenarios,
            clockSkew: configuration.clockSkew
        )
        latency = configuration.latency
        clockSkew = configuration.clockSkew
        server = try Self.server(for: configuration.identity)
        port = configuration.port
    }

    /// Replaces the keys.
    package func use(_ keys: SimulatorKeys) {
        gateway.use(keys)
    }

    /// Serves until the task is cancelled or, optionally, until SIGTERM or SIGINT.
    ///
    /// - Parameters:
    ///   - stopsOnSignals: Whether SIGTERM and SIGINT end it. Signals concern the whole process, so only a program that
    ///     does nothing else sets this.
    ///   - onHangUp: Called on SIGHUP; nil to leave SIGHUP alone.
    ///   - onReady: Called once with the port, as soon as connections are accepted.
    /// - Throws: `SimulatorError` if the port cannot be used.
    package func run(
        stopsOnSignals: Bool = false,
        onHangUp: (@Sendable (Simulator) -> Void)? = nil,
        onReady: @escaping @Sendable (_ port: Int) -> Void
    ) async throws {
        // Caught before anyone can know of this server: an uncaught SIGHUP would end it.
        let hangUps = await UnixSignalsSequence(trapping: onHangUp == nil ? [] : [.sighup])
        let listening = Task {
            for await _ in hangUps { onHangUp?(self) }
        }
        defer { listening.cancel() }
        let pool = WorkerPool()
        var logger = Logger(label: "refund-gateway-simulator") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .error
        let responder = Responder(gateway: gateway, pool: pool, log: log, latency: latency)
        // Hummingbird's own application type would overwrite the date.
        let application = try server.buildServer(
            configuration: ServerConfiguration(address: .hostname(Self.host, port: port), backlog: 1_024),
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
            logger: logger
        ) { [clockSkew] request, writer, channel in
            let response = await responder.response(to: request, over: channel, at: .now.advanced(by: clockSkew))
            try await writer.write(response: response.head, body: response.body)
        } onServerRunning: { channel in
            if let port = channel.localAddress?.port { onReady(port) }
        }
        var configuration = ServiceGroupConfiguration(
            services: [application],
            gracefulShutdownSignals: stopsOnSignals ? [.sigterm, .sigint] : [],
            logger: logger
        )
        configuration.maximumGracefulShutdownDuration = .seconds(2)
        let group = ServiceGroup(configuration: configuration)
        // Cancelling the group itself would cut off responses that are being written.
        let service = Task { try await group.run() }
        let result = await withTaskCancellationHandler {
            await service.result
        } onCancel: {
            Task { await group.triggerGracefulShutdown() }
        }
        await pool.stop()
        do {
            try result.get()
        } catch let error as IOError {
            let problem = SystemError(code: error.errnoCode)
            throw SimulatorError("cannot listen on port \(port): \(problem); choose another with --port")
        }
    }

    private static func server(
        for identity: SimulatorConfiguration.Identity?
    ) throws(SimulatorError) -> HTTPServerBuilder {
        guard let identity else { return .http1() }
        do {
            let certificate = try NIOSSLCertificate(bytes: Array(identity.certificate.utf8), format: .pem)
            let key = try NIOSSLPrivateKey(bytes: Array(identity.privateKey.utf8), format: .pem)
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: [.certificate(certificate)],
                privateKey: .privateKey(key)
            )
            // A client with an idle connection does not answer close_notify; don't wait for it.
            configuration.shutdownTimeout = .milliseconds(200)
            return try .tls(.http1(), tlsConfiguration: configuration)
        } catch {
            throw SimulatorError("the TLS certificate or its key cannot be used: \(error)")
        }
    }
}

/// One thread per core, for work that would block event loops and the cooperative pool.
struct WorkerPool: Sendable {
    private let threads: NIOThreadPool

    /// Creates a pool and starts its threads.
    init() {
        threads = NIOThreadPool(numberOfThreads: max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        threads.start()
    }

    /// Runs work on one of the threads.
    func run<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await threads.runIfActive(work)
    }

    /// Ends the threads once they have finished their work.
    func stop() async {
        // Fails only if the threads have ended already.
        try? await threads.shutdownGracefully()
    }
}
