import Glibc
import RefundCore

/// The admin address: the page, liveness, readiness and metrics over plain HTTP.
///
/// The server answers everybody who reaches the address, so it reveals nothing secret.
package struct AdminServer: Sendable {
    private let address: ServedAddress
    private let routes: AdminRoutes
    var limits = AdminLimits()

    /// Creates a server that does not listen yet.
    ///
    /// - Parameters:
    ///   - host: The name or address to listen on, such as `127.0.0.1` or `::1`.
    ///   - port: The port, or 0 for any free one.
    ///   - socketPath: A Unix socket to listen on instead.
    ///   - names: Host names to serve besides `host`, `localhost` and IP addresses; requests for others get 421.
    ///   - readiness: Returns why the daemon is not ready; empty if it is.
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
        address = ServedAddress(host: host, port: port, socketPath: socketPath)
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
        try await address.serve(AdminRequestReader.self, limits, onListening: onListening, answer: routes.response)
    }

    /// Listens for a moment without accepting connections, to find out whether the address can be served.
    ///
    /// - Throws: `AdminError` when the address cannot be listened on.
    package func checkAddress() throws(AdminError) {
        try address.check()
    }
}

/// Why the admin address cannot be served.
package enum AdminError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Another program, or another refundd, listens there.
    case addressInUse(String)
    /// The operating system refuses the address for another reason.
    case cannotListen(String, reason: String)

    /// The problem alone.
    package var reason: String {
        switch self {
        case .addressInUse: "another program listens there"
        case .cannotListen(_, let reason): reason
        }
    }

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
