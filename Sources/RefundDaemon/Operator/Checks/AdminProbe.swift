import Glibc
import RefundAdmin
package import RefundCore

/// Asks the admin address of a running daemon whether it is ready.
package struct AdminProbe: Sendable {
    /// The daemon's own answer.
    package struct Answer: Hashable, Sendable {
        /// Whether it is ready.
        package var isReady: Bool
        /// Why it is not.
        package var reasons: [String]

        /// Creates an answer.
        package init(isReady: Bool, reasons: [String]) {
            self.isReady = isReady
            self.reasons = reasons
        }
    }

    private static let timeout = timeval(tv_sec: 2, tv_usec: 0)
    private static let limit = 65_536

    private let address: ListenAddress

    /// Creates a probe.
    ///
    /// - Parameter address: The admin address, as the configuration has it.
    package init(_ address: ListenAddress) {
        self.address = address
    }

    /// Asks, and waits a few seconds at most.
    ///
    /// - Returns: The answer; nil if there is none, or it is not a daemon's.
    package func answer() -> Answer? {
        guard let response = exchange("GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n") else { return nil }
        return Answer(parsing: response)
    }

    private func exchange(_ request: String) -> [UInt8]? {
        if let path = address.socketPath {
            guard let socket = UnixSocketAddress(path) else { return nil }
            return unsafe socket.withPointer { unsafe exchange(request, AF_UNIX, $0, $1) }
        }
        var hints = unsafe addrinfo()
        unsafe hints.ai_flags = AI_NUMERICSERV
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        guard unsafe getaddrinfo(reachableHost, "\(address.port)", &hints, &found) == 0 else { return nil }
        defer { unsafe freeaddrinfo(found) }
        guard let first = unsafe found?.pointee else { return nil }
        return unsafe exchange(request, first.ai_family, first.ai_addr, first.ai_addrlen)
    }

    private func exchange(
        _ request: String,
        _ family: Int32,
        _ address: UnsafePointer<sockaddr>,
        _ length: socklen_t
    ) -> [UInt8]? {
        let descriptor = socket(family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var timeout = Self.timeout
        let size = socklen_t(MemoryLayout<timeval>.size)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            _ = unsafe setsockopt(descriptor, SOL_SOCKET, option, &timeout, size)
        }
        guard unsafe connect(descriptor, address, length) == 0 else { return nil }
        let bytes = Array(request.utf8)
        guard unsafe send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else {
            return nil
        }
        var response: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while response.count < Self.limit {
            let count = unsafe recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { break }
            response += buffer.prefix(count)
        }
        return response
    }

    // A wildcard address accepts connections to every address of the machine, but nobody can connect to it.
    private var reachableHost: String {
        switch address.host {
        case "0.0.0.0": "127.0.0.1"
        case "::": "::1"
        default: address.host
        }
    }
}

extension AdminProbe.Answer {
    /// Reads the response to `GET /readyz`; nil if it is not a daemon's.
    init?(parsing response: [UInt8]) {
        let text = String(decoding: response, as: UTF8.self)
        guard text.hasPrefix("HTTP/1."), let end = text.firstRange(of: "\r\n\r\n"),
            let object = try? JSONObject(parsing: Array(text[end.upperBound...].utf8)),
            case .bool(let isReady)? = object["ready"]
        else { return nil }
        self.isReady = isReady
        guard case .array(let text)? = object["reasons"] else {
            reasons = []
            return
        }
        // The daemon's own sentences, none of which has a quotation mark.
        reasons = text.split(separator: "\"").map(String.init).filter { $0.contains(where: \.isLetter) }
    }
}
