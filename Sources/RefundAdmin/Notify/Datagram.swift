import Glibc

/// Sends one datagram to a Unix socket.
///
/// - Parameters:
///   - message: The bytes.
///   - address: An absolute path, or `@` and an abstract name.
/// - Throws: When the address is neither, or nobody takes the datagram.
func sendDatagram(_ message: [UInt8], to address: String) throws(NotifyError) {
    var (socketAddress, length) = try unixAddress(address)
    let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw .failed(call: "socket", errno: errno) }
    defer { close(descriptor) }

    // A service manager that does not read must not hold the daemon up for good.
    var patience = timeval(tv_sec: 2, tv_usec: 0)
    let size = socklen_t(MemoryLayout<timeval>.size)
    guard unsafe setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, size) == 0 else {
        throw .failed(call: "setsockopt", errno: errno)
    }
    var sent = -1
    repeat {
        sent = unsafe withUnsafePointer(to: &socketAddress) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                unsafe sendto(descriptor, message, message.count, Int32(MSG_NOSIGNAL), pointer, length)
            }
        }
    } while sent < 0 && errno == EINTR
    guard sent == message.count else { throw .failed(call: "sendto", errno: errno) }
}

/// A Unix socket's address with the length that belongs to it.
///
/// Source: unix(7).
private func unixAddress(_ address: String) throws(NotifyError) -> (sockaddr_un, socklen_t) {
    var bytes = Array(address.utf8)
    let isAbstract = bytes.first == UInt8(ascii: "@")
    var result = sockaddr_un()
    guard isAbstract || bytes.first == UInt8(ascii: "/"), bytes.count > 1, !bytes.contains(0),
        bytes.count < MemoryLayout.size(ofValue: result.sun_path)
    else { throw .badAddress(address) }
    // An abstract name begins with a zero byte and ends where the length says; a path ends with a zero byte.
    if isAbstract { bytes[0] = 0 } else { bytes.append(0) }
    result.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &result.sun_path) { unsafe $0.copyBytes(from: bytes) }
    let offset = MemoryLayout.size(ofValue: result) - MemoryLayout.size(ofValue: result.sun_path)
    return (result, socklen_t(offset + bytes.count))
}

/// The monotonic clock in microseconds.
func monotonicMicroseconds() -> Int64 {
    var now = timespec()
    _ = unsafe clock_gettime(CLOCK_MONOTONIC, &now)
    return Int64(now.tv_sec) * 1_000_000 + Int64(now.tv_nsec) / 1_000
}

/// The operating system's words for an error number.
func words(forErrorNumber number: Int32) -> String {
    unsafe String(cString: strerror(number))
}

/// The number of this process.
func ownProcessIdentifier() -> Int32 {
    getpid()
}
