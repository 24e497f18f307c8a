import RefundCore
import RefundTestSupport

/// The time at which every refund of these tests was enqueued.
let enqueued = Timestamp(milliseconds: 1_790_000_000_123)

let hour = hours(1)

func hours(_ number: Int) -> Duration {
    .seconds(number * 3_600)
}

extension Evidence {
    static let sample = Evidence(code: "0", psn: "P-1", response: Array(#"{"code":"0"}"#.utf8))
    static let noSuchOrder = Evidence(code: "E04111", psn: "P-2", response: Array(#"{"code":"E04111"}"#.utf8))
}

extension Attention {
    static let reasonsAndNone: [Attention?] = [nil] + allCases.map(Optional.some)
}

extension Money {
    static let twelveFifty = Money(amount: "12.50", currency: "EUR")
}

extension QueryOutcome {
    static func says(_ verdict: GatewayVerdict, _ amount: String? = nil, _ currency: String? = nil) -> QueryOutcome {
        .report(GatewayReport(verdict, amount, currency), .sample)
    }

    static let unknownOrder = notFound(message: "no such order", .noSuchOrder)

    /// One of each kind that proves nothing about the refund.
    static let fruitless: [QueryOutcome] = [
        .inconclusive(reason: "the gateway answered SYS999"),
        .credentialsRefused(code: "SYS002", message: "signature refused", isVerified: true),
        .credentialsRefused(code: "E07303", message: "not authorised", isVerified: false),
        .unverified(reason: "the answer has no signature"),
        .unreachable(reason: "no answer within 10 s"),
        .slowedDown(reason: "the gateway answered HTTP 429", retryAfter: nil),
    ]
}

extension Refund {
    /// A refund in any state, whether or not the state machine would bring it there.
    static func sample(
        _ state: RefundState = .pending,
        _ attention: Attention? = nil,
        expected: Money? = nil,
        attempts: Int = 0
    ) -> Refund {
        var refund = Refund(id: 42, merchantOrderNo: "R-1001", createdAt: enqueued)
        refund.state = state
        refund.attention = attention
        refund.expected = expected
        refund.attempts = attempts
        if state.isFinal { refund.nextQueryAt = nil }
        return refund
    }
}

/// A change as a test's table writes it.
struct Change: Hashable, CustomStringConvertible {
    var from: RefundState
    var to: RefundState
    var attention: Attention?
    var event: EventType?

    init(_ from: RefundState, _ to: RefundState, _ attention: Attention? = nil, _ event: EventType? = nil) {
        self.from = from
        self.to = to
        self.attention = attention
        self.event = event
    }

    init(_ transition: Transition) {
        self.init(transition.from, transition.to, transition.attention, transition.event)
    }

    var description: String {
        "\(from)→\(to) \(attention?.rawValue ?? "-") \(event?.rawValue ?? "-")"
    }
}

extension RefundStateMachine {
    init(_ refund: Refund) {
        self.init(refund, policy: PollingPolicy())
    }

    /// Lets a query come back at an age of the refund, sent a second before.
    mutating func answered(_ outcome: QueryOutcome, age: Duration, draw: Double = 0.5) -> [Transition] {
        let now = enqueued.advanced(by: age)
        return queryAnswered(outcome, sentAt: now.advanced(by: .seconds(-1)), at: now, draw: draw)
    }
}

extension [Transition] {
    var changes: [Change] { map(Change.init) }
}

extension DeliveryOutcome {
    static func test(status: Int?, retryAfter: Duration? = nil) -> DeliveryOutcome {
        let isSuccess = (200..<300).contains(status ?? 0)
        let error = isSuccess ? nil : status.map { "HTTP \($0)" } ?? "no connection"
        return DeliveryOutcome(status: status, error: error, retryAfter: retryAfter, answer: [], duration: .zero)
    }
}

extension EndpointLimiter {
    /// Ends an attempt of which only the success matters.
    mutating func end(_ endpoint: String, isDelivered: Bool, at now: Timestamp) {
        _ = ended(endpoint, "msg", .test(status: isDelivered ? 200 : 500), at: now)
    }
}
