package import RefundCore

/// One write of a cycle, decided in advance: no write returns a result.
///
/// A store executes writes in order. If the database rejects the batch, the store starts over with one savepoint per
/// write, so that one bad row does not hold up the others.
package struct Write: Sendable {
    /// The action to execute.
    package var action: Action
    /// The action to execute instead if the database rejects the first.
    package var fallback: Action?

    /// The kinds of writes; each maps to a few fixed statements.
    package enum Action: Sendable {
        /// A change of a refund: ledger rows, events, webhooks, and the row itself.
        case change(RefundChange)
        /// A query without news.
        case poll(RefundPoll)
        /// Claims of refunds, until a time.
        case claimRefunds([RefundClaim], until: Timestamp)
        /// The end of a refund's claim, and nothing else.
        case releaseRefund(RefundClaim)
        /// The end of a refund's claim, with the next query at a time.
        case postponeRefund(RefundClaim, until: Timestamp)
        /// The outcome of an attempt to deliver a webhook.
        case attempt(AttemptRecord)
        /// Claims of webhooks, until a time.
        case claimWebhooks([WebhookClaim], until: Timestamp)
        /// The end of a webhook's claim; a webhook that was superseded meanwhile is not sent again.
        case releaseWebhook(WebhookClaim)
        /// The end of a webhook's claim, with the next attempt at a time.
        case postponeWebhook(WebhookClaim, until: Timestamp)
        /// The end of a webhook that will not be sent.
        case killWebhook(id: String, reason: String)
        /// The health of a URL, or nil to forget it.
        case urlHealth(url: String, URLHealth?)
        /// The start of an incident, with its event, or nil for its end.
        case incident(gateway: String, IncidentRecord?)
        /// When a gateway last gave a verified answer, and its last failure.
        case gatewaySeen(gateway: String, GatewaySighting)
        /// A circuit breaker that opened, or nil for one that closed.
        case breaker(BreakerKind, name: String, OpenBreaker?)
        /// Hints that were acted on.
        case deleteHints([Int64])
        /// The proof that commits work, which a heartbeat needs.
        case heartbeat(at: Timestamp)
        /// Moves due times back with a clock that was set back.
        case moveDueTimes(by: Duration, after: Timestamp)

        /// The action itself, or one action for each claim or hint of a batch.
        package var parts: [Action] {
            switch self {
            case .claimRefunds(let claims, let end): claims.map { .claimRefunds([$0], until: end) }
            case .claimWebhooks(let claims, let end): claims.map { .claimWebhooks([$0], until: end) }
            case .deleteHints(let ids): ids.map { .deleteHints([$0]) }
            default: [self]
            }
        }
    }

    /// Creates a write.
    package init(_ action: Action, fallback: Action? = nil) {
        self.action = action
        self.fallback = fallback
    }
}

/// A claim of a refund.
package struct RefundClaim: Hashable, Sendable {
    /// The refund's id.
    package var id: Int64
    /// The number of the claim: writes on its behalf change nothing once the refund has been claimed again.
    package var lease: Int64

    /// Creates a claim.
    package init(id: Int64, lease: Int64) {
        self.id = id
        self.lease = lease
    }
}

/// A claim of a webhook.
package struct WebhookClaim: Hashable, Sendable {
    /// The `webhook-id`.
    package var id: String
    /// The number of the claim: writes on its behalf change nothing once the webhook has been claimed again.
    package var lease: Int64

    /// Creates a claim.
    package init(id: String, lease: Int64) {
        self.id = id
        self.lease = lease
    }
}

/// The change to a refund's row after a query without news.
package struct RefundPoll: Hashable, Sendable {
    /// The refund after the query.
    package var refund: Refund
    /// The number of the claim, which ends.
    package var lease: Int64

    /// Creates a record of a query.
    package init(refund: Refund, lease: Int64) {
        self.refund = refund
        self.lease = lease
    }
}

/// The outcome of an attempt, and the webhook's state after it.
package struct AttemptRecord: Hashable, Sendable {
    /// The webhook as it was claimed.
    package var delivery: Delivery
    /// The outcome.
    package var outcome: DeliveryOutcome
    /// When it was sent.
    package var sentAt: Timestamp
    /// The attempt's effect on the webhook.
    package var result: Result

    /// The effect of an attempt on its webhook.
    package enum Result: Hashable, Sendable {
        /// The receiver accepted it.
        case delivered(at: Timestamp)
        /// It is due for another attempt.
        case retry(at: Timestamp)
        /// A newer event superseded it while it was being sent.
        case superseded
        /// The last retry failed, or the URL is disabled.
        case dead

        /// The webhook's state after it.
        package var state: WebhookState {
            switch self {
            case .delivered: .delivered
            case .retry: .pending
            case .superseded: .superseded
            case .dead: .dead
            }
        }

        /// When the next attempt is due; nil if there is none.
        package var nextAttempt: Timestamp? {
            guard case .retry(let time) = self else { return nil }
            return time
        }

        /// When the receiver accepted it; nil if it did not.
        package var deliveredAt: Timestamp? {
            guard case .delivered(let time) = self else { return nil }
            return time
        }
    }

    /// Creates a record.
    package init(delivery: Delivery, outcome: DeliveryOutcome, sentAt: Timestamp, result: Result) {
        self.delivery = delivery
        self.outcome = outcome
        self.sentAt = sentAt
        self.result = result
    }
}

/// A new incident, with its event.
package struct IncidentRecord: Sendable {
    /// The incident.
    package var incident: GatewayIncident
    /// Its event.
    package var event: EventRecord

    /// Creates a record.
    package init(incident: GatewayIncident, event: EventRecord) {
        self.incident = incident
        self.event = event
    }
}

/// A gateway's last verified answer and last failure.
package struct GatewaySighting: Hashable, Sendable {
    /// When an answer last verified.
    package var lastVerified: Timestamp?
    /// The last failure, in words, and when it happened.
    package var lastError: String?
    package var lastErrorAt: Timestamp?

    /// Creates a sighting.
    package init(lastVerified: Timestamp? = nil, lastError: String? = nil, lastErrorAt: Timestamp? = nil) {
        self.lastVerified = lastVerified
        self.lastError = lastError
        self.lastErrorAt = lastErrorAt
    }

    /// Whether the gateway failed after its last verified answer.
    package var isFailing: Bool {
        guard let lastErrorAt else { return false }
        return lastVerified.map { lastErrorAt > $0 } ?? true
    }
}

/// The peer that a circuit breaker guards.
package enum BreakerKind: String, Sendable {
    /// A gateway, by its name in the configuration.
    case gateway
    /// An endpoint, `scheme://host:port`.
    case endpoint
    /// No breaker, since it holds nothing back: a gateway's lapse, with the number of failed queries as its reason.
    case lapse
}

/// A circuit breaker that is open.
package struct OpenBreaker: Hashable, Sendable {
    /// When it opened.
    package var since: Timestamp
    /// Why it opened, for operators.
    package var reason: String
    /// When the next probe is sent; nil if nothing waits that could be sent, or nobody may send it.
    package var nextProbe: Timestamp?

    /// What a command writes as the time of the next probe, so that it is sent at once.
    package static let atOnce = Timestamp(milliseconds: 0)
    /// Whether a command has asked for a probe, and none has been sent since.
    package var isHastened: Bool { nextProbe == Self.atOnce }

    /// Creates an open breaker.
    package init(since: Timestamp, reason: String, nextProbe: Timestamp? = nil) {
        self.since = since
        self.reason = reason
        self.nextProbe = nextProbe
    }
}
