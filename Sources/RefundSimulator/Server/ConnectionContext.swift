import Glibc
import NIOCore
import NIOPosix
import NIOSSL

/// The connection that a request came by.
struct ConnectionContext {
    let channel: any Channel

    /// Ends the connection without an answer.
    func close() async {
        // It fails only when the client was faster.
        try? await channel.close()
    }

    /// Resets the connection, as a crashing peer does: a linger of zero makes the kernel send RST for FIN.
    func reset() async {
        let linger = linger(l_onoff: 1, l_linger: 0)
        try? await (channel as? any SocketOptionProvider)?.setSoLinger(linger).get()
        let channel = channel
        try? await channel.eventLoop.submit {
            // Closing below TLS leaves its farewell out.
            if let tls = try? channel.pipeline.syncOperations.context(handlerType: NIOSSLServerHandler.self) {
                tls.close(promise: nil)
            } else {
                channel.close(promise: nil)
            }
        }.get()
    }
}
