import Dispatch
import Glibc
import RefundCore

/// The admin address: the page, liveness, readiness and metrics over plain HTTP.
///
/// Everybody who reaches the address is answered, so it reveals nothing secret.
package struct AdminServer: Sendable {
    private let host: String
    private let port: Int
    private let socketPath: String?
    private let routes: AdminRoutes
    var limits = AdminLimits()

    /// Creates a server that does not listen yet.
    ///
    /// - Parameters:
    ///   - host: The name or address to listen on, such as `127.0.0.1` or `::1`.
    ///   - port: The port, or 0 for any free one.
    ///   - socketPath: A Unix socket to listen on instead.
    ///   - names: Host names to serve besides `host`, `localhost` and IP addresses; requests for others get 421.
    ///   - readiness: Why the daemon is not ready; empty if it is.
    ///   - metrics: Renders the Prometheus text on a queue of its own; it may block.
    ///   - pages: Renders a page on the same queue; it may block.
    package init(
        host: String,
        port: Int,
        socketPath: String? = nil,
        names: @escaping @Sendable () -> [String] = { [] },
        readiness: @escaping @Sendable () async -> [ReadinessProblem],
        metrics: @escaping @Sendable () -> String,
        pages: @escaping @Sendable (AdminPageRequest) -> AdminPage = { _ in .notFound }
    ) {
        self.host = host
        self.port = port
        self.socketPath = socketPath
        routes = AdminRoutes(
            names: { Set((names() + [host]).map { $0.lowercased() }) },
            readiness: readiness,
            metrics: metrics,
            pages: pages
        )
    }

    /// Listens and responds until the task is cancelled.
    ///
    /// - Parameter onListening: Called once with the port, which is 0 for a Unix socket.
    /// - Throws: `AdminError` when the address cannot be listened on.
    package func run(onListening: @escaping @Sendable (Int) -> Void) async throws(AdminError) {
        let mailbox = AdminMailbox()
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Result<Void, AdminError>, Never>) in
                // The queue's thread is the server's own: neither resolving nor poll(2) may block a shared one.
                DispatchQueue(label: "refundd.admin").async {
                    do throws(AdminError) {
                        let listener = try listen()
                        defer {
                            close(listener)
                            if let socketPath { unsafe unlink(socketPath) }
                        }
                        onListening(socketPath == nil ? Self.port(of: listener) : 0)
                        AdminConnections(listener, mailbox, limits, answer: routes.response).run()
                        continuation.resume(returning: .success(()))
                    } catch {
                        continuation.resume(returning: .failure(error))
                    }
                }
            }
        } onCancel: {
            mailbox.stop()
        }
        try result.get()
    }

    /// Listens for a moment, without accepting anyone.
    ///
    /// - Throws: `AdminError` when the address cannot be listened on.
    package func checkAddress() throws(AdminError) {
        close(try listen())
        if let socketPath { unsafe unlink(socketPath) }
    }

    private func listen() throws(AdminError) -> Int32 {
        if let socketPath { return try AdminSocket.listen(socketPath) }
        var hints = unsafe addrinfo()
        unsafe hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        let code = unsafe getaddrinfo(host, "\(port)", &hints, &found)
        defer { unsafe freeaddrinfo(found) }
        guard code == 0, let first = unsafe found?.pointee else {
            throw .cannotListen(address, reason: unsafe String(cString: gai_strerror(code)))
        }
        let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let listener = unsafe socket(first.ai_family, type, 0)
        var isReused: Int32 = 1
        let size = socklen_t(MemoryLayout<Int32>.size)
        guard listener >= 0, unsafe setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &isReused, size) == 0,
            unsafe bind(listener, first.ai_addr, first.ai_addrlen) == 0, Glibc.listen(listener, 128) == 0
        else {
            let error = AdminError(errno, address)
            close(listener)
            throw error
        }
        return listener
    }

    private static func port(of listener: Int32) -> Int {
        var address = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = unsafe getsockname(listener, $0, &size)
            }
            // The port is at the same place in sockaddr_in and sockaddr_in6. Source: ip(7), ipv6(7).
            return unsafe pointer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                Int(UInt16(bigEndian: unsafe $0.pointee.sin_port))
            }
        }
    }

    private var address: String {
        host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}

/// Why the admin address cannot be served.
package enum AdminError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Another program, or another refundd, listens there.
    case addressInUse(String)
    /// The operating system refuses the address for another reason.
    case cannotListen(String, reason: String)

    /// One sentence that says what to change.
    package var description: String {
        switch self {
        case .addressInUse(let address):
            "cannot listen on \(address): another program listens there; "
                + "set [admin] listen to a free port, or to \"\" for no admin address"
        case .cannotListen(let address, let reason):
            "cannot listen on \(escapedForTerminal(address)): \(escapedForTerminal(reason)); change [admin] listen"
        }
    }
}

extension AdminError {
    /// Describes a failure to listen on an address.
    init(_ code: Int32, _ address: String) {
        switch code {
        case EADDRINUSE: self = .addressInUse(address)
        case EACCES: self = .cannotListen(address, reason: "this user may not use the port or the folder")
        case EADDRNOTAVAIL: self = .cannotListen(address, reason: "this machine has no such address")
        default: self = .cannotListen(address, reason: SystemError(code: code).description)
        }
    }
}
