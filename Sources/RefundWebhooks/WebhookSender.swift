package import RefundCore
package import RefundHTTP

/// The sender of webhooks: one signed attempt at a time, to where the policy allows it.
///
/// Source: Standard Webhooks 1.0
/// (<https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>).
///
/// Its HTTP client must serve nothing else: a connection that another user of the client has opened was not vetted,
/// and would be used again for a webhook to the same host and port. For the same reason a changed
/// ``Settings/policy`` needs a new client; changed secrets and timeouts don't.
package final class WebhookSender: Sendable {
    /// What is configured for all webhooks.
    package struct Settings: Sendable {
        /// The secrets to sign with, in the order of their signatures; without any, nothing is sent.
        package var secrets: [WebhookSecret]
        /// The time that an attempt may take as a whole.
        package var timeout: Duration
        /// The PEM file of certificate authorities trusted beside those of the system.
        package var caFile: String?
        /// The rule which receivers are allowed.
        package var policy: ReceiverPolicy

        /// Creates settings.
        package init(secrets: [WebhookSecret], timeout: Duration, caFile: String?, policy: ReceiverPolicy) {
            self.secrets = secrets
            self.timeout = timeout
            self.caFile = caFile
            self.policy = policy
        }
    }

    /// How a request is sent: the method of `HTTPClient`, or a script of a test.
    package typealias Send =
        @Sendable (HTTPRequest, @escaping @Sendable (Result<HTTPResponse, HTTPError>) -> Void) -> Void

    private let sendRequest: Send
    private let settings: Settings

    /// Creates a sender.
    ///
    /// - Parameters:
    ///   - client: A client that serves webhooks under this policy and nothing else.
    ///   - settings: What is configured.
    package convenience init(client: HTTPClient, settings: Settings) {
        self.init(settings: settings) { request, completion in
            client.send(request, completion: completion)
        }
    }

    /// Creates a sender over anything that takes requests.
    package init(settings: Settings, sendRequest: @escaping Send) {
        self.settings = settings
        self.sendRequest = sendRequest
    }

    /// Makes one attempt to deliver a webhook.
    ///
    /// - Parameters:
    ///   - delivery: The webhook.
    ///   - now: The time of this attempt, which is signed.
    ///   - completion: Is called exactly once with what came of the attempt: on the HTTP client's thread, or, when
    ///     nothing may be sent, on this one before the function returns.
    package func send(
        _ delivery: Delivery,
        at now: Timestamp,
        completion: @escaping @Sendable (DeliveryOutcome) -> Void
    ) {
        let request: HTTPRequest
        do throws(UnsendableWebhook) {
            request = try self.request(for: delivery, at: now)
        } catch {
            return completion(DeliveryOutcome(failure: error.reason, duration: .zero))
        }
        let timeout = settings.timeout
        let start = ContinuousClock.now
        sendRequest(request) { result in
            switch result {
            case .success(let response):
                completion(DeliveryOutcome(response, sentAt: now))
            case .failure(let error):
                let failure = DeliveryOutcome.words(for: error, timeout: timeout)
                completion(DeliveryOutcome(failure: failure, duration: start.duration(to: .now)))
            }
        }
    }

    /// Names the endpoint behind a URL, so that one receiver cannot hold up another.
    ///
    /// - Parameter url: The URL of a webhook.
    /// - Returns: `scheme://host:port` in one spelling, or a constant for a text that is not a URL. Never user info, a
    ///   path, a query or a fragment, since endpoints are logged.
    package static func endpoint(of url: String) -> String {
        HTTPURL.endpoint(of: url)
    }

    private func request(for delivery: Delivery, at now: Timestamp) throws(UnsendableWebhook) -> HTTPRequest {
        guard !settings.secrets.isEmpty else {
            throw UnsendableWebhook(reason: "no webhook secret is configured; set [webhook] secret_files")
        }
        // A dot in it would let one signed text be read in two ways (Standard Webhooks, "Signature scheme").
        guard !delivery.id.isEmpty, delivery.id.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != 0x2E }) else {
            throw UnsendableWebhook(reason: "the webhook's id is not visible ASCII without dots")
        }
        let url: HTTPURL
        do throws(HTTPURLError) {
            url = try HTTPURL(delivery.url)
        } catch {
            throw UnsendableWebhook(reason: error.description)
        }
        let policy = settings.policy
        if let refusal = policy.refusal(of: url) { throw UnsendableWebhook(reason: refusal) }
        let seconds = now.milliseconds / 1_000
        let signature = WebhookSignature.header(
            id: delivery.id,
            seconds: seconds,
            body: delivery.body,
            secrets: settings.secrets
        )
        return HTTPRequest(
            url: delivery.url,
            headers: [
                ("Content-Type", "application/json"),
                ("webhook-id", delivery.id),
                ("webhook-timestamp", String(seconds)),
                ("webhook-signature", signature),
            ],
            body: delivery.body,
            timeout: settings.timeout,
            responseLimit: .keepFirst(DeliveryOutcome.answerLimit),
            caFile: settings.caFile,
            vetAddress: { bytes, port in
                guard let address = IPAddress(bytes: bytes) else { return "refused an address that is no IP address" }
                return policy.refusal(of: address, port: port, for: url)
            }
        )
    }
}

/// Why an attempt failed before anything was sent.
private struct UnsendableWebhook: Error {
    var reason: String
}
