package import RefundCore

extension ListenAddress {
    /// Serves requests with a body, such as webhooks, until the task is cancelled, or until an answer is the last one.
    ///
    /// Neither slow nor huge requests hold it up.
    ///
    /// - Parameters:
    ///   - onListening: Called once with the port.
    ///   - answer: Answers a request; several at a time.
    /// - Throws: `AdminError` when the address cannot be listened on.
    package func servePosts(
        onListening: @escaping @Sendable (Int) -> Void,
        answer: @escaping @Sendable (PostedRequest) async -> PostAnswer
    ) async throws(AdminError) {
        let limits = AdminLimits(request: .seconds(15))
        try await serve(PostReader.self, limits, onListening: onListening) { request in
            let answer = await answer(request)
            var response = AdminResponse.text(answer.status)
            response.allowedMethods = "POST"
            response.isLast = answer.isLast
            return response
        }
    }
}

/// A request as it arrived.
package struct PostedRequest: Sendable {
    /// The headers by their names in lower case; of several with one name, the last.
    package var headers: [String: String] = [:]
    /// The body.
    package var body: [UInt8] = []
    /// Why the request is none that can be used, with the status that says so; the body is empty then.
    package var refusal: (status: Int, reason: String)?
}

/// The answer to a request.
package struct PostAnswer: Sendable {
    /// The HTTP status.
    package var status: Int
    /// Whether the server ends after it.
    package var isLast: Bool

    /// Creates an answer.
    package init(status: Int, isLast: Bool = false) {
        (self.status, self.isLast) = (status, isLast)
    }
}

/// Reads the head of a request, then as many bytes as it announces.
struct PostReader: RequestReader {
    // Far more than the body of any webhook.
    static let bodyLimit = 1 << 20

    private var input: [UInt8] = []
    private var head: (request: PostedRequest, end: Int, length: Int)?

    init() {}

    mutating func read(_ bytes: ArraySlice<UInt8>) throws(AdminResponse) -> PostedRequest? {
        let start = max(input.count - 3, 0)
        input += bytes
        if head == nil {
            guard let end = endOfHead(from: start) else {
                guard input.count > AdminRequest.limit else { return nil }
                return Self.refused(431, "its headers exceed \(AdminRequest.limit) bytes")
            }
            if let refused = readHead(end) { return refused }
        }
        guard let (request, end, length) = head, input.count - end >= length else { return nil }
        return PostedRequest(headers: request.headers, body: Array(input[end..<end + length]))
    }

    /// Finds the empty line behind the head.
    private func endOfHead(from start: Int) -> Int? {
        for index in input.indices.dropFirst(start) where input[index] == UInt8(ascii: "\n") {
            let before = input[..<index].last == UInt8(ascii: "\r") ? index - 1 : index
            if before > 0, input[before - 1] == UInt8(ascii: "\n") { return index + 1 }
        }
        return nil
    }

    private mutating func readHead(_ end: Int) -> PostedRequest? {
        let lines = input[..<end].split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .map { String(decoding: $0.last == UInt8(ascii: "\r") ? $0.dropLast() : $0, as: UTF8.self) }
        let words = lines[0].split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 3, words[2].hasPrefix("HTTP/1.") else { return Self.refused(400, "it is no HTTP/1.1") }
        var request = PostedRequest()
        for line in lines.dropFirst() where line != "" {
            guard let colon = line.firstIndex(of: ":") else { return Self.refused(400, "a header has no colon") }
            let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            request.headers[line[..<colon].lowercased()] = String(value)
        }
        guard words[0] == "POST" else { return Self.refused(405, "its method is not POST") }
        guard request.headers["transfer-encoding"] == nil,
            let length = request.headers["content-length"].flatMap({ Int($0) }), length >= 0
        else { return Self.refused(411, "it has no Content-Length") }
        guard length <= Self.bodyLimit else { return Self.refused(413, "its body exceeds \(Self.bodyLimit) bytes") }
        head = (request, end, length)
        return nil
    }

    private static func refused(_ status: Int, _ reason: String) -> PostedRequest {
        PostedRequest(refusal: (status, reason))
    }
}
