/// A webhook whose turn it is to be sent.
public struct Delivery: Hashable, Sendable {
    /// The `webhook-id`, the same on every retry.
    public var id: String
    /// The refund it tells of, or nil for a gateway's event.
    public var refundID: Int64?
    /// Where it goes.
    public var url: String
    /// The exact bytes to send.
    public var body: [UInt8]
    /// Attempts made before this one.
    public var attempts: Int

    /// Creates a delivery.
    public init(id: String, refundID: Int64?, url: String, body: [UInt8], attempts: Int) {
        self.id = id
        self.refundID = refundID
        self.url = url
        self.body = body
        self.attempts = attempts
    }
}

/// What came of one attempt to deliver a webhook.
public struct DeliveryOutcome: Hashable, Sendable {
    /// How many bytes of a receiver's answer are kept.
    public static let answerLimit = 4_096

    /// The HTTP status, or nil when no answer came.
    public var status: Int?
    /// What went wrong, in words, or nil for success.
    public var error: String?
    /// What the receiver asked us to wait.
    public var retryAfter: Duration?
    /// The first bytes of the answer's body.
    public var answer: [UInt8]
    /// How long the attempt took.
    public var duration: Duration

    /// Whether the receiver took the webhook: any 2xx status and nothing else.
    public var isDelivered: Bool {
        error == nil && (200..<300).contains(status ?? 0)
    }

    /// Whether the receiver wants nothing more at this URL.
    ///
    /// Sources: Standard Webhooks 1.0; RFC 9110, section 15.5.11.
    public var isGone: Bool { status == 410 }

    /// Creates an outcome.
    public init(status: Int?, error: String?, retryAfter: Duration?, answer: [UInt8], duration: Duration) {
        self.status = status
        self.error = error
        self.retryAfter = retryAfter
        self.answer = answer
        self.duration = duration
    }
}
