import RefundCore
import RefundStoreSQLite
import RefundTestSupport

/// The time at which things happen in these tests; refunds are enqueued at the time of the machine's clock.
let now = Timestamp(milliseconds: 1_800_000_000_000)

func later(_ seconds: Int) -> Timestamp {
    now.advanced(by: .seconds(seconds))
}

extension Evidence {
    static let sample = Evidence(code: "0", psn: "P-1", response: Array(#"{"code":"0","é":1}"#.utf8))
}

extension QueryOutcome {
    static func says(_ verdict: GatewayVerdict) -> QueryOutcome {
        .report(GatewayReport(verdict), .sample)
    }
}

extension RefundStateMachine {
    mutating func answered(_ verdict: GatewayVerdict, at time: Timestamp = now) -> [Transition] {
        queryAnswered(.says(verdict), sentAt: time, at: time, draw: 0.5)
    }
}

extension DeliveryOutcome {
    static let taken = DeliveryOutcome(
        status: 204,
        error: nil,
        retryAfter: nil,
        answer: [],
        duration: .milliseconds(12)
    )
    static let refused = DeliveryOutcome(
        status: 500,
        error: "HTTP status 500",
        retryAfter: nil,
        answer: Array("oops".utf8),
        duration: .milliseconds(34)
    )
}

extension RefundStore {
    /// Claims every webhook for a receiver that is due.
    func claim(_ endpoint: String = "hooks.example", at time: Timestamp = now, limit: Int = 100) throws -> [Delivery] {
        try claimAll(endpoint, at: time, limit: limit).deliveries
    }

    /// Claims webhooks for an endpoint and finds those that are not to be sent.
    func claimAll(
        _ endpoint: String = "hooks.example",
        at time: Timestamp = now,
        limit: Int = 100,
        unsendableLimit: Int = 100,
        isProbe: Bool = false
    ) throws -> StoreTransaction.DeliveryClaim {
        try transaction { tx in
            try tx.claimDeliveries(
                endpoint: endpoint,
                at: time,
                latest: .distant,
                leaseUntil: time.advanced(by: .seconds(75)),
                limit: limit,
                unsendableLimit: unsendableLimit,
                isProbe: isProbe
            )
        }
    }

    @discardableResult
    func finish(
        _ delivery: Delivery,
        _ outcome: DeliveryOutcome,
        at time: Timestamp = now,
        retryAt: Timestamp? = nil
    ) throws -> StoreTransaction.DeliveryResult {
        try transaction { tx in try tx.finish(delivery, outcome, sentAt: time, at: time, retryAt: retryAt) }
    }
}

extension Timestamp {
    /// Later than anything waits for.
    static let distant = Timestamp(milliseconds: .max)
}

extension StoreTransaction {
    func waitingEndpoints(at now: Timestamp) throws -> WaitingEndpoints {
        try waitingEndpoints(at: now, latest: .distant)
    }

    func nextDelivery(endpoint: String, after now: Timestamp) throws -> Timestamp? {
        try nextDelivery(endpoint: endpoint, after: now, latest: .distant)
    }
}
