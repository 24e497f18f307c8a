import RefundCore
import RefundCrypto
import RefundHTTP

/// All receivers: checks every webhook as its receiver would, and remembers what arrived.
final class ReceiverPool {
    struct Webhook {
        let body: [UInt8]
        let refundID: Int64?
        let sequence: Int
        let type: String
        /// How often it was accepted, whether or not the sender learned of it.
        var acceptances = 0
    }

    static let secret = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

    let receivers: [String: SimulatedReceiver]
    private(set) var webhooks: [String: Webhook] = [:]
    /// The sequence number that came last, by refund.
    var latest: [Int64: Int] = [:]
    /// The URLs that were ever disabled.
    var disabled: Set<String> = []
    /// The webhooks that an operator sent again, which come out of order.
    var redelivered: Set<String> = []

    init(_ receivers: [SimulatedReceiver]) {
        self.receivers = Dictionary(uniqueKeysWithValues: receivers.map { ($0.host, $0) })
    }

    func receiver(of url: String) -> SimulatedReceiver? {
        receivers[String(url.split(separator: "/").dropFirst().first ?? "")]
    }

    /// Receives a webhook.
    func receive(
        _ request: HTTPRequest,
        wall: Timestamp,
        at time: Timestamp
    ) throws -> (after: Duration, result: Result<HTTPResponse, HTTPError>) {
        guard let receiver = receiver(of: request.url) else { throw Violation("a webhook goes to \(request.url)") }
        let id = try verifiedID(of: request, wall: wall)
        var webhook = try webhooks[id] ?? Self.read(request.body)
        try require(webhook.body == request.body, "webhook \(id) came with two bodies")
        if let refund = webhook.refundID, !redelivered.contains(id) {
            try require(
                webhook.sequence >= latest[refund] ?? 0,
                "webhook \(id) of refund \(refund) came with sequence \(webhook.sequence) after \(latest[refund] ?? 0)"
            )
            latest[refund] = webhook.sequence
        }
        let reply = receiver.reply(over: request.connection, at: time)
        if reply.accepts { webhook.acceptances += 1 }
        webhooks[id] = webhook
        return (reply.after, reply.result)
    }

    // As Standard Webhooks 1.0 tells receivers to.
    private func verifiedID(of request: HTTPRequest, wall: Timestamp) throws -> String {
        func header(_ name: String) -> String { request.headers.first { $0.name == name }?.value ?? "" }
        let id = header("webhook-id")
        let seconds = header("webhook-timestamp")
        let key = Base64.decoded(Self.secret.dropFirst("whsec_".count)) ?? []
        let signed = Array("\(id).\(seconds).".utf8) + request.body
        try require(
            header("webhook-signature") == "v1," + Base64.encoded(HMACSHA256.code(for: signed, key: key)),
            "webhook \(id) is not signed"
        )
        try require(seconds == String(wall.milliseconds / 1_000), "webhook \(id) has the time of another attempt")
        return id
    }

    private static func read(_ body: [UInt8]) throws -> Webhook {
        let event = try JSONObject(parsing: body)
        let data = event.object("data")
        return Webhook(
            body: body,
            refundID: data?.text("refund_id").flatMap { Int64($0) },
            sequence: data?.text("sequence").flatMap { Int($0) } ?? 0,
            type: event.text("type") ?? ""
        )
    }
}
