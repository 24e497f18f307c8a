/// A response with a status: its head arrived completely, or is invalid after its status line.
package struct HTTPResponse: Sendable {
    /// How the body ended.
    package enum BodyEnd: Hashable, Sendable {
        /// The body is complete.
        case complete
        /// The body was longer than `HTTPRequest.ResponseLimit.keepFirst`.
        case truncated
        /// The exchange failed after the head; `body` holds what arrived until then.
        case broken(HTTPError)
        /// The head is no valid HTTP, for this reason; only the fields before the fault are known, and there is no body.
        case invalidHead(String)
    }

    /// The status code.
    package let status: Int
    /// The bytes of the body that arrived and were kept.
    package let body: [UInt8]
    /// How the body ended.
    package let bodyEnd: BodyEnd
    /// The duration of the exchange, without the time spent waiting for a free connection.
    package let duration: Duration
    private let head: ResponseHead

    /// Creates a response.
    ///
    /// - Parameters:
    ///   - status: The status code.
    ///   - head: The lines of the head.
    ///   - body: The bytes of the body that were kept.
    ///   - bodyEnd: How the body ended.
    ///   - duration: The duration of the exchange.
    package init(
        status: Int,
        head: ResponseHead = ResponseHead(),
        body: [UInt8] = [],
        bodyEnd: BodyEnd = .complete,
        duration: Duration = .zero
    ) {
        self.status = status
        self.head = head
        self.body = body
        self.bodyEnd = bodyEnd
        self.duration = duration
    }

    /// Returns the value of the first header field with a name.
    ///
    /// - Parameter name: The field's name, in any case.
    /// - Returns: The value without surrounding white space, or `nil` if there is no such field.
    package func header(_ name: String) -> String? {
        head.value(of: name)
    }
}

/// The lines of a response head, stored as received and parsed on demand.
package struct ResponseHead: Sendable {
    private static let lineFeed = UInt8(ascii: "\n")

    private var bytes: [UInt8] = []
    private var isInterim = false
    private var hasEnded = false

    /// Creates an empty head.
    package init() {}

    /// Whether the whole head of the final response, rather than of an interim (1xx) one, has arrived.
    package var isComplete: Bool { hasEnded && !isInterim }

    /// Whether the status line of the final response has arrived.
    package var hasStatus: Bool { !bytes.isEmpty && !isInterim }

    /// Adds a line as libcurl delivers it: a status line, a field, the empty line at the end, or a trailer field.
    ///
    /// A final head replaces an interim one. Trailer fields are dropped: they must not pass for header fields.
    package mutating func add(_ line: some Collection<UInt8>) {
        if !isComplete, line.starts(with: "HTTP/".utf8) {
            let code = line.drop { $0 != UInt8(ascii: " ") }.dropFirst().prefix(3)
            self = ResponseHead()
            // 101 ends HTTP on the connection, so no other head follows.
            isInterim = code.first == UInt8(ascii: "1") && !code.elementsEqual("101".utf8)
        }
        guard !hasEnded else { return }
        let content = line.prefix { $0 != Self.lineFeed && $0 != UInt8(ascii: "\r") }
        guard !content.isEmpty else {
            hasEnded = true
            return
        }
        bytes.append(contentsOf: content)
        bytes.append(Self.lineFeed)
    }

    /// Returns the value of the first field with a name, without surrounding white space.
    package func value(of name: String) -> String? {
        let wanted = name.utf8.span
        var start = bytes.startIndex
        while let end = bytes[start...].firstIndex(of: Self.lineFeed) {
            let line = bytes[start..<end]
            start = end + 1
            let colon = line.startIndex + wanted.count
            guard colon < end, line[colon] == UInt8(ascii: ":"),
                wanted.indices.allSatisfy({
                    line[line.startIndex + $0].lowercasedASCII == wanted[$0].lowercasedASCII
                })
            else { continue }
            let value = line[(colon + 1)...].drop(while: isBlank).reversed().drop(while: isBlank)
            return String(decoding: value.reversed(), as: UTF8.self)
        }
        return nil
    }

    private func isBlank(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
    }
}

extension UInt8 {
    /// The lower-case form of an ASCII letter; every other byte unchanged.
    var lowercasedASCII: UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) ? self | 0x20 : self
    }
}
