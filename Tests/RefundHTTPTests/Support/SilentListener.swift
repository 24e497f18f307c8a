import Glibc

/// A listener on 127.0.0.2 that accepts nothing: its queue is full, so the kernel drops further attempts to connect.
struct SilentListener {
    private let listener: LoopbackSocket
    private let fillers: [Int32]

    /// Starts listening on a port.
    init(port: UInt16) throws {
        listener = try LoopbackSocket(.ipv4, host: 2, port: port)
        try listener.listen(backlog: 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0002).bigEndian
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        fillers = (0..<4).map { _ in
            let filler = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
            unsafe withUnsafePointer(to: &address) { pointer in
                _ = unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe connect(filler, $0, size)
                }
            }
            return filler
        }
    }

    /// Stops listening.
    func stop() {
        for descriptor in fillers + [listener.descriptor] { close(descriptor) }
    }
}
