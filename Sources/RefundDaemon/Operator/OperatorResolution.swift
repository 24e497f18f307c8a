package import RefundConfiguration
package import RefundCore
package import RefundStore

/// An operator's verdict on a refund.
///
/// Like a gateway's answer, it passes through the state machine into ledger, events and outbox. It may be written while
/// a daemon serves the queue: an answer still in flight then finds a final refund and changes nothing.
package enum OperatorResolution: Sendable {
    /// Stop polling.
    case abandon
    /// The refund needs attention, and this is its outcome.
    case resolve(as: Verdict)

    /// Writes the verdict.
    ///
    /// - Parameters:
    ///   - id: The refund.
    ///   - reason: The operator's reason.
    ///   - actor: The operator.
    ///   - configuration: The configuration, which decides which events become webhooks.
    ///   - tx: The transaction to write in.
    ///   - now: The time.
    /// - Returns: The refund after the verdict, or why the verdict does not apply, in which case nothing is written.
    /// - Throws: `StoreError` if the database fails or rejects the change.
    package func write(
        on id: Int64,
        reason: String,
        by actor: String,
        _ configuration: Configuration,
        _ tx: any QueueWriter,
        at now: Timestamp
    ) throws(StoreError) -> Result<Refund, CommandFailure> {
        guard let row = try tx.refund(id: id) else { return .failure(.noRefund(id)) }
        if row.refund.state.isFinal { return .failure(try .isFinal(row.refund, tx)) }
        var machine = RefundStateMachine(row.refund, policy: configuration.polling)
        let transitions =
            switch self {
            case .abandon: machine.abandoned(reason: reason, actor: actor, at: now)
            case .resolve(let verdict): machine.resolved(as: verdict, reason: reason, actor: actor, at: now)
            }
        guard !transitions.isEmpty else {
            let problem = "\(row.refund.title) does not need attention, so there is nothing to resolve"
            let remedy = "refundd keeps polling; run `refundd abandon` to stop"
            return .failure(CommandFailure(.failed, ["\(problem). \(remedy)"]))
        }
        var random = SplitMix64(seed: .random(in: 0 ... .max))
        let context = configuration.eventContext
        try tx.write(
            RefundChange(machine.refund, transitions, on: row, endsLease: false, context, using: &random)
        )
        return .success(machine.refund)
    }
}
