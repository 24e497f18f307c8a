import RefundAdmin
package import RefundCore
import RefundScheduler
import RefundWebhooks
import Synchronization

/// A receiver of webhooks for trials: verifies and reports each event before it answers.
package struct WebhookListener: Sendable {
    // Looking for a mistake in a large body takes seconds.
    private static let explainedLimit = 65_536
    private static let refusedStatus = 401

    private let trial: ReceiverTrial
    private let status: Int
    private let count: Int?
    private let onEvent: @Sendable (JSONWriter) -> Void
    private let onProblem: @Sendable (String) -> Void

    /// Creates a listener.
    ///
    /// - Parameters:
    ///   - trial: The receiver's secrets.
    ///   - status: The HTTP status for verified events.
    ///   - count: How many verified events to answer before it ends; nil for no end.
    ///   - onEvent: Called with one line of JSON per verified event.
    ///   - onProblem: Called with one line per request that is refused.
    package init(
        _ trial: ReceiverTrial,
        status: Int,
        count: Int?,
        onEvent: @escaping @Sendable (JSONWriter) -> Void,
        onProblem: @escaping @Sendable (String) -> Void
    ) {
        self.trial = trial
        self.status = status
        self.count = count
        self.onEvent = onEvent
        self.onProblem = onProblem
    }

    /// Listens until the task is cancelled, or until enough events were answered.
    ///
    /// - Parameters:
    ///   - address: The host and port to listen on.
    ///   - onListening: Called once with the port.
    /// - Throws: `CommandFailure` if the address cannot be listened on.
    package func run(
        on address: ListenAddress,
        onListening: @escaping @Sendable (Int) -> Void
    ) async throws(CommandFailure) {
        let verified = Mutex(0)
        do throws(AdminError) {
            try await address.servePosts(onListening: onListening) { request in
                // One at a time, so that no event is printed beyond the last one.
                verified.withLock { answer(to: request, &$0) }
            }
        } catch {
            throw CommandFailure(.failed, ["cannot listen on \(address): \(error.reason); give another --listen"])
        }
    }

    private func answer(to request: PostedRequest, _ verified: inout Int) -> PostAnswer {
        if let (status, reason) = request.refusal {
            onProblem("refused a request with \(status): \(reason)")
            return PostAnswer(status: status)
        }
        guard verified < count ?? .max else { return PostAnswer(status: 503) }
        let webhook = CapturedWebhook(headers: request.headers, body: request.body)
        let explains = request.body.count <= Self.explainedLimit
        let check = SignatureCheck(trial, webhook, at: SystemClock().now(), explains: explains)
        guard check.isGenuine else {
            let name = webhook.id?.sanitized(maxLength: 100) ?? "a webhook without id"
            for line in check.lines { onProblem("refused \(name) with \(Self.refusedStatus): \(line)") }
            return PostAnswer(status: Self.refusedStatus)
        }
        onEvent(line(for: webhook))
        verified += 1
        return PostAnswer(status: status, isLast: verified == count)
    }

    private func line(for webhook: CapturedWebhook) -> JSONWriter {
        var json = JSONWriter()
        json.object { json in
            json.string("id", webhook.id)
            json.number("timestamp", webhook.timestamp.flatMap { Int64($0) })
            // As it arrived: an event of refundd's is one line.
            if let body = JSONTree.oneLine(webhook.body) {
                json.raw("event", body)
            } else {
                json.string("body", String(decoding: webhook.body, as: UTF8.self))
            }
        }
        return json
    }
}
