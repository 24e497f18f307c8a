package import RefundCore

/// The input that one cycle of the scheduler asks the store for.
package struct CycleRequest: Sendable {
    /// The time that decides what is due.
    package var now: Timestamp
    /// The refunds whose query results are to be written.
    package var results: [Int64] = []
    /// The webhooks whose attempts ended.
    package var deliveries: [EndedDelivery] = []
    /// Whether the cycle has something to write, whatever the store reads, or surely will have.
    ///
    /// Without it, a store looks first in a read transaction, and locks the queue only if the decision writes anything.
    package var mustWrite = false
    /// The claims to make, or nil while draining.
    package var claims: ClaimRequest?

    /// A webhook whose attempt ended.
    package struct EndedDelivery: Hashable, Sendable {
        /// The `webhook-id`.
        package var id: String
        /// The refund that it reports.
        package var refundID: Int64?
        /// Its URL.
        package var url: String
        /// Whether the receiver accepted it.
        package var isDelivered: Bool

        /// Creates an ended delivery.
        package init(id: String, refundID: Int64?, url: String, isDelivered: Bool) {
            self.id = id
            self.refundID = refundID
            self.url = url
            self.isDelivered = isDelivered
        }
    }

    /// Creates a request that reads nothing.
    package init(now: Timestamp) {
        self.now = now
    }
}

/// The claims that a cycle may make, and the other rows that it looks for.
package struct ClaimRequest: Sendable {
    /// The latest due time that the polling policy can set; a refund beyond it is due now.
    package var latestDue: Timestamp
    /// The latest attempt that the retry schedule can set; a webhook beyond it is due now.
    package var latestAttempt: Timestamp
    /// Refunds enqueued by this time are old enough for attention.
    package var overdueSince: Timestamp
    /// Refunds enqueued by this time are old enough for `refund.delayed`; nil if none ever is.
    package var delayedSince: Timestamp?
    /// The most rows of a kind to read beyond the permits.
    package var batch: Int
    /// How long after a query a hint can bring the next one forward.
    package var hintInterval: Duration
    /// The configured gateways by name.
    package var gateways: [String: GatewayClaim]
    /// Whether to look for refunds of gateways that are not configured.
    package var includesUnknownGateways: Bool
    /// The name after which to continue looking for them.
    package var lastUnknownGateway = ""
    /// The first hint to read, if there are more than one cycle reads.
    package var firstHint: Int64 = 0
    /// The endpoint after which to continue looking for due webhooks, if more are due than one cycle reads; UTF-8.
    package var lastEndpoint: [UInt8] = []
    /// The free slots per endpoint, or nil if no webhook can be signed.
    package var endpoints: EndpointLimiter?
    /// Refunds and webhooks to skip, because the database recently rejected a write to them.
    package var heldRefunds: Set<Int64>
    package var heldWebhooks: Set<String>

    /// The refunds of one gateway that may be claimed.
    package struct GatewayClaim: Hashable, Sendable {
        /// How many queries may be sent now.
        package var permits: Int
        /// For probes: the refunds probed last, so that the next in turn is read; nil while the gateway is healthy.
        package var probe: ProbeTurn?
        /// The merchants served last while more refunds were due than could be queried.
        package var turns = MerchantTurns()
        /// For a probe out of turn: the merchants to skip, by `merchant_no`; an empty one stands for rows without one.
        package var excludedMerchants: Set<String>

        /// Creates a claim.
        package init(permits: Int, probe: ProbeTurn? = nil, excludedMerchants: Set<String> = []) {
            self.permits = permits
            self.probe = probe
            self.excludedMerchants = excludedMerchants
        }
    }

    /// The merchants whose turn was last, by `Refund.merchantKey`.
    package struct MerchantTurns: Hashable, Sendable {
        /// Among refunds that were never queried.
        package var new = ""
        /// Among refunds whose next query is due.
        package var waiting = ""

        /// Begins with the first merchant.
        package init() {}
    }

    /// The turns of probes: merchant after merchant, and refund after refund of each.
    package struct ProbeTurn: Hashable, Sendable {
        /// The merchant that was probed last, or nil before the first probe.
        package var merchant: String?
        /// The refund of each merchant that was probed last.
        package var cursors: [String: ProbeCursor] = [:]

        /// Begins with the first merchant.
        package init() {}
    }

    /// A position in the order of due refunds.
    package struct ProbeCursor: Hashable, Sendable {
        /// The due time of the refund that was probed.
        package var due: Timestamp
        /// Its id.
        package var id: Int64

        /// Creates a cursor.
        package init(due: Timestamp, id: Int64) {
            self.due = due
            self.id = id
        }
    }

    /// Creates a request.
    package init(
        latestDue: Timestamp,
        latestAttempt: Timestamp,
        overdueSince: Timestamp,
        batch: Int,
        hintInterval: Duration,
        gateways: [String: GatewayClaim],
        includesUnknownGateways: Bool,
        endpoints: EndpointLimiter?,
        heldRefunds: Set<Int64> = [],
        heldWebhooks: Set<String> = []
    ) {
        self.latestDue = latestDue
        self.latestAttempt = latestAttempt
        self.overdueSince = overdueSince
        self.batch = batch
        self.hintInterval = hintInterval
        self.gateways = gateways
        self.includesUnknownGateways = includesUnknownGateways
        self.endpoints = endpoints
        self.heldRefunds = heldRefunds
        self.heldWebhooks = heldWebhooks
    }
}
