import RefundCore

/// What came of a query that the engine asked for.
struct QueryAnswer: Sendable {
    /// The refund as it was claimed.
    let refund: Refund
    let sentAt: Timestamp
    let outcome: QueryOutcome
    /// How long the exchange took, without the wait until a cycle took the answer.
    var duration: Duration = .zero
}

/// An answer with what was known of its gateway when it arrived.
struct TakenAnswer: Sendable {
    let answer: QueryAnswer
    /// Whether the query was a probe.
    let isProbe: Bool
    /// Whether the gateway is in trouble, this answer considered, or is not configured any more.
    let isTroubled: Bool

    /// Whether the answer is the gateway's trouble: while that lasts, no refund's row changes.
    var isGatewaysTrouble: Bool {
        switch answer.outcome {
        case .credentialsRefused, .unverified, .slowedDown, .unreachable: isTroubled
        case .report, .notFound, .inconclusive: false
        }
    }

    /// Whether the answer uses up no backoff: its gateway is known to be down, or asks to be asked less.
    var isSpared: Bool {
        switch answer.outcome {
        case .slowedDown: true
        case .unreachable: isProbe
        case .report, .notFound, .inconclusive, .credentialsRefused, .unverified: false
        }
    }
}

/// What came of a webhook that the engine asked to be sent.
struct DeliveryEnd: Sendable {
    let delivery: Delivery
    let endpoint: String
    let sentAt: Timestamp
    let outcome: DeliveryOutcome
}

/// What reached the pipeline since it last ran.
struct Arrivals: Sendable {
    var answers: [QueryAnswer] = []
    var ends: [DeliveryEnd] = []
    /// Another program may have committed; the database knows.
    var mayHaveCommits = false
    /// The alarm went off, or somebody asks for a cycle whatever the database says.
    var isDue = false

    /// Whether nothing is known to be there to do.
    var isOnlyALook: Bool {
        answers.isEmpty && ends.isEmpty && !isDue
    }
}
