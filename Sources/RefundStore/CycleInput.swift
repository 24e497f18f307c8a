package import RefundCore

/// A refund as stored in the queue, with the numbers that fence and order writes to it.
package struct QueuedRefund: Hashable, Sendable {
    /// The row.
    package var refund: Refund
    /// The number of its latest claim.
    package var lease: Int64
    /// The sequence of its latest ledger row, 0 if it has none.
    package var lastSequence: Int
    /// The number of its dead webhooks; counted only if the refund needs attention or one of its deliveries just ended.
    package var deadWebhooks: Int

    /// Creates a row.
    package init(_ refund: Refund, lease: Int64 = 0, lastSequence: Int = 0, deadWebhooks: Int = 0) {
        self.refund = refund
        self.lease = lease
        self.lastSequence = lastSequence
        self.deadWebhooks = deadWebhooks
    }
}

/// The rows that a cycle read in one transaction.
package struct CycleInput: Sendable {
    /// The daemons that serve the queue.
    package var fleet = Fleet()
    /// What daemons have found out about gateways; nil if no other daemon can serve the queue.
    package var shared: SharedHealth?
    /// The current rows of the request's results.
    package var results: [Int64: QueuedRefund] = [:]
    /// The failed webhooks that a newer event supersedes.
    package var superseded: Set<String> = []
    /// The health of the URLs of ended deliveries; a URL without failures has none.
    package var urlHealth: [String: URLHealth] = [:]
    /// The refunds of ended deliveries whose attention may change: those with a failed webhook, and undeliverable ones.
    package var deliveryRefunds: [Int64: QueuedRefund] = [:]
    /// The gateways and endpoints that are paused: nothing that is due there is read.
    package var pauses: [Peer: Pause] = [:]
    /// The due refunds of each requested gateway and of each unknown one.
    package var gateways: [String: DueRefunds] = [:]
    /// The last unknown gateway that was looked at, if there may be more behind it.
    package var lastUnknownGateway: String?
    /// Refunds that reached the age for attention, oldest first.
    package var overdue: [QueuedRefund] = []
    /// When the oldest of the other refunds that may become overdue was enqueued.
    package var nextOverdue: Timestamp?
    /// Refunds that reached the age for `refund.delayed` and were not reported, oldest first.
    package var delayed: [QueuedRefund] = []
    /// When the oldest of the other refunds that were not reported was enqueued.
    package var nextDelayed: Timestamp?
    /// Endpoints with due webhooks, the longest due first.
    package var endpoints: [DueEndpoint] = []
    /// When the next webhook that is not due yet becomes due.
    package var nextAttempt: Timestamp?
    /// Whether more webhooks are due than a cycle reads, so that endpoints take turns.
    package var hasManyDueWebhooks = false
    /// With many due webhooks, the last endpoint that was looked at, if there are others behind it; UTF-8.
    package var lastEndpoint: [UInt8]?
    /// The webhooks that wait because none can be signed.
    package var unsignedWebhooks = 0
    /// Refunds whose claim has expired, with the claim's number.
    package var expiredRefunds: [Int64: Int64] = [:]
    /// Webhooks whose claim has expired, with the claim's number.
    package var expiredWebhooks: [String: Int64] = [:]
    /// Hints that bring nothing forward, such as those for final refunds, which can be deleted.
    package var spentHints: [Int64] = []
    /// The hint with which to go on, if there are more than one cycle reads.
    package var nextHint: Int64?

    /// Creates an empty input.
    package init() {}

    /// Whether the latest verdicts go before older webhooks of the same endpoint.
    ///
    /// A bulk command's webhooks hold up no verdict. In every other second age alone decides, so neither do verdicts.
    package func sendsVerdictsFirst(at now: Timestamp) -> Bool {
        hasManyDueWebhooks && now.milliseconds / 1_000 % 2 == 0
    }

    /// Adds a refund that hints mean, or notes when they can bring its query forward.
    ///
    /// A hint brings a query forward at most once per initial interval; a due refund it moves to the front.
    package mutating func add(_ hinted: DueRefunds.Hinted, _ claims: ClaimRequest, at now: Timestamp) {
        let refund = hinted.refund.refund
        guard !claims.heldRefunds.contains(refund.id), let claim = claims.gateways[refund.gateway] else { return }
        let earliest = refund.lastQueryAt?.advanced(by: claims.hintInterval) ?? now
        let isEarly = earliest > now && earliest <= now.advanced(by: claims.hintInterval)
        if isEarly, refund.nextQueryAt ?? now > now {
            let next = gateways[refund.gateway]?.next
            gateways[refund.gateway]?.next = min(next ?? earliest, earliest)
        } else if claim.permits > 0, claim.excludedMerchants.isEmpty {
            gateways[refund.gateway]?.hinted.append(hinted)
        } else {
            gateways[refund.gateway]?.next = now
        }
    }
}

