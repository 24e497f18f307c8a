import Foundation
import Glibc
import Synchronization

/// A TCP server on a loopback address that runs a script for each connection, each on its own thread.
final class RawServer: Sendable {
    enum Loopback: Sendable {
        case ipv4
        case ipv6
    }

    private struct State {
        var acceptedCount = 0
        var openDescriptors: Set<Int32> = []
        var isStopped = false
    }

    let port: UInt16
    private let host: String
    private let listener: Int32
    private let script: @Sendable (RawConnection) -> Void
    private let state = Mutex(State())

    /// Listens on a port, 0 for a free one.
    init(
        _ loopback: Loopback = .ipv4,
        host: UInt32 = 1,
        port: UInt16 = 0,
        script: @escaping @Sendable (RawConnection) -> Void
    ) throws {
        let socket = try LoopbackSocket(loopback, host: host, port: port)
        try socket.listen()
        listener = socket.descriptor
        self.port = socket.port
        self.host = loopback == .ipv4 ? "127.0.0.\(host)" : "[::1]"
        self.script = script
        startThread { [self] in acceptConnections() }
    }

    /// The URL of this server's root.
    var url: String { "http://\(host):\(port)/" }

    /// How many connections have been accepted.
    var acceptedCount: Int { state.withLock { $0.acceptedCount } }

    /// Closes the listener and every connection, so that scripts that read or write run to their end.
    func stop() {
        state.withLock { state in
            guard !state.isStopped else { return }
            state.isStopped = true
            shutdown(listener, Int32(SHUT_RDWR))
            for descriptor in state.openDescriptors {
                shutdown(descriptor, Int32(SHUT_RDWR))
            }
        }
    }

    private func acceptConnections() {
        defer { close(listener) }
        while true {
            let descriptor = accept(listener, nil, nil)
            guard descriptor >= 0 else { return }
            let number: Int? = state.withLock { state in
                guard !state.isStopped else { return nil }
                state.acceptedCount += 1
                state.openDescriptors.insert(descriptor)
                return state.acceptedCount
            }
            guard let number else {
                close(descriptor)
                return
            }
            startThread { [self] in
                script(RawConnection(number: number, descriptor: descriptor))
                state.withLock { state in
                    state.openDescriptors.remove(descriptor)
                    _ = close(descriptor)
                }
            }
        }
    }
}

/// Runs a test with a server that is stopped at its end.
func withServer<Result>(
    _ loopback: RawServer.Loopback = .ipv4,
    script: @escaping @Sendable (RawConnection) -> Void,
    body: (RawServer) async throws -> Result
) async throws -> Result {
    let server = try RawServer(loopback, script: script)
    defer { server.stop() }
    return try await body(server)
}

/// Runs a body that may block on its own thread.
func startThread(_ body: @escaping @Sendable () -> Void) {
    let thread = Thread(block: body)
    thread.start()
}
