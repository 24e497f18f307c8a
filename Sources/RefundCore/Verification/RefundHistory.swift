/// Everything stored about one refund, unchecked.
package struct RefundHistory: Sendable {
    /// The row of the queue.
    package var refund: Refund
    /// The ledger, by sequence.
    package var ledger: [LedgerRow]
    /// The events, by position.
    package var events: [LoggedEvent]
    /// The outbox, by sequence.
    package var webhooks: [OutboxRow]

    /// Creates a history.
    package init(refund: Refund, ledger: [LedgerRow], events: [LoggedEvent], webhooks: [OutboxRow]) {
        self.refund = refund
        self.ledger = ledger
        self.events = events
        self.webhooks = webhooks
    }
}

/// A row of the ledger as stored.
package struct LedgerRow: Hashable, Sendable {
    /// The row's id, 0 for one that is not stored.
    package var id: Int64 = 0
    /// The refund's id, 0 for a row that is not stored.
    package var refundID: Int64 = 0
    /// The change's number in the refund's ledger.
    package var sequence: Int64
    /// When it happened.
    package var at: Timestamp
    /// The state before.
    package var from: String
    /// The state after.
    package var to: String
    /// The attention after.
    package var attention: String?
    /// The reason in words.
    package var reason: String?
    /// The gateway's numeric status in the answer that caused it.
    package var transStatus: Int64?
    /// The gateway's verdict that caused it.
    package var verdict: String?
    /// The answer's `code`.
    package var code: String?
    /// The answer's `psn`.
    package var psn: String?
    /// The answer that caused it.
    package var response: [UInt8]?
    /// Who made the change.
    package var actor: String
    /// When the row's refund was enqueued.
    package var enqueuedAt: Timestamp?
    /// The number of the row's refund.
    package var number: String?

    /// Creates a row without an answer.
    package init(sequence: Int64, at: Timestamp, from: String, to: String, actor: String) {
        self.sequence = sequence
        self.at = at
        self.from = from
        self.to = to
        self.actor = actor
    }

    /// The final state that the refund enters in this row, or nil.
    var finalState: RefundState? {
        guard from != to, let state = RefundState(rawValue: to), state.isFinal else { return nil }
        return state
    }

    var isByRefundd: Bool { actor == Transition.refundd }

    /// Whether the row flags the refund because the gateway refused it or its merchant: it has a code without an answer.
    var isRefusal: Bool {
        from == to && attention == Attention.misconfigured.rawValue && code != nil && response == nil && isByRefundd
    }

    /// Whether the row records that the gateway has found the refund.
    var isFound: Bool {
        from == RefundState.pending.rawValue && to == RefundState.processing.rawValue
    }
}

/// A row of the event log as stored.
package struct LoggedEvent: Hashable, Sendable {
    /// Its position in the log.
    package var position: Int64
    /// When it happened.
    package var at: Timestamp
    /// Its subject, as the columns record it.
    package var subject: Subject
    /// Its webhook, if any.
    package var webhookID: String?
    /// The body.
    package var body: [UInt8]
    /// Whether retention has emptied the body.
    package var isPruned = false

    /// The subject of an event.
    package struct Subject: Hashable, Sendable {
        /// The type.
        package var type: String
        /// The refund; nil for a gateway's event.
        package var refundID: Int64?
        /// The row of the ledger that it reports.
        package var sequence: Int64?
        /// The state after that row.
        package var state: String?

        /// Creates a subject.
        package init(type: String, refundID: Int64?, sequence: Int64?, state: String?) {
            self.type = type
            self.refundID = refundID
            self.sequence = sequence
            self.state = state
        }
    }

    /// Creates an event.
    package init(position: Int64, at: Timestamp, subject: Subject, webhookID: String?, body: [UInt8]) {
        self.position = position
        self.at = at
        self.subject = subject
        self.webhookID = webhookID
        self.body = body
    }
}

/// A webhook of the outbox as stored, with a summary of its attempts.
package struct OutboxRow: Hashable, Sendable {
    /// The `webhook-id`.
    package var id: String
    /// The refund; nil for a gateway's event.
    package var refundID: Int64?
    /// The row of the ledger that it reports.
    package var sequence: Int64?
    /// The event's type.
    package var type: String
    /// The exact bytes of the body.
    package var body: [UInt8]
    /// The event's position in the log.
    package var position: Int64
    /// The URL.
    package var url: String
    /// The endpoint.
    package var endpoint: String
    /// `pending`, `delivered`, `dead` or `superseded`.
    package var state = "pending"
    /// The number of attempts in the row.
    package var attempts: Int64 = 0
    /// The number of recorded attempts.
    package var recordedAttempts: Int64 = 0
    /// Whether a recorded attempt got a 2xx status.
    package var wasAccepted = false
    /// When the next attempt is due.
    package var nextAttemptAt: Int64?
    /// When it was delivered.
    package var deliveredAt: Int64?
    /// Whether an attempt is in flight.
    package var isInFlight = false
    /// Whether an operator requested its redelivery, which exempts it from being superseded.
    package var isRedelivery = false
    /// Whether retention has removed its body and attempts.
    package var isPruned = false

    /// Creates a webhook without attempts.
    package init(
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
