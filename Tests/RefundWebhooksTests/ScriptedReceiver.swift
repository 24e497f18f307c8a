import Dispatch
import Glibc
import Synchronization

/// A receiver of webhooks on 127.0.0.1 that reads whole requests and answers each with the same bytes, or never.
final class ScriptedReceiver: Sendable {
    /// A request as it came over the wire.
    struct Received: Sendable {
        var line: String
        /// The fields by their names in lower case.
        var fields: [String: String]
        var body: [UInt8]
    }

    /// The port it listens on.
    let port: UInt16

    private let listener: Int32
    private let answer: [UInt8]?
    private let taken = Mutex<[Received]>([])
    private let isDone = DispatchSemaphore(value: 0)

    /// Starts to listen.
    ///
    /// - Parameter answer: The bytes of every answer; nil for a receiver that hangs until the sender gives up.
    /// - Throws: When the system has no socket or port to give.
    private init(answer: [UInt8]?) throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isListening = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe bind(listener, address, length) == 0 && listen(listener, 16) == 0
                    && getsockname(listener, address, &length) == 0
            }
        }
        guard isListening else { throw SocketError(number: errno) }
        self.answer = answer
        self.listener = listener
        port = UInt16(bigEndian: address.sin_port)
    }

    /// Runs a receiver for as long as a function takes.
    static func with(
        answer: [UInt8]?,
        _ body: (ScriptedReceiver) async throws -> Void
    ) async throws {
        let receiver = try ScriptedReceiver(answer: answer)
        DispatchQueue(label: "receiver").async { receiver.serve() }
        defer {
            _ = shutdown(receiver.listener, Int32(SHUT_RDWR))
            receiver.isDone.wait()
        }
        try await body(receiver)
    }

    /// The requests so far.
    var requests: [Received] { taken.withLock { $0 } }

    /// Serves one connection after the other, each for one request, until the listener is shut down.
    private func serve() {
        while case let connection = accept(listener, nil, nil), connection >= 0 {
            if let request = Self.request(from: connection) {
                taken.withLock { $0.append(request) }
                if let answer {
                    Self.write(answer, to: connection)
                } else {
                    var byte: UInt8 = 0
                    while unsafe recv(connection, &byte, 1, 0) > 0 {}
                }
            }
            close(connection)
        }
        close(listener)
        isDone.signal()
    }

    private static func request(from connection: Int32) -> Received? {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4_096)
        while true {
            let count = unsafe recv(connection, &chunk, chunk.count, 0)
            guard count > 0 else { return nil }
            bytes += chunk[..<count]
            if let request = parsed(bytes) { return request }
        }
    }

    private static func parsed(_ bytes: [UInt8]) -> Received? {
        let parts = String(decoding: bytes, as: UTF8.self).split(separator: "\r\n\r\n", maxSplits: 1)
        guard let head = parts.first, head.utf8.count + 4 <= bytes.count else { return nil }
        var lines = head.split(separator: "\r\n")
        let line = String(lines.removeFirst())
        var fields: [String: String] = [:]
        for field in lines {
            let pair = field.split(separator: ":", maxSplits: 1)
            guard pair.count == 2 else { return nil }
            fields[pair[0].lowercased()] = String(pair[1].drop { $0 == " " })
        }
        let body = Array(bytes.dropFirst(head.utf8.count + 4))
        guard body.count == Int(fields["content-length"] ?? "") else { return nil }
        return Received(line: line, fields: fields, body: body)
    }

    private static func write(_ bytes: [UInt8], to connection: Int32) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { bytes in
                unsafe send(connection, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}

/// A failed call of the sockets' interface.
struct SocketError: Error {
    var number: Int32
}
