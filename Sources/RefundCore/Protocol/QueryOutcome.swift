/// The outcome of a query.
package enum QueryOutcome: Hashable, Sendable {
    /// A verified answer about this refund.
    ///
    /// Indirect, since it is large and passes through many hands.
    indirect case report(GatewayReport, Evidence)
    /// A verified answer that the gateway has no such order. Not final: the order may turn up later.
    case notFound(message: String, Evidence)
    /// A verified answer that says nothing about the refund: another code, an unknown status, another refund's data.
    case inconclusive(reason: String)
    /// The gateway refuses our credentials, signed or unsigned. The configuration is at fault, not the refund.
    case credentialsRefused(code: String, message: String, isVerified: Bool)
    /// An answer whose signature is missing, empty or wrong.
    ///
    /// The offset is a hint without a signature: how far our clock seems to be ahead of the gateway's, negative if it
    /// is behind. It is nil unless the clock may be why the gateway refused the query.
    case unverified(reason: String, clockOffset: Duration? = nil)
    /// The gateway asks for fewer queries: HTTP 429, or 503 with a time to come back.
    case slowedDown(reason: String, retryAfter: Duration?)
    /// No answer from the gateway: a transport error, a timeout, an unexpected HTTP status, a body that is not JSON.
    ///
    /// The offset is the same hint as for an unverified answer.
    case unreachable(reason: String, clockOffset: Duration? = nil)

    /// The problem in words, or nil for a report.
    package var problem: String? {
        switch self {
        case .report: nil
        case .notFound(let message, let evidence): "the gateway has no such order (\(evidence.code): \(message))"
        case .inconclusive(let reason), .unverified(let reason, _), .unreachable(let reason, _),
            .slowedDown(let reason, _):
            reason
        case .credentialsRefused(let code, let message, _): "the gateway refuses our credentials (\(code): \(message))"
        }
    }

    /// Whether the gateway gave a verified answer that is not a refusal.
    package var isAnswer: Bool {
        switch self {
        case .report, .notFound, .inconclusive: true
        case .credentialsRefused, .unverified, .slowedDown, .unreachable: false
        }
    }

    /// Whether the gateway answered and the signature verified, whatever the answer says.
    package var isVerified: Bool {
        if case .credentialsRefused(_, _, let isVerified) = self { isVerified } else { isAnswer }
    }

    /// The hint at how far our clock is ahead of the gateway's, or nil without one.
    package var clockOffset: Duration? {
        switch self {
        case .unverified(_, let offset), .unreachable(_, let offset): offset
        case .report, .notFound, .inconclusive, .credentialsRefused, .slowedDown: nil
        }
    }

    /// The name of this kind of outcome in metrics and logs.
    package var kind: String {
        switch self {
        case .report: "report"
        case .notFound: "not_found"
        case .inconclusive: "inconclusive"
        case .credentialsRefused: "credentials_refused"
        case .unverified: "unverified"
        case .slowedDown: "slowed_down"
        case .unreachable: "unreachable"
        }
    }
}

/// The proof of an outcome: the exact signed body, and the members that a gateway's support asks for.
package struct Evidence: Hashable, Sendable {
    /// The answer's `code` for the call.
    package var code: String
    /// The gateway's id for the request.
    package var psn: String?
    /// The answer's bytes as they arrived.
    package var response: [UInt8]

    /// Creates evidence from a verified answer.
    package init(code: String, psn: String?, response: [UInt8]) {
        self.code = code
        self.psn = psn
        self.response = response
    }
}
