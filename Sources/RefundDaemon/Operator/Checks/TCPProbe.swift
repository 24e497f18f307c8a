import Glibc
import RefundCore

/// Connects to a port for a moment.
enum TCPProbe {
    // In milliseconds; a firewall may answer nothing at all.
    private static let timeout: Int32 = 3_000

    /// Connects, sends nothing, and closes the connection.
    ///
    /// - Parameters:
    ///   - address: The numeric address.
    ///   - port: The port.
    /// - Returns: Why nobody accepts the connection; nil if somebody does.
    static func problem(_ address: String, port: UInt16) -> String? {
        var hints = unsafe addrinfo()
        unsafe hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        guard unsafe getaddrinfo(address, "\(port)", &hints, &found) == 0 else { return "it is no address" }
        defer { unsafe freeaddrinfo(found) }
        guard let entry = unsafe found?.pointee else { return "it is no address" }
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let descriptor = unsafe socket(entry.ai_family, kind, 0)
        guard descriptor >= 0 else { return "\(SystemError())" }
        defer { close(descriptor) }
        if unsafe connect(descriptor, entry.ai_addr, entry.ai_addrlen) == 0 { return nil }
        guard errno == EINPROGRESS else { return "\(SystemError())" }
        var poller = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        guard unsafe poll(&poller, 1, timeout) > 0 else { return "no answer within \(timeout / 1_000)s" }
        var code: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        guard unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &size) == 0 else { return "\(SystemError())" }
        return code == 0 ? nil : "\(SystemError(code: code))"
    }
}
