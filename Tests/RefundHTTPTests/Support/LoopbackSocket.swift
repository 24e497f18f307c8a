import Foundation
import Glibc

/// A socket bound to a loopback address at a port of the system's choice; until it listens, connections are refused.
struct LoopbackSocket {
    let descriptor: Int32
    let port: UInt16

    /// Binds a socket.
    init(_ loopback: RawServer.Loopback) throws {
        let family = loopback == .ipv4 ? AF_INET : AF_INET6
        let descriptor = socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        switch loopback {
        case .ipv4:
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
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
    func listen() throws {
        guard Glibc.listen(descriptor, 512) == 0 else { throw POSIXError(.init(rawValue: errno) ?? .EIO) }
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
