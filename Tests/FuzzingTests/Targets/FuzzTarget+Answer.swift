import RefundCore
import RefundPayCloud
import RefundTestSupport

extension FuzzTarget {
    /// The gateway's answer: nothing is believed but what was signed, however its bytes are turned.
    static let answer = FuzzTarget(name: "answer") { input throws(Finding) in
        let outcome = GatewayAnswer.outcome(
            of: input,
            for: HandMadeAnswers.query,
            verifiedBy: [SignedAnswer.gatewayPublicKey]
        )
        if let problem = outcome.problem {
            let isOneLine = problem.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
            try hold(isOneLine, "a reason is one line: \(problem.debugDescription)")
        }
        guard let believed = outcome.believed else { return }
        let originals = SignedAnswer.signingStrings(of: input).compactMap { HandMadeAnswers.outcomes[$0] }
        try hold(originals.contains(believed), "what is believed is what was signed")
    }
}

/// The answers that the gateway's stand-in signed, and what each says.
private enum HandMadeAnswers {
    static let query: RefundQuery = {
        let refund = Refund(id: 1, merchantOrderNo: "R-1", createdAt: Timestamp(milliseconds: 0))
        guard let query = RefundQuery(refund, merchantNo: "312100007235") else { fatalError("no query for R-1") }
        return query
    }()

    /// What the inputs that were made by hand say, by their signing strings.
    static let outcomes: [[UInt8]: [String]] = {
        var outcomes: [[UInt8]: [String]] = [:]
        for body in Corpus.handMade("answer") {
            guard
                let believed = GatewayAnswer.outcome(of: body, for: query, verifiedBy: [SignedAnswer.gatewayPublicKey])
                    .believed
            else { continue }
            for text in SignedAnswer.signingStrings(of: body) { outcomes[text] = believed }
        }
        return outcomes
    }()
}

extension QueryOutcome {
    /// What a verified answer says of the refund, apart from its bytes; nil when nothing was believed of it.
    fileprivate var believed: [String]? {
        switch self {
        case .report(let report, let evidence): ["\(report)", evidence.code, "\(evidence.psn ?? "")"]
        case .notFound(let message, let evidence): [message, evidence.code, "\(evidence.psn ?? "")"]
        case .credentialsRefused(let code, let message, isVerified: true): [code, message]
        case .credentialsRefused, .inconclusive, .unverified, .slowedDown, .unreachable: nil
        }
    }
}
