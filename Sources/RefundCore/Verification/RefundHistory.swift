/// Everything that was written about one refund, as it was found: what is to be checked, and nothing of it believed.
public struct RefundHistory: Sendable {
    /// The row of the queue.
    public var refund: Refund
    /// The ledger, by sequence.
    public var ledger: [LedgerRow]
    /// The events, by position.
    public var events: [LoggedEvent]
    /// The outbox, by sequence.
    public var webhooks: [OutboxRow]

    /// Creates a history.
    public init(refund: Refund, ledger: [LedgerRow], events: [LoggedEvent], webhooks: [OutboxRow]) {
        self.refund = refund
        self.ledger = ledger
        self.events = events
        self.webhooks = webhooks
    }
}

/// A row of the ledger as it was found.
public struct LedgerRow: Hashable, Sendable {
    /// The change's number in the refund's ledger.
    public var sequence: Int64
    /// When it happened.
    public var at: Timestamp
    /// The state before.
    public var from: String
    /// The state after.
    public var to: String
    /// The attention after.
    public var attention: String?
    /// Why, in words.
    public var reason: String?
    /// The `trans_status` that caused it.
    public var transStatus: Int64?
    /// The answer's `code`.
    public var code: String?
    /// The answer's `psn`.
    public var psn: String?
    /// The answer that caused it.
    public var response: [UInt8]?
    /// Who made the change.
    public var actor: String

    /// Creates a row without an answer.
    public init(sequence: Int64, at: Timestamp, from: String, to: String, actor: String) {
        self.sequence = sequence
        self.at = at
        self.from = from
        self.to = to
        self.actor = actor
    }

    /// The final state that the refund enters by this row, or nil.
    var verdict: RefundState? {
        guard from != to, let state = RefundState(rawValue: to), state.isFinal else { return nil }
        return state
    }

    var isByRefundd: Bool { actor == Transition.refundd }

    /// Whether the gateway has confirmed by this row that it knows the refund.
    var isFound: Bool {
        from == RefundState.pending.rawValue && to == RefundState.processing.rawValue
    }
}

/// A row of the event log as it was found.
public struct LoggedEvent: Hashable, Sendable {
    /// Where it stands in the log.
    public var position: Int64
    /// When it happened.
    public var at: Timestamp
    /// What the columns say it is about.
    public var subject: Subject
    /// The webhook that goes out for it, or nil when none does.
    public var webhookID: String?
    /// The body.
    public var body: [UInt8]

    /// What an event is about.
    public struct Subject: Hashable, Sendable {
        /// The type.
        public var type: String
        /// The refund, or nil for a gateway's event.
        public var refundID: Int64?
        /// The row of the ledger that it tells of.
        public var sequence: Int64?
        /// The state after that row.
        public var state: String?

        /// Creates a subject.
        public init(type: String, refundID: Int64?, sequence: Int64?, state: String?) {
            self.type = type
            self.refundID = refundID
            self.sequence = sequence
            self.state = state
        }
    }

    /// Creates an event.
    public init(position: Int64, at: Timestamp, subject: Subject, webhookID: String?, body: [UInt8]) {
        self.position = position
        self.at = at
        self.subject = subject
        self.webhookID = webhookID
        self.body = body
    }
}

/// A webhook of the outbox as it was found, with what its attempts came to.
public struct OutboxRow: Hashable, Sendable {
    /// The `webhook-id`.
    public var id: String
    /// The refund it tells of, or nil for a gateway's event.
    public var refundID: Int64?
    /// The row of the ledger that it tells of.
    public var sequence: Int64?
    /// The event's type.
    public var type: String
    /// The exact bytes to send.
    public var body: [UInt8]
    /// The event's place in the log.
    public var position: Int64
    /// Where it goes.
    public var url: String
    /// The receiver that it counts for.
    public var endpoint: String
    /// `pending`, `delivered`, `dead` or `superseded`.
    public var state = "pending"
    /// The attempts that the row counts.
    public var attempts: Int64 = 0
    /// The attempts that are recorded.
    public var recordedAttempts: Int64 = 0
    /// Whether one of the recorded attempts ended with a 2xx status.
    public var wasTaken = false
    /// When the next attempt is due.
    public var nextAttemptAt: Int64?
    /// When the receiver took it.
    public var deliveredAt: Int64?
    /// Whether an attempt is in flight.
    public var isInFlight = false
    /// Whether a person sent it again, which exempts it from being overtaken.
    public var isRedelivery = false

    /// Creates a webhook that was not sent yet.
    public init(
        id: String,
        refundID: Int64?,
        sequence: Int64?,
        type: String,
        body: [UInt8],
        position: Int64,
        url: String,
        endpoint: String
    ) {
        self.id = id
        self.refundID = refundID
        self.sequence = sequence
        self.type = type
        self.body = body
        self.position = position
        self.url = url
        self.endpoint = endpoint
    }
}