/// The daemons that serve a queue together, as one of them sees them.
package struct Fleet: Hashable, Sendable {
    /// How many there are, this one included; they share every limit.
    package var count = 1
    /// Whether this one does what only one of them need do.
    package var isLeader = true

    /// Creates a fleet of one.
    package init() {}
}

/// What the daemons of a queue have found out about gateways; what they have about endpoints, `DueEndpoint` says.
package struct SharedHealth: Hashable, Sendable {
    /// The current incidents, by gateway.
    package var incidents: [String: GatewayIncident] = [:]
    /// The open circuit breakers, by gateway.
    package var breakers: [String: OpenBreaker] = [:]

    /// Creates the health of gateways that all answer.
    package init() {}
}

/// The due refunds of one gateway.
package struct DueRefunds: Hashable, Sendable {
    /// Refunds that an operator or the application wants queried now, with their hints.
    package var hinted: [Hinted] = []
    /// Refunds that were never queried, in the order they were enqueued.
    package var new: [QueuedRefund] = []
    /// Refunds whose next query is due, longest due first.
    package var waiting: [QueuedRefund] = []
    /// How merchants take turns in each of the two; nil if no turns are needed: one merchant's refunds are due, or few.
    package var newTurn: Turn?
    package var waitingTurn: Turn?
    /// When the earliest of the other refunds is due, even in the past; nil if there is none.
    package var next: Timestamp?

    /// The turns of merchants in a list of refunds.
    package struct Turn: Hashable, Sendable {
        /// How many refunds at the list's beginning are those of merchants in turn.
        package var count: Int
        /// The merchant that was looked at last.
        package var examined: String

        /// Creates turns.
        package init(count: Int, examined: String) {
            self.count = count
            self.examined = examined
        }
    }

    /// A refund with the hints for it.
    package struct Hinted: Hashable, Sendable {
        /// The refund.
        package var refund: QueuedRefund
        /// The ids of its hints.
        package var hints: [Int64]

        /// Creates a hinted refund.
        package init(refund: QueuedRefund, hints: [Int64]) {
            self.refund = refund
            self.hints = hints
        }
    }

    /// Creates an empty collection.
    package init() {}

    /// Puts refunds of merchants in turn before those that have been due longest.
    ///
    /// - Parameters:
    ///   - rows: The refunds that have been due longest.
    ///   - merchants: The merchants that have their turn now.
    ///   - limit: The most refunds to keep.
    ///   - examined: The merchant that was looked at last.
    ///   - read: Reads as many of each merchant's refunds as its share, longest due first.
    /// - Returns: The turns; nil if all the refunds are one merchant's.
    /// - Throws: What `read` throws.
    package static func takeTurns(
        _ rows: inout [QueuedRefund],
        of merchants: [String],
        limit: Int,
        examined: String?,
        _ read: (_ share: Int) throws -> [[QueuedRefund]]
    ) rethrows -> Turn? {
        if merchants.count == 1, rows.allSatisfy({ $0.refund.merchantKey == merchants[0] }) { return nil }
        let share = merchants.isEmpty ? 0 : (limit + merchants.count - 1) / merchants.count
        let lists = try read(share)
        let turns = Array(
            (0..<share).flatMap { round in lists.compactMap { round < $0.count ? $0[round] : nil } }.prefix(limit)
        )
        let ids = Set(turns.map(\.refund.id))
        rows = turns + rows.filter { !ids.contains($0.refund.id) }.prefix(limit - turns.count)
        return Turn(count: turns.count, examined: examined ?? "")
    }
}

/// The due webhooks of one endpoint.
package struct DueEndpoint: Hashable, Sendable {
    /// `scheme://host:port`.
    package var endpoint: String
    /// The due webhooks, as many as may be sent, longest due first, one per refund; their `lease` is the last claim's.
    package var deliveries: [Delivery] = []
    /// Due webhooks whose URL is disabled, with the reason.
    package var disabled: [Disabled] = []
    /// Whether more webhooks to disabled URLs are due than the cycle read.
    package var hasMore = false
    /// Its open circuit breaker, as daemons and commands have recorded it.
    package var breaker: OpenBreaker?
    /// Whether a probe is due, but another daemon is about to send it.
    package var isProbedElsewhere = false

    /// A webhook whose URL is disabled.
    package struct Disabled: Hashable, Sendable {
        /// The webhook.
        package var delivery: Delivery
        /// Why it is not sent.
        package var reason: String
        /// The refund that it reports, or nil.
        package var refund: QueuedRefund?

        /// Creates a disabled webhook.
        package init(delivery: Delivery, reason: String, refund: QueuedRefund?) {
            self.delivery = delivery
            self.reason = reason
            self.refund = refund
        }
    }

    /// Creates an endpoint without webhooks.
    package init(endpoint: String) {
        self.endpoint = endpoint
    }
}
