import Glibc
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix

/// The admin address: whether the daemon lives, whether it is ready, and its metrics, over plain HTTP.
///
/// Everybody who reaches the address is answered, so it tells nothing secret, and requests are bounded in size,
/// number and time. It has one thread of its own, which sleeps while nobody asks.
package struct AdminServer: Sendable {
    private static let maximumConnections = 64

    private let host: String
    private let port: Int
    private let routes: AdminRoutes

    /// How long a connection lives, at most.
    var connectionLimit = Duration.seconds(10)

    /// Creates a server that does not listen yet.
    ///
    /// - Parameters:
    ///   - host: The address to listen on, such as `127.0.0.1` or `::1`.
    ///   - port: The port, or 0 for any that is free.
    ///   - readiness: The reasons why the daemon is not ready, in words; none when it is.
    ///   - metrics: The Prometheus text; it runs on a queue of its own and may block.
    package init(
        host: String,
        port: Int,
        readiness: @escaping @Sendable () async -> [String],
        metrics: @escaping @Sendable () -> String
    ) {
        self.host = host
        self.port = port
        routes = AdminRoutes(readiness: readiness, metrics: metrics)
    }

    /// Listens and answers until the task is cancelled.
    ///
    /// - Parameter onListening: Called once, with the port that is listened on.
    /// - Throws: When the address cannot be listened on, or the listening socket closes by itself.
    package func run(onListening: @escaping @Sendable (Int) -> Void) async throws(AdminError) {
        let eventLoops = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        var failure = AdminError.cannotListen(address, reason: "the listening socket closed")
        do {
            try await server(on: eventLoops, onListening: onListening).run()
        } catch {
            failure = adminError(error)
        }
        // The connections are closed by now, so an error here has nothing left to spoil.
        try? await eventLoops.shutdownGracefully()
        guard Task.isCancelled else { throw failure }
    }

    private func server(
        on eventLoops: MultiThreadedEventLoopGroup,
        onListening: @escaping @Sendable (Int) -> Void
    ) -> Server<HTTP1Channel> {
        // The library's own lines (every connection that a client drops) say nothing an operator needs.
        let silent = Logger(label: "refundd.admin.http") { _ in SwiftLogNoOpLogHandler() }
        let routes = routes
        let connectionLimit = TimeAmount(connectionLimit)
        return Server(
            childChannelSetup: HTTP1Channel(
                responder: { (request, writer: consuming ResponseWriter, _) in
                    let response = await routes.answer(request)
                    try await writer.write(response: response.head, body: response.body)
                },
                configuration: HTTP1Channel.Configuration(
                    additionalChannelHandlers: [ConnectionDeadline(limit: connectionLimit)],
                    httpDecoderConfiguration: .init(
                        maxHeaderFieldSize: 4_096,
                        maxHeaderListSize: 16_384,
                        maxHeaderFieldCount: 64
                    )
                )
            ),
            configuration: ServerConfiguration(
                address: .hostname(host, port: port),
                backlog: 64,
                availableConnectionsDelegate: MaximumAvailableConnections(Self.maximumConnections, logger: silent)
            ),
            onServerRunning: { channel in onListening(channel.localAddress?.port ?? port) },
            eventLoopGroup: eventLoops,
            logger: silent
        )
    }

    private var address: String {
        host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    private func adminError(_ error: any Error) -> AdminError {
        switch (error as? IOError)?.errnoCode {
        case EADDRINUSE: return .addressInUse(address)
        case EACCES: return .cannotListen(address, reason: "the port may not be used by this user")
        case EADDRNOTAVAIL: return .cannotListen(address, reason: "this machine has no such address")
        default: return .cannotListen(address, reason: "\(error)")
        }
    }
}
