/// A test event for a webhook receiver: what a real one looks like, about a refund that does not exist.
///
/// A receiver tells it from a real one by its `webhook-id`, its `refund_id` 0, and its metadata `{"test":true}`.
package enum SampleEvent: Sendable {
    /// How the `webhook-id` of every test event begins, and no other.
    package static let idPrefix = "msg_test_"

    private static let gateway = "test"
    private static let merchantNo = "312100007235"
    private static let money = Money(amount: "1200", currency: "JPY")

    /// The body of a test event.
    ///
    /// - Parameters:
    ///   - type: The event's type.
    ///   - now: When the event is said to have happened.
    /// - Returns: One JSON object.
    package static func body(_ type: EventType, at now: Timestamp) -> String {
        if type == .gatewayNeedsAttention { return EventBody.gateway(gateway, incident(since: now)) }
        let (transition, refund) = change(type, at: now)
        return EventBody.refund(type, transition, sequence: 2, refund, merchantNo: merchantNo)
    }

    private static func incident(since now: Timestamp) -> GatewayIncident {
        GatewayIncident(
            kind: .misconfigured,
            code: "TEST",
            message: "this is a test event",
            isVerified: true,
            since: now
        )
    }

    private static func change(_ type: EventType, at now: Timestamp) -> (Transition, Refund) {
        var refund = Refund(id: 0, gateway: gateway, merchantOrderNo: "TEST-1001", createdAt: now)
        refund.expected = money
        refund.metadata = #"{"test":true}"#
        refund.attempts = 1
        // As in PayCloud's answers: 0 in progress, 2 succeeded, 1 closed.
        refund.transaction = transaction(status: 0)
        var transition = Transition(at: now, from: .processing, to: .processing, actor: Transition.refundd, event: type)
        switch type {
        case .settled:
            transition.to = .settled
            refund.transaction = transaction(status: 2)
            refund.transaction?.endAt = now
        case .failed:
            transition.to = .failed
            refund.transaction = transaction(status: 1)
            refund.failure = Failure(code: "TS-D2012", message: "insufficient funds")
        case .abandoned:
            transition.to = .abandoned
            transition.actor = "root"
            transition.reason = "this is a test event"
        case .needsAttention:
            transition.attention = .overdue
            transition.reason = "this is a test event"
        case .processing:
            transition.from = .pending
        default:
            break
        }
        refund.state = transition.to
        refund.attention = transition.attention
        return (transition, refund)
    }

    private static func transaction(status: Int) -> GatewayTransaction {
        var transaction = GatewayTransaction(status: status)
        transaction.amount = money.amount
        transaction.currency = money.currency
        transaction.transNo = "41125010300000123457"
        transaction.origTransNo = "41125010300000123456"
        transaction.payChannelTransNo = "CH-1"
        return transaction
    }
}
