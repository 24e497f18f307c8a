import RefundCore

/// What came of a query that the engine asked for.
struct QueryAnswer: Sendable {
    /// The refund as it was claimed.
    let refund: Refund
    let sentAt: Timestamp
    let outcome: QueryOutcome
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
