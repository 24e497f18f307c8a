import Foundation
import Glibc

/// A socket bound to a loopback address and a free port.
///
/// It refuses connections until it listens.
struct LoopbackSocket {
    let descriptor: Int32
    let port: UInt16

    /// Binds a socket to 127.0.0.HOST or ::1, and to a free port if the port is 0.
    init(_ loopback: RawServer.Loopback, host: UInt32 = 1, port wanted: UInt16 = 0) throws {
        let family = loopback == .ipv4 ? AF_INET : AF_INET6
        let descriptor = socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var reuse: Int32 = 1
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &reuse, socklen_t(MemoryLayout<Int32>.size))
        switch loopback {
        case .ipv4:
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = (0x7F00_0000 | host).bigEndian
            address.sin_port = wanted.bigEndian
            port = try Self.bind(descriptor, to: &address).sin_port.bigEndian
        case .ipv6:
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_addr = in6addr_loopback
            port = try Self.bind(descriptor, to: &address).sin6_port.bigEndian
        }
        self.descriptor = descriptor
    }

    /// Starts accepting connections.
    func listen(backlog: Int32 = 512) throws {
        guard Glibc.listen(descriptor, backlog) == 0 else { throw POSIXError(.init(rawValue: errno) ?? .EIO) }
    }

    private static func bind<Address>(_ descriptor: Int32, to address: inout Address) throws -> Address {
        var size = socklen_t(MemoryLayout<Address>.size)
        let code = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                unsafe Glibc.bind(descriptor, generic, size) | getsockname(descriptor, generic, &size)
            }
        }
        guard code == 0 else { throw POSIXError(.init(rawValue: errno) ?? .EIO) }
        return address
    }
}
