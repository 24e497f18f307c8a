package import RefundCore

/// An endpoint that has not accepted any of the webhooks that wait for it, although they were sent.
///
/// Its breaker opens only after many failures; a shop with few refunds a day needs an operator long before.
package struct EndpointRefusal: Hashable, Sendable {
    /// How long an endpoint may refuse everything; a receiver's restart takes no longer.
    package static let patience: Duration = .seconds(60)
    /// The most waiting webhooks that are counted, over all endpoints.
    package static let counted = 1_000

    /// Scheme, host and port.
    package var endpoint: String
    /// When the first of the attempts failed; none has succeeded since.
    package var since: Timestamp
    /// The number of attempts since then.
    package var attempts: Int
    /// Why the last one failed.
    package var reason: String
    /// The first bytes of the receiver's last response; nil if there was none.
    package var answer: [UInt8]?
    /// How many webhooks wait for the endpoint; ``counted`` stands for that many or more.
    package var waiting: Int
    /// When the next of them is sent; nil if that is unknown.
    package var next: Timestamp?

    /// Whether it has lasted longer than a receiver's restart.
    package func isLasting(at now: Timestamp) -> Bool { now.duration(since: since) >= Self.patience }

    /// Creates a description.
    package init(
        endpoint: String,
        since: Timestamp,
        attempts: Int,
        reason: String,
        answer: [UInt8]? = nil,
        waiting: Int,
        next: Timestamp? = nil
    ) {
        self.endpoint = endpoint
        self.since = since
        self.attempts = attempts
        self.reason = reason
        self.answer = answer
        self.waiting = waiting
        self.next = next
    }
}

/// Webhooks that failed before and wait for their retry, at endpoints that accept webhooks.
package struct WaitingRetries: Hashable, Sendable {
    /// How many there are; the search is bounded, so that among many thousands some may be missed.
    package var count = 0
    /// When the last of them is sent; nil without any.
    package var last: Timestamp?

    /// Creates an empty list.
    package init() {}
}
