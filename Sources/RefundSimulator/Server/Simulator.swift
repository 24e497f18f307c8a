import Hummingbird
import HummingbirdCore
import HummingbirdTLS
import Logging
import NIOCore
import NIOPosix
import RefundCore
import ServiceLifecycle
import UnixSignals

/// The gateway's side of the refund query as a server on the loopback interface.
///
/// It answers `POST /api/entry` and everything one level below as the gateway does, and `GET /simulator/refunds` with
/// the refunds that were asked for and how often.
package struct Simulator: Sendable {
    /// The address that is listened on.
    package static let host = "127.0.0.1"

    private let gateway: Gateway
    private let log: RequestLog?
    private let latency: Duration
    private let clockSkew: Duration
    private let server: HTTPServerBuilder
    private let port: Int

    /// Creates a simulator that does not serve yet.
    ///
    /// - Parameter configuration: Keys, scenarios, port and the rest.
    /// - Throws: `SimulatorError` when the log cannot be opened or the TLS identity is none.
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

    /// Goes by other keys from now on.
    package func use(_ keys: SimulatorKeys) {
        gateway.use(keys)
    }

    /// Serves until the task is cancelled, or until SIGTERM or SIGINT where they are to stop it.
    ///
    /// - Parameters:
    ///   - stopsOnSignals: Whether SIGTERM and SIGINT end it. They are the whole process's, so only a program of its
    ///     own says yes.
    ///   - onHangUp: Called at each SIGHUP, where it is given.
    ///   - onReady: Called once with the port, as soon as connections are accepted.
    /// - Throws: `SimulatorError` when the port is taken or may not be used.
    package func run(
        stopsOnSignals: Bool = false,
        onHangUp: (@Sendable (Simulator) -> Void)? = nil,
        onReady: @escaping @Sendable (_ port: Int) -> Void
    ) async throws {
        // Caught from before anybody knows of this server, since an uncaught one would end it.
        let hangUps = await UnixSignalsSequence(trapping: onHangUp == nil ? [] : [.sighup])
        let listening = Task {
            for await _ in hangUps { onHangUp?(self) }
        }
        defer { listening.cancel() }
        let pool = SigningPool()
        var logger = Logger(label: "refund-gateway-simulator") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .error
        let responder = Responder(gateway: gateway, pool: pool, log: log, latency: latency)
        // Hummingbird's own application would overwrite the date.
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
        // Cancelling the group itself would cut off the answers that are being written.
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
            let problem = LocalFile.systemMessage(error.errnoCode)
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
            // A client that keeps an idle connection does not answer the farewell, and nobody waits for it.
            configuration.shutdownTimeout = .milliseconds(200)
            return try .tls(.http1(), tlsConfiguration: configuration)
        } catch {
            throw SimulatorError("the TLS certificate or its key cannot be used: \(error)")
        }
    }
}
