import CCurl
import Glibc

/// The sockets of one client's connections, and the addresses that recently did not respond.
///
/// libcurl does not tell which socket a request is about to use, only the addresses at its ends; the registry maps
/// these to the socket. Confined to the client's thread.
@safe
final class SocketRegistry {
    /// A remote IP address, 4 or 16 bytes in network order, and its port.
    struct Address: Hashable, Sendable {
        let bytes: [UInt8]
        let port: UInt16
    }

    /// The ends of an established connection, as libcurl writes them.
    struct Path: Hashable, Sendable {
        let localAddress: String
        let localPort: Int32
        let remoteAddress: String
        let remotePort: Int32
    }

    /// How long new connections avoid a silent address, unless no other address accepts a connection.
    private static let silence: Duration = .seconds(3_600)
    private static let maximumSilentAddresses = 256

    /// libcurl closes sockets that did not connect without a callback, so a descriptor may already be something else's.
    private struct Attempt {
        let inode: UInt
        let address: Address?
        var deadline: ContinuousClock.Instant?
    }

    private var connecting: [Int32: Attempt] = [:]
    private var established: [Path: Int32] = [:]
    private var silentUntil: [Address: ContinuousClock.Instant] = [:]
    /// The TLS context of the server that last requested a client certificate; callbacks write it.
    let certificateRequest: UnsafeMutablePointer<UInt>

    init() {
        unsafe certificateRequest = .allocate(capacity: 1)
        unsafe certificateRequest.initialize(to: 0)
    }

    deinit {
        unsafe certificateRequest.deallocate()
    }

    /// Whether a connection is being opened.
    var isConnecting: Bool { !connecting.isEmpty }

    /// Records a new socket that is about to connect.
    ///
    /// - Parameters:
    ///   - socket: The socket.
    ///   - address: The address, if it is IPv4 or IPv6.
    ///   - patience: How long to wait for the address to respond; `nil` to leave the wait to libcurl.
    func opened(_ socket: Int32, to address: Address?, patience: Duration?) {
        guard let inode = inode(of: socket) else { return }
        connecting[socket] = Attempt(inode: inode, address: address, deadline: patience.map { .now + $0 })
    }

    /// Gives up on addresses that do not respond in time, and makes new connections avoid them.
    ///
    /// By itself, libcurl spends half of the remaining time on each address but the last, on every new connection.
    func abandonSilentAddresses() {
        guard !connecting.isEmpty else { return }
        let now = ContinuousClock.now
        for (socket, attempt) in connecting {
            guard inode(of: socket) == attempt.inode else {
                connecting[socket] = nil
                continue
            }
            guard let address = attempt.address, let deadline = attempt.deadline, deadline <= now else { continue }
            connecting[socket]?.deadline = nil
            guard !ccurl_is_connected(socket) else { continue }
            if silentUntil.count >= Self.maximumSilentAddresses { silentUntil = [:] }
            silentUntil[address] = now + Self.silence
            // Fails the attempt, so that libcurl turns to the next address.
            shutdown(socket, Int32(SHUT_RDWR))
        }
    }

    /// Whether new connections should avoid an address.
    func isSilent(_ address: Address) -> Bool {
        silentUntil[address].map { $0 > .now } ?? false
    }

    /// Records that a connection is ready for its first request, and returns its socket.
    func connected(_ path: Path) -> Int32? {
        let socket = connecting.keys.first {
            unsafe ccurl_is_end($0, path.localAddress, path.localPort, path.remoteAddress, path.remotePort)
        }
        guard let socket, let attempt = connecting.removeValue(forKey: socket) else { return nil }
        established[path] = socket
        if let address = attempt.address { silentUntil[address] = nil }
        return socket
    }

    /// Returns the socket of an idle connection if nothing has arrived on it since its last response.
    ///
    /// Anything that arrives before a request is sent makes the connection unfit: the end of the connection, TLS's
    /// `close_notify` (which libcurl 7.88 takes for a sign of life), or data that would pass for the next response.
    func quietSocket(of path: Path) -> Int32? {
        guard let socket = established[path] else { return nil }
        var byte: UInt8 = 0
        let count = unsafe recv(socket, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT))
        return count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? socket : nil
    }

    /// Closes a socket.
    func close(_ socket: Int32) -> Int32 {
        connecting[socket] = nil
        if let path = established.first(where: { $0.value == socket })?.key { established[path] = nil }
        return Glibc.close(socket)
    }

    private func inode(of descriptor: Int32) -> UInt? {
        var status = stat()
        return unsafe fstat(descriptor, &status) == 0 ? status.st_ino : nil
    }
}
