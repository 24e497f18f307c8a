package import RefundCore
package import RefundHTTP
import Synchronization

/// Sends webhooks: one signed attempt at a time, to receivers that the policy allows.
///
/// Source: Standard Webhooks 1.0
/// (<https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>).
///
/// The transport must serve nothing else: a webhook would reuse another client's connection to the same host and port,
/// which was never vetted. For the same reason, a new ``Settings/policy`` needs a new transport; new secrets and
/// timeouts don't.
package final class WebhookSender: WebhookDelivering {
    /// The settings for all webhooks.
    package struct Settings: Sendable {
        /// The secrets to sign with, in the order of their signatures; without any, nothing is sent.
        package var secrets: [WebhookSecret]
        /// The time limit of an attempt.
        package var timeout: Duration
        /// A PEM file of certificate authorities trusted in addition to the system's.
        package var caFile: String?
        /// The receivers that are allowed.
        package var policy: ReceiverPolicy

        /// Creates settings.
        package init(secrets: [WebhookSecret], timeout: Duration, caFile: String?, policy: ReceiverPolicy) {
            self.secrets = secrets
            self.timeout = timeout
            self.caFile = caFile
            self.policy = policy
        }
    }

    private let http: any HTTPTransport
    private let settings: Settings
    // Most webhooks go to one URL.
    private let lastURL = Mutex<(text: String, url: HTTPURL)?>(nil)

    /// Creates a sender.
    ///
    /// - Parameters:
    ///   - settings: The settings.
    ///   - http: A transport that serves webhooks under this policy and nothing else.
    package init(_ settings: Settings, http: any HTTPTransport) {
        self.settings = settings
        self.http = http
    }

    /// Makes one attempt to deliver a webhook.
    ///
    /// - Parameters:
    ///   - delivery: The webhook.
    ///   - now: The time of this attempt, which is signed.
    ///   - isProbe: Whether to open a new connection, to test the whole path to the receiver.
    ///   - completion: Called exactly once: on the transport's thread, or, if nothing may be sent, on the caller's
    ///     thread before this method returns.
    package func deliver(
        _ delivery: Delivery,
        at now: Timestamp,
        isProbe: Bool = false,
        completion: @escaping @Sendable (DeliveryAttempt) -> Void
    ) {
        let request: HTTPRequest
        do throws(UnsendableWebhook) {
            request = try self.request(for: delivery, at: now, over: isProbe ? .fresh : .any)
        } catch {
            return completion(.completed(DeliveryOutcome(failure: error.reason, duration: .zero)))
        }
        let timeout = settings.timeout
        let start = ContinuousClock.now
        http.send(request) { result in
            switch result {
            case .success(let response): completion(.completed(DeliveryOutcome(response, sentAt: now)))
            case .failure(.interrupted): completion(.interrupted)
            case .failure(let error):
                let failure = DeliveryOutcome.description(of: error, timeout: timeout)
                completion(.completed(DeliveryOutcome(failure: failure, duration: start.duration(to: .now))))
            }
        }
    }

    private func request(
        for delivery: Delivery,
        at now: Timestamp,
        over connection: HTTPRequest.Connection
    ) throws(UnsendableWebhook) -> HTTPRequest {
        guard !settings.secrets.isEmpty else {
            throw UnsendableWebhook(reason: "no webhook secret is configured; set [webhook] secret_files")
        }
        // With a dot in the id, one signed text could be read in two ways (Standard Webhooks, "Signature scheme").
        guard !delivery.id.isEmpty, delivery.id.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != 0x2E }) else {
            throw UnsendableWebhook(reason: "the webhook's id is not visible ASCII without dots")
        }
        let url = try allowedURL(delivery.url)
        let policy = settings.policy
        let timestamp = String(now.milliseconds / 1_000)
        let signature = WebhookSignature.header(
            id: delivery.id,
            timestamp: timestamp,
            body: delivery.body,
            secrets: settings.secrets
        )
        return HTTPRequest(
            url: delivery.url,
            headers: [
                ("Content-Type", "application/json"),
                ("webhook-id", delivery.id),
                ("webhook-timestamp", timestamp),
                ("webhook-signature", signature),
            ],
            body: delivery.body,
            timeout: settings.timeout,
            responseLimit: .keepFirst(DeliveryOutcome.answerLimit),
            caFile: settings.caFile,
            connection: connection,
            vetAddress: { bytes, port in
                guard let address = IPAddress(bytes: bytes) else { return "refused an address of an unknown kind" }
                return policy.refusal(of: address, port: port, for: url)
            }
        )
    }

    private func allowedURL(_ text: String) throws(UnsendableWebhook) -> HTTPURL {
        if let last = lastURL.withLock({ $0 }), last.text.hasSameBytes(as: text) { return last.url }
        let url: HTTPURL
        do throws(HTTPURLError) {
            url = try HTTPURL(text)
        } catch {
            throw UnsendableWebhook(reason: error.description)
        }
        if let refusal = settings.policy.refusal(of: url) { throw UnsendableWebhook(reason: refusal) }
        lastURL.withLock { $0 = (text, url) }
        return url
    }
}

/// Why an attempt failed before anything was sent.
private struct UnsendableWebhook: Error {
    var reason: String
}
