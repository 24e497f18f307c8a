/// A webhook that is due, as it is claimed and sent.
package struct Delivery: Hashable, Sendable {
    /// The position of its event, which orders the outbox.
    package var position: Int64
    /// The `webhook-id`, the same on every retry.
    package var id: String
    /// The refund that it reports, or nil for a gateway's event.
    package var refundID: Int64?
    /// The refund's order number, else its `trans_no`, for logs; nil for a gateway's event.
    package var order: String?
    /// The receiver's URL.
    package var url: String
    /// The receiver's `scheme://host:port`, the key for limits and circuit breakers.
    package var endpoint: String
    /// The exact bytes to send.
    package var body: [UInt8]
    /// Attempts made before this one.
    package var attempts: Int
    /// The number of the claim.
    package var lease: Int64
    /// Whether the attempt probes an endpoint that failed.
    package var isProbe = false

    /// Creates a delivery.
    package init(
        position: Int64 = 0,
        id: String,
        refundID: Int64?,
        order: String? = nil,
        url: String,
        endpoint: String = "",
        body: [UInt8],
        attempts: Int,
        lease: Int64 = 0
    ) {
        self.position = position
        self.id = id
        self.refundID = refundID
        self.order = order
        self.url = url
        self.endpoint = endpoint
        self.body = body
        self.attempts = attempts
        self.lease = lease
    }
}

/// Delivers webhooks, one signed attempt at a time.
package protocol WebhookDelivering: Sendable {
    /// Makes one attempt.
    ///
    /// - Parameters:
    ///   - delivery: The webhook.
    ///   - now: The time of the attempt, which is signed.
    ///   - isProbe: Whether the attempt probes an endpoint that failed; a probe uses a fresh connection.
    ///   - completion: Called once, on any thread.
    func deliver(
        _ delivery: Delivery,
        at now: Timestamp,
        isProbe: Bool,
        completion: @escaping @Sendable (DeliveryAttempt) -> Void
    )
}

/// How an attempt to deliver a webhook ended.
package enum DeliveryAttempt: Hashable, Sendable {
    /// The receiver answered, or the attempt failed.
    case completed(DeliveryOutcome)
    /// The sender shut down first; the attempt does not count.
    case interrupted
}

/// The outcome of one attempt to deliver a webhook.
package struct DeliveryOutcome: Hashable, Sendable {
    /// The number of bytes kept of a receiver's response.
    package static let answerLimit = 4_096

    /// The HTTP status, or nil if no response arrived.
    package var status: Int?
    /// The error, or nil for success.
    package var error: String?
    /// How long the receiver asked us to wait.
    package var retryAfter: Duration?
    /// The first bytes of the response's body.
    package var answer: [UInt8]
    /// How long the attempt took.
    package var duration: Duration

    /// Whether the receiver accepted the webhook: any 2xx status and nothing else.
    package var isDelivered: Bool {
        error == nil && (200..<300).contains(status ?? 0)
    }

    /// Whether the receiver wants no more webhooks at this URL.
    ///
    /// Sources: Standard Webhooks 1.0; RFC 9110, section 15.5.11.
    package var isGone: Bool { status == 410 }

    /// Creates an outcome.
    package init(status: Int?, error: String?, retryAfter: Duration?, answer: [UInt8], duration: Duration) {
        self.status = status
        self.error = error
        self.retryAfter = retryAfter
        self.answer = answer
        self.duration = duration
    }
}

/// The states of a webhook.
package enum WebhookState: String, Sendable, CaseIterable {
    /// To be sent, for the first time or again.
    case pending
    /// The receiver accepted it.
    case delivered
    /// Retries are over; only an operator can have it sent again.
    case dead
    /// A newer event of its refund replaced it before the receiver accepted it.
    case superseded
}
