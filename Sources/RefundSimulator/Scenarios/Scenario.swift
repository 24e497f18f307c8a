package import RefundPayCloud

/// What the gateway says about one refund, by query or by time.
///
/// The answer follows from the scenario and the refund's progress alone.
package struct Scenario: Hashable, Sendable {
    /// How a refund ends.
    package enum Ending: Hashable, Sendable {
        /// `trans_status` 2.
        case settled
        /// `trans_status` 1, with `trans_error_code` and `trans_error_msg`.
        case failed(code: String, message: String)
        /// `trans_status` 3.
        case cancelled

        /// The `trans_status` of this ending.
        package var status: TransStatus {
            switch self {
            case .settled: .succeeded
            case .failed: .closed
            case .cancelled: .cancelled
            }
        }
    }

    /// The form of the answer's member `data`.
    package enum DataForm: String, Sendable, CaseIterable {
        /// A JSON string containing JSON text, as live gateways send it.
        case text
        /// A nested JSON object.
        case object
    }

    /// A processor's code that live gateways were seen to send (insufficient funds).
    package static let defaultFailure = Ending.failed(code: "TS-D2012", message: "insufficient funds")

    /// When the gateway first knows the refund; before, it answers `E04111` or `E04110`.
    package var knownFrom = Moment.query(1)
    /// How the refund ends.
    package var ending = Ending.settled
    /// When the refund ends.
    package var endsAt = Moment.query(2)
    /// The `trans_status` of a known refund that has not ended.
    package var statusWhileOpen = TransStatus.inProgress
    /// The amount of the refund as decimal text in major units.
    package var amount = "1200"
    /// The ISO 4217 letters of the amount's currency.
    package var currency = "JPY"
    /// The gateway's number of the refund; nil to derive one from the order number.
    package var transNo: String?
    /// The form of `data`.
    package var dataForm = DataForm.text
    /// The delay before every answer; nil for the simulator's default.
    package var latency: Duration?
    /// The fault of the answers, if any.
    package var fault: Fault?
    /// The number of queries that the fault affects; nil for all.
    package var faultForQueries: Int?
    /// The `Retry-After` of faults 429 and 503; nil to send none.
    package var retryAfter: Duration?

    /// Creates the scenario of a refund that settles at the second query.
    package init() {}

    /// What the gateway answers.
    ///
    /// - Parameter progress: The refund's progress, including the query that is being answered.
    /// - Returns: The answer, and how to spoil it.
    package func answer(at progress: Progress) -> ScriptedAnswer {
        let hasFault = progress.queries <= faultForQueries ?? .max
        return ScriptedAnswer(content: content(at: progress), fault: hasFault ? fault : nil)
    }

    private func content(at progress: Progress) -> ScriptedAnswer.Content {
        guard knownFrom.isReached(by: progress) else { return .unknownRefund }
        return .status(endsAt.isReached(by: progress) ? ending.status : statusWhileOpen)
    }
}

/// The answer that a scenario determines.
package struct ScriptedAnswer: Hashable, Sendable {
    /// What the answer says about the refund.
    package enum Content: Hashable, Sendable {
        /// The gateway has no such refund.
        case unknownRefund
        /// The refund has this status.
        case status(TransStatus)
    }

    /// What the answer says about the refund.
    package var content: Content
    /// How the answer is spoiled, if at all.
    package var fault: Fault?

    /// Creates an answer.
    package init(content: Content, fault: Fault? = nil) {
        self.content = content
        self.fault = fault
    }
}

/// The point of a scenario from which something applies.
package enum Moment: Hashable, Sendable {
    /// From the n-th accepted query on, counting from 1.
    case query(Int)
    /// From this time after the first accepted query on.
    case elapsed(Duration)
    /// Never.
    case never

    /// Whether a refund with this progress has reached the moment.
    package func isReached(by progress: Progress) -> Bool {
        switch self {
        case .query(let number): progress.queries >= number
        case .elapsed(let duration): progress.elapsed >= duration
        case .never: false
        }
    }
}

/// How far a refund's scenario has advanced; only queries that passed every check count.
package struct Progress: Hashable, Sendable {
    /// The number of accepted queries, including the one that is being answered.
    package var queries: Int
    /// The time since the first of them.
    package var elapsed: Duration

    /// Creates a progress.
    package init(queries: Int, elapsed: Duration) {
        self.queries = queries
        self.elapsed = elapsed
    }
}
