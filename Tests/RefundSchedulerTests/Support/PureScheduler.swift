import RefundCore
import RefundStore

@testable import RefundScheduler

/// A scheduler's state without a store: the test says what each cycle read.
final class PureScheduler {
    var now = Timestamp(milliseconds: 1_790_000_000_000)
    var settings: SchedulerSettings
    var state: SchedulerState
    private var queries: [QueryResult] = []
    private var deliveries: [DeliveryResult] = []
    /// What the last cycle asked the store to read.
    private(set) var request: CycleRequest

    init(_ settings: SchedulerSettings = .test) {
        self.settings = settings
        state = SchedulerState(settings)
        request = CycleRequest(now: now)
    }

    func advance(by duration: Duration) {
        now = now.advanced(by: duration)
    }

    /// A refund that was enqueued now.
    func refund(_ id: Int64, _ state: RefundState = .pending, gateway: String = "default") -> Refund {
        var refund = Refund(id: id, gateway: gateway, merchantOrderNo: "R-\(id)", createdAt: now)
        refund.state = state
        if state.isFinal { refund.nextQueryAt = nil }
        return refund
    }

    func webhook(_ id: String, refund: Int64? = 1, host: String = "shop.example", attempts: Int = 0) -> Delivery {
        Delivery(
            id: id,
            refundID: refund,
            url: "https://\(host)/hooks",
            endpoint: host,
            body: [1],
            attempts: attempts,
            lease: 3
        )
    }

    /// Runs one cycle with the results so far, and remembers what it decided.
    ///
    /// - Parameters:
    ///   - clockStep: How far the clock was set back.
    ///   - read: Fills in what the store reads; the rows of results are there already, as they were claimed.
    /// - Returns: The decision.
    @discardableResult
    func run(clockStep: Duration = .zero, _ read: (inout CycleInput) -> Void = { _ in }) -> Decision {
        request = state.request(queries, deliveries, settings, at: now)
        var input = CycleInput()
        for result in queries {
            let claim = result.claim
            input.results[claim.refund.id] = QueuedRefund(claim.refund, lease: claim.lease, lastSequence: 0)
        }
        read(&input)
        let decision = state.decide(request, input, queries, deliveries, settings, clockStep: clockStep, at: now)
        state = decision.state
        (queries, deliveries) = ([], [])
        return decision
    }

    /// Runs one cycle in which these refunds of the default gateway are due.
    @discardableResult
    func run(due: DueRefunds) -> Decision {
        run { $0.gateways["default"] = due }
    }

    /// Claims refunds that are due, and returns the queries to send.
    func claim(_ refunds: [Refund]) -> [QueryClaim] {
        run { input in
            for refund in refunds {
                input.gateways[refund.gateway, default: DueRefunds()].new.append(QueuedRefund(refund))
            }
        }.queries
    }

    /// Ends a query before the next cycle.
    func end(_ claim: QueryClaim, _ outcome: QueryOutcome) {
        end(claim, .completed(outcome, duration: .milliseconds(7)))
    }

    func end(_ claim: QueryClaim, _ attempt: QueryAttempt) {
        queries.append(QueryResult(claim: claim, sentAt: now, attempt: attempt))
    }

    /// Claims a refund, ends its query, and runs the cycle that takes the result.
    @discardableResult
    func query(_ refund: Refund, _ outcome: QueryOutcome) -> Decision {
        for claim in claim([refund]) { end(claim, outcome) }
        return run()
    }

    /// Claims webhooks that are due, and returns those to send.
    func claim(_ webhooks: [Delivery]) -> [Delivery] {
        run { $0.endpoints = Self.due(webhooks) }.deliveries
    }

    /// Groups webhooks by their endpoint.
    static func due(_ webhooks: [Delivery]) -> [DueEndpoint] {
        Dictionary(grouping: webhooks, by: \.endpoint).sorted { $0.key < $1.key }.map { endpoint, deliveries in
            var due = DueEndpoint(endpoint: endpoint)
            due.deliveries = deliveries
            return due
        }
    }

