import Dispatch
import Glibc

/// An address to listen on, and how it is served: over plain HTTP, by one thread.
struct ServedAddress: Sendable {
    let host: String
    let port: Int
    /// A Unix socket to listen on instead.
    var socketPath: String?

    /// Listens and responds until the task is cancelled, or until the last response has been sent.
    ///
    /// - Parameters:
    ///   - reader: Reads a connection's request.
    ///   - limits: What clients may take.
    ///   - onListening: Called once with the port, which is 0 for a Unix socket.
    ///   - answer: Answers a request; several at a time.
    /// - Throws: `AdminError` when the address cannot be listened on.
    func serve<Reader: RequestReader>(
        _ reader: Reader.Type,
        _ limits: AdminLimits,
        onListening: @escaping @Sendable (Int) -> Void,
        answer: @escaping @Sendable (Reader.Request) async -> AdminResponse
    ) async throws(AdminError) {
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
                        AdminConnections<Reader>(listener, mailbox, limits, answer: answer).run()
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
    func check() throws(AdminError) {
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
