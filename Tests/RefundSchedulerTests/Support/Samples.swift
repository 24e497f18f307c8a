import RefundCore
import RefundScheduler
import RefundStore
import RefundTestSupport

extension SchedulerSettings {
    /// One gateway without limits that matter, webhooks to one receiver, no jitter.
    static var test: SchedulerSettings {
        var polling = PollingPolicy()
        polling.jitter = 0
        var gateway = Gateway(merchantNo: "312100007235", client: SilentClient())
        gateway.limits.maxInFlight = 1_000
        gateway.limits.maxQueriesPerSecond = 10_000
        let routing = WebhookRouting(
            defaultURL: "https://shop.example/hooks",
            events: Set(EventType.allCases).subtracting([.processing]),
            endpoint: { url in url.split(separator: "/").dropFirst().first.map(String.init) ?? url }
        )
        let webhooks = Webhooks(routing: routing, hasSecret: true, client: SilentClient())
        return SchedulerSettings(polling: polling, gateways: ["default": gateway], webhooks: webhooks)
    }

    /// These settings with other limits of the default gateway.
    func limited(rate: Double = 10_000, inFlight: Int = 1_000) -> SchedulerSettings {
        var settings = self
        settings.gateways["default"]?.limits.maxQueriesPerSecond = rate
        settings.gateways["default"]?.limits.maxInFlight = inFlight
        return settings
    }
}

/// Sends nothing: the test itself says how queries and attempts end.
struct SilentClient: GatewayQuerying, WebhookDelivering {
    func query(
        _: RefundQuery,
        at _: Timestamp,
        isProbe _: Bool,
        completion _: @escaping @Sendable (QueryAttempt) -> Void
    ) {}

    func deliver(
        _: Delivery,
        at _: Timestamp,
        isProbe _: Bool,
        completion _: @escaping @Sendable (DeliveryAttempt) -> Void
    ) {}
}

extension Evidence {
    static let sample = Evidence(code: "0", psn: "psn-1", response: Array(#"{"code":"0"}"#.utf8))
    static let noSuchOrder = Evidence(code: "E04111", psn: "psn-2", response: Array(#"{"code":"E04111"}"#.utf8))
}

extension QueryOutcome {
    static func report(_ verdict: GatewayVerdict, amount: String? = "1200", currency: String? = "JPY") -> QueryOutcome {
        .report(GatewayReport(verdict, amount, currency), .sample)
    }

    static let notFound = QueryOutcome.notFound(message: "no such order", .noSuchOrder)
    static let inconclusive = QueryOutcome.inconclusive(reason: "the gateway answered SYS999")
    static let refusal = QueryOutcome.credentialsRefused(code: "SYS002", message: "bad sign", isVerified: false)
    static let unverified = QueryOutcome.unverified(reason: "wrong key")
    static let unreachable = QueryOutcome.unreachable(reason: "no answer")
    static let busy = QueryOutcome.slowedDown(reason: "HTTP 429", retryAfter: .seconds(30))

    /// One outcome of each kind that is no answer to the question.
    static let failures: [QueryOutcome] = [.refusal, .unverified, .unreachable, .busy]
    /// One outcome of each kind.
    static let all: [QueryOutcome] =
        [.report(.processing), .report(.settled), .report(.failed), .notFound, .inconclusive] + failures
}

extension DeliveryOutcome {
    static func test(status: Int?, retryAfter: Duration? = nil) -> DeliveryOutcome {
        let isDelivered = (200..<300).contains(status ?? 0)
        let error = isDelivered ? nil : status.map { "HTTP \($0)" } ?? "no connection"
        return DeliveryOutcome(
            status: status,
            error: error,
            retryAfter: retryAfter,
            answer: [],
            duration: .milliseconds(3)
        )
    }
}
