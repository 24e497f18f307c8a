package import RefundPayCloud

/// The story of one refund: what the gateway says of it at which query or time.
///
/// A scenario decides and does nothing else: the answer follows from it and from the refund's progress.
package struct Scenario: Hashable, Sendable {
    /// How a refund ends.
    package enum Ending: Hashable, Sendable {
        /// `trans_status` 2.
        case settled
        /// `trans_status` 1, with `trans_error_code` and `trans_error_msg`.
        case failed(code: String, message: String)
        /// `trans_status` 3.
        case cancelled

        /// The `trans_status` that tells of this ending.
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
        /// A JSON string that holds JSON text, as live gateways send it.
        case text
        /// A nested JSON object.
        case object
    }

    /// A processor's code that live gateways were seen to give (insufficient funds).
    package static let defaultFailure = Ending.failed(code: "TS-D2012", message: "insufficient funds")

    /// When the gateway begins to know the refund; before, it answers `E04111` or `E04110`.
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
    /// How long every answer is held back; nil for the simulator's own latency.
    package var latency: Duration?
    /// What is wrong with the answers, if anything.
    package var fault: Fault?
    /// How many queries the fault lasts; nil for ever.
    package var faultForQueries: Int?
    /// The `Retry-After` of the faults 429 and 503; nil to send none.
    package var retryAfter: Duration?

    /// Creates the scenario of a refund that settles at the second query.
    package init() {}

    /// Decides what the gateway says.
    ///
    /// - Parameter progress: How far the refund is, the query that is being answered included.
    /// - Returns: What to say, and how to spoil it.
    package func answer(at progress: Progress) -> ScriptedAnswer {
        let hasFault = progress.queries <= faultForQueries ?? .max
        return ScriptedAnswer(content: content(at: progress), fault: hasFault ? fault : nil)
    }

    private func content(at progress: Progress) -> ScriptedAnswer.Content {
        guard knownFrom.isReached(by: progress) else { return .unknownRefund }
        return .status(endsAt.isReached(by: progress) ? ending.status : statusWhileOpen)
    }
}

/// What a scenario wants a query to be answered with.
package struct ScriptedAnswer: Hashable, Sendable {
    /// What is said of the refund.
    package enum Content: Hashable, Sendable {
        /// The gateway has no such refund.
        case unknownRefund
        /// The refund has this status.
        case status(TransStatus)
    }

    /// What is said of the refund.
    package var content: Content
    /// How the answer is spoilt, if at all.
    package var fault: Fault?

    /// Creates an answer.
    package init(content: Content, fault: Fault? = nil) {
        self.content = content
        self.fault = fault
    }
}
