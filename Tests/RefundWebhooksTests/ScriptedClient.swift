import RefundCore
import RefundHTTP
import RefundWebhooks
import Synchronization
import Testing

/// A stub transport: records the requests and completes each with the same result.
final class ScriptedClient: HTTPTransport {
    private let result: Result<HTTPResponse, HTTPError>
    private let taken = Mutex<[HTTPRequest]>([])

    init(_ result: Result<HTTPResponse, HTTPError>) {
        self.result = result
    }

    var requests: [HTTPRequest] { taken.withLock { $0 } }

    func sender(_ settings: WebhookSender.Settings) -> WebhookSender {
        WebhookSender(settings, http: self)
    }

    func send(_ request: HTTPRequest, completion: @escaping @Sendable (Result<HTTPResponse, HTTPError>) -> Void) {
        taken.withLock { $0.append(request) }
        completion(result)
    }
}

extension HTTPResponse {
    /// A response as the client would return it.
    static func canned(
        _ status: Int,
        fields: [String] = [],
        body: String = "",
        bodyEnd: BodyEnd = .complete
    ) -> HTTPResponse {
        var head = ResponseHead()
        for line in ["HTTP/1.1 \(status) Status"] + fields + [""] {
            head.add(Array("\(line)\r\n".utf8))
        }
        return HTTPResponse(
            status: status,
            head: head,
            body: Array(body.utf8),
            bodyEnd: bodyEnd,
            duration: .milliseconds(250)
        )
    }
}

extension WebhookSender.Settings {
    static let secrets = [
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    ]

    static func test(
        secrets: [String] = [secrets[0]],
        allowHosts: [String] = [],
        timeout: Duration = .seconds(15)
    ) throws -> WebhookSender.Settings {
        WebhookSender.Settings(
            secrets: try secrets.map { try WebhookSecret($0) },
            timeout: timeout,
            caFile: "/etc/refundd/ca.pem",
            policy: try ReceiverPolicy(allowHosts)
        )
    }
}

extension WebhookSender {
    /// Makes one attempt.
    ///
    /// A second call of the completion would trap.
    func attempt(_ delivery: Delivery, at now: Timestamp = .attempt) async -> DeliveryAttempt {
        await withCheckedContinuation { continuation in
            deliver(delivery, at: now) { continuation.resume(returning: $0) }
        }
    }

    /// Makes one attempt that must not be interrupted.
    func outcome(_ delivery: Delivery, at now: Timestamp = .attempt) async -> DeliveryOutcome {
        switch await attempt(delivery, at: now) {
        case .completed(let outcome): return outcome
        case .interrupted:
            Issue.record("the attempt was interrupted")
            return DeliveryOutcome(status: nil, error: nil, retryAfter: nil, answer: [], duration: .zero)
        }
    }
}

extension Delivery {
    static func test(
        _ url: String = "https://hooks.example/refunds",
        id: String = "msg_p5jXN8AQM9LWM0D4loKWxJek"
    ) -> Delivery {
        Delivery(id: id, refundID: 42, url: url, body: Array(#"{"test": 2432232314}"#.utf8), attempts: 0)
    }
}

extension Timestamp {
    static let attempt = Timestamp(milliseconds: 1_614_265_330_999)
}

extension ReceiverPolicy {
    /// Creates a policy from the texts of its entries.
    init(_ allowHosts: [String]) throws {
        self.init(allowHosts: try allowHosts.map { try AllowedHost($0) })
    }
}
