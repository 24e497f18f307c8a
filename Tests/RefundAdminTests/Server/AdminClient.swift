import Dispatch
import Glibc

/// A client that speaks HTTP over a bare socket, correctly or not.
struct AdminClient: Sendable {
    let port: Int

    /// A response as received.
    struct Answer: Sendable {
        let text: String

        var statusLine: String { head.first ?? "" }
        var headers: [String] { head.dropFirst().map { $0.lowercased() } }
        var body: String { parts.count == 2 ? String(parts[1]) : "" }

        private var head: [String] { parts.first?.split(separator: "\r\n").map(String.init) ?? [] }
        private var parts: [Substring] { text.split(separator: "\r\n\r\n", maxSplits: 1) }
    }

    func get(_ path: String, method: String = "GET") async -> Answer {
        await exchange("\(method) \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    }

    /// Sends bytes and reads until the server closes the connection, for at most 20 seconds.
    func exchange(_ request: String) async -> Answer {
        // On its own thread: blocking the cooperative pool would keep the server from responding.
        await withCheckedContinuation { continuation in
            DispatchQueue(label: "admin.client").async {
                let descriptor = connected()
                defer { close(descriptor) }
                send(request, on: descriptor)
                continuation.resume(returning: Answer(text: readToEnd(of: descriptor)))
            }
        }
    }

    /// Sends bytes on a connection that nobody reads; the caller closes it.
    func sendWithoutReading(_ request: String) -> Int32 {
        let descriptor = connected(receiveBuffer: 4_096)
        send(request, on: descriptor)
        return descriptor
    }

    private func connected(receiveBuffer: Int32? = nil) -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        if var size = receiveBuffer {
            _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        var patience = timeval(tv_sec: 20, tv_usec: 0)
        _ = unsafe setsockopt(
            descriptor,
            SOL_SOCKET,
            SO_RCVTIMEO,
            &patience,
            socklen_t(MemoryLayout<timeval>.size)
        )
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        _ = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                unsafe connect(descriptor, pointer, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        return descriptor
    }

    private func send(_ request: String, on descriptor: Int32) {
        let bytes = Array(request.utf8)
        _ = unsafe Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }

    private func readToEnd(of descriptor: Int32) -> String {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let size = buffer.count
            let count = unsafe recv(descriptor, &buffer, size, 0)
            if count == 0 { return String(decoding: bytes, as: UTF8.self) }
            if count < 0 { return String(decoding: bytes, as: UTF8.self) + (errno == EAGAIN ? "[no end]" : "") }
            bytes += buffer.prefix(count)
        }
    }
}
