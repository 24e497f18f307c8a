import Glibc

/// The head of an HTTP/1 request, as far as the admin address needs it.
///
/// Source: RFC 9112.
struct AdminRequest: Hashable, Sendable {
    /// The most bytes a head may have.
    static let limit = 16_384

    var method: String
    /// The target without its query.
    var path: String
    /// The query without its question mark, undecoded.
    var query: String
    /// The `Host` field; nil in HTTP/1.0, which does not require it.
    var host: String?

    /// Parses the bytes received so far.
    ///
    /// - Returns: Nil while the head is incomplete.
    /// - Throws: The response to a request that is malformed or too large.
    init?(parsing bytes: [UInt8]) throws(AdminResponse) {
        var lines: [ArraySlice<UInt8>] = []
        var rest = bytes.prefix(Self.limit)
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            let line = rest[..<end].last == UInt8(ascii: "\r") ? rest[..<end].dropLast() : rest[..<end]
            if line.isEmpty {
                try self.init(head: lines)
                return
            }
            lines.append(line)
            rest = rest[(end + 1)...]
        }
        guard bytes.count < Self.limit else { throw .text(lines.isEmpty ? 414 : 431) }
        return nil
    }

    private init(head lines: [ArraySlice<UInt8>]) throws(AdminResponse) {
        let words = lines.first?.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false) ?? []
        guard words.count == 3, words.allSatisfy({ !$0.isEmpty && $0.allSatisfy { 0x21...0x7E ~= $0 } }) else {
            throw .text(400)
        }
        let version = String(decoding: words[2], as: UTF8.self)
        guard version == "HTTP/1.1" || version == "HTTP/1.0" else {
            throw .text(version.hasPrefix("HTTP/") ? 505 : 400)
        }
        method = String(decoding: words[0], as: UTF8.self)
        let target = words[1].split(separator: UInt8(ascii: "?"), maxSplits: 1, omittingEmptySubsequences: false)
        path = String(decoding: target[0], as: UTF8.self)
        query = target.count > 1 ? String(decoding: target[1], as: UTF8.self) : ""
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex,
                line[..<colon].allSatisfy(Self.isTokenByte), line[colon...].allSatisfy({ $0 >= 0x20 || $0 == 0x09 })
            else { throw .text(400) }
            guard String(decoding: line[..<colon], as: UTF8.self).lowercased() == "host" else { continue }
            let value = line[(colon + 1)...].split { $0 == 0x20 || $0 == 0x09 }
            guard host == nil, value.count <= 1 else { throw .text(400) }
            host = String(decoding: value.first ?? [], as: UTF8.self)
        }
        guard host != nil || version == "HTTP/1.0" else { throw .text(400) }
    }

    /// The value of a field of the query, decoded as a form encodes it; nil if there is none.
    func parameter(_ name: String) -> String? {
        let prefix = "\(name)="
        guard let field = query.split(separator: "&").first(where: { $0.hasPrefix(prefix) }) else { return nil }
        var bytes: [UInt8] = []
        var rest = Array(field.utf8.dropFirst(prefix.utf8.count))[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2,
                let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte == UInt8(ascii: "+") ? 0x20 : byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func isTokenByte(_ byte: UInt8) -> Bool {
        0x21...0x7E ~= byte && !"\"(),/:;<=>?@[\\]{}".utf8.contains(byte)
    }

    /// Whether the request is addressed to an IP address, `localhost` or one of `names` (in lower case).
    ///
    /// A website can make its own name resolve to a loopback address, and then read these pages through the browser of
    /// somebody on this machine (DNS rebinding). It cannot make the browser send any name but its own.
    func isAddressed(to names: Set<String>) -> Bool {
        guard let host else { return true }
        let port = host.utf8.reversed().prefix { $0 != UInt8(ascii: ":") && $0 != UInt8(ascii: "]") }
        var name = host.lowercased()
        if port.count < host.utf8.count, host.utf8.dropLast(port.count).last == UInt8(ascii: ":") {
            guard port.allSatisfy({ 0x30...0x39 ~= $0 }) else { return false }
            name = String(name.dropLast(port.count + 1))
        }
        if name == "localhost" || names.contains(name) { return true }
        if name.hasPrefix("["), name.hasSuffix("]") {
            var address = in6_addr()
            return unsafe inet_pton(AF_INET6, String(name.dropFirst().dropLast()), &address) == 1
        }
        var address = in_addr()
        return unsafe inet_pton(AF_INET, name, &address) == 1
    }
}

/// Reads a request to the admin address, which has no body.
struct AdminRequestReader: RequestReader {
    private var input: [UInt8] = []

    init() {}

    mutating func read(_ bytes: ArraySlice<UInt8>) throws(AdminResponse) -> AdminRequest? {
        input += bytes
        guard bytes.contains(UInt8(ascii: "\n")) || input.count >= AdminRequest.limit else { return nil }
        return try AdminRequest(parsing: input)
    }
}

/// A response of the admin address, after which its connection is closed.
struct AdminResponse: Error, Hashable, Sendable {
    var status: Int
    var type = "text/plain; charset=utf-8"
    var body: String
    /// Where the client should go instead.
    var location: String?
    /// Whether only the head is sent, as `HEAD` asks.
    var isHeadOnly = false
    /// The methods that a response with status 405 names.
    var allowedMethods = "GET, HEAD"
    /// Whether the server ends after it.
    var isLast = false

    /// A response whose body is only the name of its status.
    static func text(_ status: Int) -> AdminResponse {
        AdminResponse(status: status, body: "\(reason(for: status))\n")
    }

    /// The response as it is sent.
    var bytes: [UInt8] {
        var head = "HTTP/1.1 \(status) \(Self.reason(for: status))\r\nContent-Type: \(type)\r\n"
        // RFC 9110, section 8.6: none with 204.
        if status != 204 { head += "Content-Length: \(body.utf8.count)\r\n" }
        head += "Connection: close\r\nCache-Control: no-store\r\n"
        head += "X-Content-Type-Options: nosniff\r\nCross-Origin-Resource-Policy: same-origin\r\n"
        head += "Referrer-Policy: no-referrer\r\nContent-Security-Policy: \(Self.securityPolicy)\r\n"
        if let location { head += "Location: \(location)\r\n" }
        if status == 405 { head += "Allow: \(allowedMethods)\r\n" }
        return Array("\(head)\r\n\(isHeadOnly || status == 204 ? "" : body)".utf8)
    }

    // Allows only the page's own style sheet and form, so that even injected HTML could do nothing.
    private static let securityPolicy =
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

    private static func reason(for status: Int) -> String { reasons[status] ?? (status < 400 ? "OK" : "Error") }

    private static let reasons = [
        200: "OK", 204: "No Content", 303: "See Other", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found",
        405: "Method Not Allowed",
        411: "Length Required", 413: "Content Too Large",
        414: "URI Too Long",
        421: "Misdirected Request", 431: "Request Header Fields Too Large", 503: "Service Unavailable",
        505: "HTTP Version Not Supported",
    ]
}
