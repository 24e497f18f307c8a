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
        let retryAfter = response.header("Retry-After").flatMap { RetryAfter.delay($0, at: now) }
        switch response.status {
        case 200: self = GatewayAnswer.outcome(of: response.body, for: query, verifiedBy: keys)
        case 429: self = .slowedDown(reason: Self.words(for: 429, retryAfter), retryAfter: retryAfter)
        // Without a time to come back after, it is one of the many faults of what stands before a gateway.
        case 503 where retryAfter != nil:
            self = .slowedDown(reason: Self.words(for: 503, retryAfter), retryAfter: retryAfter)
        default: self = .unreachable(reason: "the gateway answered HTTP \(response.status) instead of 200")
        }
        if let hint = ClockHint(date: response.header("Date"), at: now) { self = hint.explained(self) }
    }

    private static func words(for status: Int, _ retryAfter: Duration?) -> String {
        guard let retryAfter else { return "the gateway answered HTTP \(status): it is asked too often" }
        return "the gateway answered HTTP \(status) and asks to wait for \(retryAfter.inWords)"
    }
}
