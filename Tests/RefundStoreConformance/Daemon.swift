package import RefundCore
package import RefundStore
import RefundTestSupport

/// The time at which things happen in tests of stores; refunds are enqueued at the time of the machine's clock.
package let now = Timestamp(milliseconds: 2_000_000_000_000)

/// The time so many seconds after `now`.
package func later(_ seconds: Int) -> Timestamp { now.advanced(by: .seconds(seconds)) }

extension ClaimRequest {
    /// Creates a request with the bounds of the default configuration, to which no refund is overdue.
    package init(at time: Timestamp = now, _ gateways: [String: GatewayClaim], endpoints: EndpointLimiter? = nil) {
        self.init(
            latestDue: time.advanced(by: .seconds(3_960)),
            latestAttempt: time.advanced(by: .seconds(95_040)),
            overdueSince: Timestamp(milliseconds: 0),
            batch: 256,
            hintInterval: .seconds(5),
            gateways: gateways,
            includesUnknownGateways: false,
            endpoints: endpoints
        )
    }
}

/// What the daemon does with a store, step by step.
package struct Daemon {
    package static let defaultURL = "https://hooks.example/in"

    let fixture: any StoreFixture
    var store: any QueueStore { fixture.store }

    package init(_ fixture: any StoreFixture) {
        self.fixture = fixture
    }

    package func context(url: String? = defaultURL, events: Set<EventType> = Set(EventType.allCases)) -> EventContext {
        let routing = WebhookRouting(defaultURL: url, events: events) { url in
            url.split(separator: "/").dropFirst().first.map(String.init) ?? ""
        }
        return EventContext(routing: routing, merchantNumbers: ["default": "3121"])
    }

    package func row(_ id: Int64) throws -> QueuedRefund {
        guard let row = try store.read({ tx throws(StoreError) in try tx.refund(id: id) }) else { throw NoSuchRow() }
        return row
    }

    /// A change that follows from an event.
    package func change(
        of row: QueuedRefund,
        isOld: Bool = false,
        url: String? = defaultURL,
        events: Set<EventType> = Set(EventType.allCases),
        _ event: (inout RefundStateMachine) -> [Transition]
    ) -> RefundChange {
        var policy = PollingPolicy()
        policy.attentionAfter = .seconds(isOld ? -1_000_000_000_000 : 1_000_000_000_000)
        var machine = RefundStateMachine(row.refund, policy: policy)
        let transitions = event(&machine)
        var random = SplitMix64(seed: UInt64(row.refund.id) << 32 | UInt64(row.lastSequence))
        return RefundChange(
            machine.refund,
            transitions,
            on: row,
            endsLease: true,
            context(url: url, events: events),
            using: &random
        )
    }

    /// Lets something happen to a refund, and writes what follows.
    @discardableResult
    package func happen(
        to id: Int64,
        isOld: Bool = false,
        url: String? = defaultURL,
        events: Set<EventType> = Set(EventType.allCases),
        _ event: (inout RefundStateMachine) -> [Transition]
    ) throws -> RefundChange {
        let change = change(of: try row(id), isOld: isOld, url: url, events: events, event)
        try write(.change(change))
        return change
    }

    /// Executes writes in one cycle.
    @discardableResult
    package func write(_ actions: Write.Action...) throws -> [Rejection] { try write(actions) }

    /// Executes writes in one cycle.
    package func write(_ actions: [Write.Action]) throws -> [Rejection] {
        var request = CycleRequest(now: now)
        request.mustWrite = true
        return try store.cycle(request) { _ in actions.map { Write($0) } }
    }

    // MARK: - Reading

    /// What a cycle reads.
    func input(_ request: CycleRequest) throws -> CycleInput {
        var input = CycleInput()
        _ = try store.cycle(request) { read in
            input = read
            return []
        }
        return input
    }

    /// What a cycle reads that may claim.
    package func claims(
        at time: Timestamp = now,
        permits: Int = 100,
        probe: ClaimRequest.ProbeTurn? = nil,
        _ change: (inout ClaimRequest) -> Void = { _ in }
    ) throws -> CycleInput {
        var limiter = EndpointLimiter(capacity: 1_000)
        // An endpoint that accepted a webhook has room for many.
        for endpoint in ["hooks.example", "a.example", "b.example"] {
            limiter.started(endpoint, at: time)
            _ = limiter.ended(endpoint, "msg", .accepted, at: time)
        }
        var request = CycleRequest(now: time)
        var claims = ClaimRequest(at: time, ["default": .init(permits: permits, probe: probe)], endpoints: limiter)
        claims.includesUnknownGateways = true
        change(&claims)
        request.claims = claims
        return try input(request)
    }

    /// The due refunds of a gateway, those that were never queried first.
    package func due(_ gateway: String = "default", at time: Timestamp = now, permits: Int = 100) throws -> [Int64] {
        let due = try claims(at: time, permits: permits).gateways[gateway] ?? DueRefunds()
        return (due.hinted.map(\.refund) + due.new + due.waiting).map(\.refund.id)
    }

    // MARK: - Webhooks

    /// Claims the due webhooks of an endpoint.
    package func claim(_ endpoint: String = "hooks.example", at time: Timestamp = now) throws -> [Delivery] {
        let due = try claims(at: time).endpoints.first { $0.endpoint == endpoint }?.deliveries ?? []
        let claimed = due.map { delivery in
            var delivery = delivery
            delivery.lease += 1
            return delivery
        }
        if !claimed.isEmpty {
            let claims = claimed.map { WebhookClaim(id: $0.id, lease: $0.lease) }
            try write(.claimWebhooks(claims, until: time.advanced(by: .seconds(75))))
        }
        return claimed
    }

    /// Ends an attempt.
    ///
    /// - Parameters:
    ///   - delivery: The webhook as it was claimed.
    ///   - outcome: How the attempt ended.
    ///   - time: When it ended.
    ///   - retryAt: When to retry a failed attempt, or nil if it was the last.
    /// - Throws: `StoreError`.
    package func finish(
        _ delivery: Delivery,
        _ outcome: DeliveryOutcome,
        at time: Timestamp = now,
        retryAt: Timestamp? = nil
    ) throws {
        var request = CycleRequest(now: time)
        request.mustWrite = true
        request.deliveries = [
            .init(
                id: delivery.id,
                refundID: delivery.refundID,
                url: delivery.url,
                isDelivered: outcome.isDelivered
            )
        ]
        _ = try store.cycle(request) { input in
            let result: AttemptRecord.Result =
                if outcome.isDelivered { .delivered(at: time) } else if input.superseded.contains(delivery.id) {
                    .superseded
                } else {
                    retryAt.map { .retry(at: $0) } ?? .dead
                }
            return [
                Write(.attempt(AttemptRecord(delivery: delivery, outcome: outcome, sentAt: time, result: result)))
            ]
        }
    }

    /// The types and states of all webhooks, in order.
    func webhooks() throws -> [String] {
        try fixture.rows("SELECT type, state FROM refund_webhooks ORDER BY created_at, sequence").map { row in
            row.map { $0?.replacing("refund.", with: "") ?? "" }.joined(separator: " ")
        }
    }

    struct NoSuchRow: Error {}
}

