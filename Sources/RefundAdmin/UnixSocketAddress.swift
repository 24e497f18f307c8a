package import Glibc

/// A Unix socket's address.
///
/// Source: unix(7).
package struct UnixSocketAddress {
    private var address = sockaddr_un()
    private let length: socklen_t

    /// Creates an address.
    ///
    /// - Parameter text: An absolute path, or `@` and an abstract name, of at most 107 bytes; the result is nil for any
    ///   other text.
    package init?(_ text: String) {
        var bytes = Array(text.utf8)
        let isAbstract = bytes.first == UInt8(ascii: "@")
        guard isAbstract || bytes.first == UInt8(ascii: "/"), bytes.count > 1, !bytes.contains(0),
            bytes.count < MemoryLayout.size(ofValue: address.sun_path)
        else { return nil }
        // An abstract name starts with a zero byte and ends where the length says; a path ends with a zero byte.
        if isAbstract { bytes[0] = 0 } else { bytes.append(0) }
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        let offset = MemoryLayout.size(ofValue: address) - MemoryLayout.size(ofValue: address.sun_path)
        length = socklen_t(offset + bytes.count)
    }

    /// Sends one datagram.
    ///
    /// - Parameters:
    ///   - bytes: The datagram.
    ///   - descriptor: The socket to send it on.
    ///   - flags: The flags of send(2), to which `MSG_NOSIGNAL` is added.
    /// - Returns: The number of bytes sent; negative after an error, which `errno` holds.
    func send(_ bytes: [UInt8], on descriptor: Int32, flags: Int32 = 0) -> Int {
        var sent = -1
        repeat {
            sent = unsafe withPointer { address, length in
                unsafe sendto(descriptor, bytes, bytes.count, flags | Int32(MSG_NOSIGNAL), address, length)
            }
        } while sent < 0 && errno == EINTR
        return sent
    }

    /// Passes the address to a system call.
    package func withPointer<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        unsafe withUnsafePointer(to: address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe body($0, length) }
        }
    }
}
