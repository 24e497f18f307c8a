import NIOCore
import RefundCore

/// Decides what a request is answered with, and remembers what arrived.
struct Desk: Sendable {
    private static let marker = Array(#""merchant_order_no":"#.utf8)
    private static let accepted = HTTPText.response(body: "")
    private static let unknown = HTTPText.response(status: "404 Not Found", body: "")

    private let settled: PreparedAnswers
    private let processing: PreparedAnswers
    private let queries = Arrivals()
    private let webhooks = Arrivals()

    /// Creates a desk.
    ///
    /// - Parameters:
    ///   - settled: The answers to queries.
    ///   - processing: The answers to queries below `/processing`.
    init(settled: PreparedAnswers, processing: PreparedAnswers) {
        self.settled = settled
        self.processing = processing
    }

    /// The response to a request, or nil where it never gets one.
    func response(method: String, path: String, body: ByteBuffer) -> ByteBuffer? {
        switch (method, path) {
        case ("POST", "/hang"):
            return nil
        case ("POST", "/webhooks"):
            if let number = Self.number(in: body) { webhooks.add(number) }
            return Self.accepted
        case ("POST", _):
            let answers = path.hasPrefix("/processing") ? processing : settled
            guard let number = Self.number(in: body), let answer = answers[number] else { return Self.unknown }
            queries.add(number)
            return answer
        case ("GET", "/queries"):
            return HTTPText.response(body: queries.lines)
        case ("GET", "/webhooks"):
            return HTTPText.response(body: webhooks.lines)
        case ("GET", "/count"):
            var json = JSONWriter()
            json.object { json in
                json.number("queries", queries.count)
                json.number("webhooks", webhooks.count)
            }
            return HTTPText.response(body: json.text)
        case ("DELETE", _):
            queries.removeAll()
            webhooks.removeAll()
            return Self.accepted
        default:
            return Self.unknown
        }
    }

    // Looked for rather than parsed: the peer must not use up the processor that refundd is measured on.
    private static func number(in body: ByteBuffer) -> Int? {
        let bytes = Array(buffer: body)
        guard let name = bytes.indices.first(where: { bytes[$0...].starts(with: marker) }) else { return nil }
        let isDigit = { (byte: UInt8) in byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }
        let digits = bytes[(name + marker.count)...].drop { !isDigit($0) }.prefix(while: isDigit)
        return Int(String(decoding: digits, as: UTF8.self))
    }
}