    /// Ends an attempt before the next cycle.
    func end(_ delivery: Delivery, status: Int?, retryAfter: Duration? = nil) {
        end(delivery, .completed(.test(status: status, retryAfter: retryAfter)))
    }

    func end(_ delivery: Delivery, _ attempt: DeliveryAttempt) {
        deliveries.append(DeliveryResult(delivery: delivery, sentAt: now, attempt: attempt))
    }
}

extension Decision {
    /// The queries to send.
    var queries: [QueryClaim] {
        effects.compactMap { if case .query(let claim) = $0 { claim } else { nil } }
    }

    /// The webhooks to send.
    var deliveries: [Delivery] {
        effects.compactMap { if case .deliver(let delivery) = $0 { delivery } else { nil } }
    }

    var changes: [RefundChange] {
        writes.compactMap { if case .change(let change) = $0.action { change } else { nil } }
    }

    var polls: [RefundPoll] {
        writes.compactMap { if case .poll(let poll) = $0.action { poll } else { nil } }
    }

    var releases: [RefundClaim] {
        writes.compactMap { if case .releaseRefund(let claim) = $0.action { claim } else { nil } }
    }

    var attempts: [AttemptRecord] {
        writes.compactMap { if case .attempt(let attempt) = $0.action { attempt } else { nil } }
    }

    var deletedHints: [Int64] {
        writes.flatMap { if case .deleteHints(let ids) = $0.action { ids } else { [] as [Int64] } }
    }

    /// What is written about refunds, webhooks and gateways, in order and in short.
    var summary: [String] { writes.compactMap(\.action.summary) }

    /// The incidents that began.
    var incidents: [GatewayIncident] {
        writes.compactMap { if case .incident(_, let record) = $0.action { record?.incident } else { nil } }
    }

    /// The gateways' breakers that are recorded as open.
    var gatewayBreakers: [OpenBreaker] {
        writes.compactMap { if case .breaker(.gateway, _, let open) = $0.action { open } else { nil } }
    }

    /// The names of events, without their details.
    var eventNames: [String] {
        events.map { event in
            let text = "\(event)"
            return String(text[..<(text.firstIndex(of: "(") ?? text.endIndex)])
        }
    }
}

extension Write.Action {
    /// The write in short; nil for what gateways remember of their last answer.
    fileprivate var summary: String? {
        switch self {
        case .change(let change):
            "change \(change.refund.id)" + change.entries.map { " \($0.transition.summary)" }.joined()
        case .poll(let poll): "poll \(poll.refund.id)"
        case .claimRefunds(let claims, _): "claim " + claims.map { "\($0.id)" }.joined(separator: " ")
        case .releaseRefund(let claim): "release \(claim.id)"
        case .postponeRefund(let claim, _): "postpone \(claim.id)"
        case .attempt(let attempt): "attempt \(attempt.delivery.id) \(attempt.result.state)"
        case .claimWebhooks(let claims, _): "claim " + claims.map(\.id).joined(separator: " ")
        case .releaseWebhook(let claim): "release \(claim.id)"
        case .postponeWebhook(let claim, _): "postpone \(claim.id)"
        case .killWebhook(let id, _): "kill \(id)"
        case .urlHealth(let url, let health): "\(health == nil ? "healthy" : "failing") \(url)"
        case .incident(let gateway, let record): "\(record.map { "\($0.incident.kind)" } ?? "recovered") \(gateway)"
        case .gatewaySeen, .breaker(.lapse, _, _): nil
        case .breaker(let kind, let name, let open): "\(open == nil ? "close" : "open") \(kind) \(name)"
        case .deleteHints(let ids): "delete hints " + ids.map { "\($0)" }.joined(separator: " ")
        case .heartbeat: "heartbeat"
        case .moveDueTimes(let step, _): "move due times by \(step)"
        }
    }
}

extension Transition {
    fileprivate var summary: String {
        "\(from)→\(to)\(attention.map { " \($0.rawValue)" } ?? "")\(event.map { " (\($0.rawValue))" } ?? "")"
    }
}
