import RefundCore
import RefundCrypto
import RefundHTTP

extension QueryOutcome {
    /// Creates the outcome of a query that was answered.
    ///
    /// - Parameters:
    ///   - response: The answer.
    ///   - query: What was asked.
    ///   - keys: The gateway's public keys, each of which may have signed.
    ///   - sentAt: The time the query was sent at.
    init(_ response: HTTPResponse, for query: RefundQuery, verifiedBy keys: [RSAPublicKey], sentAt: Timestamp) {
        let now = sentAt.advanced(by: response.duration)
        switch response.status {
        case 200: self = GatewayAnswer.outcome(of: response.body, for: query, verifiedBy: keys)
        case 429, 503: self = Self.refusal(response, at: now)
        default: self = .unreachable(reason: Self.unexpected(response))
        }
        switch self {
        case .report, .notFound, .slowedDown: return
        case .inconclusive, .credentialsRefused, .unverified, .unreachable:
            if let hint = ClockHint(date: response.header("Date"), at: now) { self = hint.explained(self) }
        }
    }

    private static func refusal(_ response: HTTPResponse, at now: Timestamp) -> QueryOutcome {
        let retryAfter = response.header("Retry-After").flatMap { RetryAfter.delay($0, at: now) }
        // Without a time to come back after, 503 is one of the many faults of what stands before a gateway.
        guard response.status == 429 || retryAfter != nil else { return .unreachable(reason: unexpected(response)) }
        return .slowedDown(reason: words(for: response.status, retryAfter), retryAfter: retryAfter)
    }

    private static func unexpected(_ response: HTTPResponse) -> String {
        "the gateway answered HTTP \(response.status) instead of 200"
    }

    private static func words(for status: Int, _ retryAfter: Duration?) -> String {
        guard let retryAfter else { return "the gateway answered HTTP \(status): it is asked too often" }
        return "the gateway answered HTTP \(status) and asks to wait for \(retryAfter.formatted)"
    }
}
