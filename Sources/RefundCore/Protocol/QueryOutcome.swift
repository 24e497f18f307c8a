/// What came of one query, in the words of the domain.
package enum QueryOutcome: Hashable, Sendable {
    /// A verified answer about this refund.
    case report(GatewayReport, Evidence)
    /// A verified answer that the gateway has no such order. Not final: orders turn up later.
    case notFound(message: String, Evidence)
    /// A verified answer that says nothing about the refund: another code, an unknown status, another refund's data.
    case inconclusive(reason: String)
    /// The gateway refuses our credentials, signed or not. Its trouble is the configuration's, not the refund's.
    case credentialsRefused(code: String, message: String, isVerified: Bool)
    /// An answer whose signature is missing, empty or wrong.
    case unverified(reason: String)
    /// The gateway asks to be asked less: HTTP 429, or 503 with a time to come back after.
    case slowedDown(reason: String, retryAfter: Duration?)
    /// No answer of the gateway: a transport fault, a timeout, an HTTP status other than 200, a body that is not JSON.
    case unreachable(reason: String)

    /// What was wrong, in words, or nil for a report.
    package var problem: String? {
        switch self {
        case .report: nil
        case .notFound(let message, let evidence): "the gateway has no such order (\(evidence.code): \(message))"
        case .inconclusive(let reason), .unverified(let reason), .unreachable(let reason), .slowedDown(let reason, _):
            reason
        case .credentialsRefused(let code, let message, _): "the gateway refuses our credentials (\(code): \(message))"
        }
    }

    /// Whether the gateway answered and its signature proves it, whatever it said.
    package var isVerified: Bool {
        switch self {
        case .report, .notFound, .inconclusive: true
        case .credentialsRefused(_, _, let isVerified): isVerified
        case .unverified, .slowedDown, .unreachable: false
        }
    }

    /// The word that metrics and logs use for this kind of outcome.
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

/// What proves an outcome: the exact signed body, with the members that support asks for.
package struct Evidence: Hashable, Sendable {
    /// The answer's `code`.
    package var code: String
    /// The answer's `psn`, the gateway's id of the request.
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
