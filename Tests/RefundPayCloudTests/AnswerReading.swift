import RefundCore
import RefundPayCloud
import RefundTestSupport

/// A query for a refund; by its order number unless another is given.
func query(order: String? = "R-1", transNo: String? = nil) throws -> RefundQuery {
    var refund = Refund(id: 1, merchantOrderNo: order, createdAt: Timestamp(milliseconds: 0))
    refund.transNo = transNo
    guard let query = RefundQuery(refund, merchantNo: "312100007235") else { throw NoNumber() }
    return query
}

private struct NoNumber: Error {}

/// What comes of an answer when the stand-in's key is the only one.
func outcome(of answer: String, for query: RefundQuery) -> QueryOutcome {
    GatewayAnswer.outcome(
        of: Array(answer.utf8),
        for: query,
        appID: "wz1",
        verifiedBy: [SignedAnswer.gatewayPublicKey]
    )
}

extension QueryOutcome {
    /// The report, if this is one.
    var report: GatewayReport? {
        if case .report(let report, _) = self { report } else { nil }
    }

    /// What proves a report or an unknown order.
    var evidence: Evidence? {
        switch self {
        case .report(_, let evidence), .notFound(_, let evidence): evidence
        default: nil
        }
    }
}
