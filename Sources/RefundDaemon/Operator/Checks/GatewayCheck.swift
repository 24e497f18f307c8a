import RefundCore
import RefundScheduler

/// Queries a gateway for a refund that cannot exist, and judges the answer.
struct GatewayCheck {
    let name: String
    let gateway: SchedulerSettings.Gateway

    /// Sends the query and waits for its end.
    func finding() async -> (finding: Finding, outcome: QueryOutcome) {
        let outcome = await outcome()
        return (Self.finding(for: outcome, from: name, merchantNo: gateway.merchantNo), outcome)
    }

    private func outcome() async -> QueryOutcome {
        let now = SystemClock().now()
        let refund = Refund(id: 0, merchantOrderNo: "REFUNDD-CHECK-\(now.milliseconds)", createdAt: now)
        guard let query = RefundQuery(refund, merchantNo: gateway.merchantNo ?? "0") else {
            return .unreachable(reason: "cannot build a query")
        }
        switch await gateway.client.query(query, at: now) {
        case .completed(let outcome, _): return outcome
        case .interrupted: return .unreachable(reason: "the query was interrupted")
        }
    }

    /// Judges the outcome of the query.
    ///
    /// The refund does not exist. So a verified answer with any code but that for an unknown order refuses the query
    /// itself, whatever the refund.
    ///
    /// - Parameters:
    ///   - outcome: The outcome.
    ///   - name: The gateway's name.
    ///   - merchantNo: The configured merchant number.
    /// - Returns: The finding.
    static func finding(for outcome: QueryOutcome, from name: String, merchantNo: String?) -> Finding {
        let subject = "gateway \(name)"
        let problem = outcome.problem ?? ""
        switch outcome {
        case .notFound(let message, let evidence):
            return Finding(
                .fine,
                subject,
                "answers, and its signature verifies (for a refund that does not exist: \(evidence.code), \(message))"
            )
        case .report:
            return Finding(
                .note,
                subject,
                "answers, and its signature verifies; it reports even on a refund that does not exist, as a simulator does"
            )
        case .inconclusive where merchantNo == nil:
            return Finding(
                .warning,
                subject,
                "answers, and its signature verifies, but without merchant_no the query says nothing more: \(problem)"
            )
        case .inconclusive:
            return Finding(
                .problem,
                subject,
                "refuses the query, signed: \(problem); check merchant_no \(merchantNo ?? ""), app_id, and in the"
                    + " gateway's portal that the application may query refunds"
            )
        case .credentialsRefused, .unverified, .slowedDown, .unreachable:
            return Finding(.problem, subject, problem)
        }
    }
}

extension QueryOutcome {
    /// Whether the gateway answered at all, signed or not.
    var isAnswer: Bool {
        switch self {
        case .report, .notFound, .inconclusive, .credentialsRefused, .unverified: true
        case .slowedDown, .unreachable: false
        }
    }
}

extension GatewayQuerying {
    /// Sends a query and waits for its end.
    func query(_ query: RefundQuery, at now: Timestamp) async -> QueryAttempt {
        await withCheckedContinuation { continuation in
            self.query(query, at: now, isProbe: true) { continuation.resume(returning: $0) }
        }
    }
}
