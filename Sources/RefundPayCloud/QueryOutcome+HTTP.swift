import RefundCore
import RefundCrypto
import RefundHTTP

extension QueryOutcome {
    /// Creates the outcome of a query from the response.
    ///
    /// - Parameters:
    ///   - response: The response. The body counts only if it is complete; status and header always do.
    ///   - query: What was asked.
    ///   - keys: The gateway's public keys, any of which may have signed.
    ///   - sentAt: The time of the query.
    init(_ response: HTTPResponse, for query: RefundQuery, verifiedBy keys: [RSAPublicKey], sentAt: Timestamp) {
        let now = sentAt.advanced(by: response.duration)
        switch response.status {
        case 200:
            switch response.bodyEnd {
            case .complete: self = GatewayAnswer.outcome(of: response.body, for: query, verifiedBy: keys)
            case .broken(let error): self = .unreachable(reason: "\(error)".legible(upTo: 300))
            case .truncated: self = .unreachable(reason: "the gateway's response is incomplete")
            }
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