extension RefundStateMachine {
    /// A query was answered with this verdict.
    package mutating func answered(_ verdict: GatewayVerdict, at time: Timestamp = now) -> [Transition] {
        queryAnswered(.says(GatewayReport(verdict)), sentAt: time, at: time, draw: 0.5)
    }

    /// The gateway does not know the refund.
    mutating func unknown(at time: Timestamp = now) -> [Transition] {
        let evidence = Evidence(code: "1", psn: "P-1", response: Array(#"{"code":"1"}"#.utf8))
        return queryAnswered(.notFound(message: "none", evidence), sentAt: time, at: time, draw: 0.5)
    }
}

extension QueryOutcome {
    static func says(_ report: GatewayReport) -> QueryOutcome {
        .report(report, Evidence(code: "0", psn: "P-1", response: Array(#"{"code":"0","é":1}"#.utf8)))
    }
}

extension DeliveryOutcome {
    package static let accepted = DeliveryOutcome(
        status: 204,
        error: nil,
        retryAfter: nil,
        answer: [],
        duration: .milliseconds(12)
    )
    package static let failed = DeliveryOutcome(
        status: 500,
        error: "HTTP status 500",
        retryAfter: nil,
        answer: Array("oops".utf8),
        duration: .milliseconds(34)
    )
}
