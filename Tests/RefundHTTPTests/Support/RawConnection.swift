import Foundation
import Glibc

/// A request as received.
struct RawRequest: Sendable {
    let head: String
    let body: [UInt8]

    var lines: [String] { head.components(separatedBy: "\r\n") }

    func hasField(_ name: String) -> Bool {
        lines.contains { $0.lowercased().hasPrefix("\(name.lowercased()):") }
    }
}

/// The server's side of a connection.
///
/// Once the client has gone, writes return `false` and reads return `nil`.
struct RawConnection: Sendable {
    /// Counts the accepted connections, from 1.
    let number: Int
    let descriptor: Int32

    /// Reads one request with a `Content-Length`.
    func readRequest() -> RawRequest? {
        var bytes: [UInt8] = []
        let end = Array("\r\n\r\n".utf8)
        while true {
            if let range = bytes.firstRange(of: end) {
                let head = String(decoding: bytes[..<range.lowerBound], as: UTF8.self)
                guard let body = readBody(of: head, start: Array(bytes[range.upperBound...])) else { return nil }
                return RawRequest(head: head, body: body)
            }
            guard let more = read() else { return nil }
            bytes += more
        }
    }

    private func readBody(of head: String, start: [UInt8]) -> [UInt8]? {
        let prefix = "content-length: "
        let field = head.components(separatedBy: "\r\n").first { $0.lowercased().hasPrefix(prefix) }
        let length = field.flatMap { Int($0.dropFirst(prefix.count)) } ?? 0
        var body = start
        while body.count < length {
            guard let more = read() else { return nil }
            body += more
        }
        return body
    }

    /// Writes a text.
    @discardableResult
    func write(_ text: String) -> Bool {
        write(Array(text.utf8))
    }

    /// Writes bytes.
    @discardableResult
    func write(_ bytes: [UInt8]) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes {
                unsafe send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    /// Writes a response with a `Content-Length`.
    @discardableResult
    func respond(_ status: Int = 200, fields: [String] = [], body: [UInt8] = []) -> Bool {
        let lines = ["HTTP/1.1 \(status) Test", "Content-Length: \(body.count)"] + fields
        return write(Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + body)
    }

    /// Waits until the client or the server's `stop()` ends the connection.
    func waitForEnd() {
        while read() != nil {}
    }

    /// Waits for the end for a limited time; returns whether it has come.
    func waitForEnd(milliseconds: Int32) -> Bool {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&entry, 1, milliseconds) > 0 && read() == nil
    }

    /// Makes closing this connection send a reset.
    func resetOnClose() {
        var option = linger(l_onoff: 1, l_linger: 0)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    }

    private func read() -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = unsafe recv(descriptor, &buffer, buffer.count, 0)
        return count > 0 ? Array(buffer.prefix(count)) : nil
    }
}
