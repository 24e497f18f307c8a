import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// Accepts connections on loopback ports and answers what arrives.
struct Server {
    private let desk: Desk
    private let tls: NIOSSLContext

    /// Creates a server that does not listen yet.
    ///
    /// - Parameters:
    ///   - desk: Decides the answers.
    ///   - certificate: The PEM file to show over TLS.
    ///   - key: The PEM file of its private key.
    /// - Throws: `NIOSSLError` when they cannot be used.
    init(desk: Desk, certificate: String, key: String) throws {
        self.desk = desk
        tls = try NIOSSLContext(
            configuration: .makeServerConfiguration(
                certificateChain: NIOSSLCertificate.fromPEMFile(certificate).map { .certificate($0) },
                privateKey: .privateKey(NIOSSLPrivateKey(file: key, format: .pem))
            )
        )
    }

    /// Begins to accept connections on a free port.
    ///
    /// - Parameter usesTLS: Whether clients must speak TLS.
    /// - Returns: The port.
    /// - Throws: `IOError` when there is none.
    func listen(usesTLS: Bool) async throws -> Int {
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 1_024)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { [desk, tls] channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if usesTLS { try pipeline.addHandler(NIOSSLServerHandler(context: tls)) }
                    try pipeline.addHandler(ByteToMessageHandler(HTTPRequestDecoder()))
                    try pipeline.addHandler(RequestHandler(desk: desk))
                }
            }
            .bind(host: "127.0.0.1", port: 0)
            .get()
        return channel.localAddress?.port ?? 0
    }
}

/// Collects the requests of one connection and writes the answers.
private final class RequestHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = ByteBuffer

    private let desk: Desk
    private var head: HTTPRequestHead?
    private var body = ByteBuffer()

    init(desk: Desk) {
        self.desk = desk
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            body.clear()
        case .body(var part):
            body.writeBuffer(&part)
        case .end:
            guard let head, let response = desk.response(method: head.method.rawValue, path: head.uri, body: body)
            else { return }
            context.writeAndFlush(wrapOutboundOut(response), promise: nil)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
