package import RefundConfiguration
package import RefundCore
package import RefundStoreSQLite

/// What a person says about a refund.
///
/// It goes through the state machine into the ledger, the events and the outbox like an answer of the gateway, and it
/// may be written while a daemon serves the database: the daemon's late answer then finds a refund that has ended.
package enum PersonsVerdict: Sendable {
    /// Stop asking.
    case abandon
    /// The refund needs attention, and this became of it.
    case resolve(as: Verdict)

    /// Writes it, in the transaction that it is given.
    ///
    /// - Parameters:
    ///   - id: The refund.
    ///   - reason: Why.
    ///   - actor: The person.
    ///   - configuration: How events become webhooks.
    ///   - tx: The transaction.
    ///   - now: The time.
    /// - Returns: The refund as it is now, or why the verdict makes no sense for it; then nothing is written.
    /// - Throws: What SQLite says when it refuses.
    package func write(
        on id: Int64,
        reason: String,
        by actor: String,
        _ configuration: Configuration,
        _ tx: StoreTransaction,
        at now: Timestamp
    ) throws -> Result<Refund, CommandFailure> {
        guard let refund = try tx.refund(id: id) else { return .failure(.noRefund(id)) }
        if refund.state.isFinal { return .failure(try .hasEnded(refund, tx)) }
        var machine = RefundStateMachine(refund, policy: configuration.polling)
        let transitions =
            switch self {
            case .abandon: machine.abandoned(reason: reason, actor: actor, at: now)
            case .resolve(let verdict): machine.resolved(as: verdict, reason: reason, actor: actor, at: now)
            }
        guard !transitions.isEmpty else {
            let remedy = "refundd asks on; to stop that use refundd abandon"
            return .failure(
                CommandFailure(
                    .failed,
                    ["\(refund.title) needs no attention, so there is nothing to resolve; \(remedy)"]
                )
            )
        }
        try tx.apply(machine.refund, transitions, endsLease: false, configuration.eventContext)
        return .success(machine.refund)
    }
}

extension Refund {
    /// How messages name the refund.
    package var title: String {
        "#\(id) \(merchantOrderNo ?? transNo ?? "")"
    }
}

extension CommandFailure {
    static func noRefund(_ id: Int64) -> CommandFailure {
        CommandFailure(.noSuchRefund, ["there is no refund #\(id)"])
    }

    /// A person's wish comes too late.
    static func hasEnded(_ refund: Refund, _ tx: StoreTransaction) throws -> CommandFailure {
        let end = try tx.transitions(refundID: refund.id).last { $0.text("from_state") != $0.text("to_state") }
        let since = end?.timestamp("at").map { " since \($0.iso8601)" } ?? ""
        let by = end?.text("actor").flatMap { $0 == Transition.refundd ? nil : ", by \($0)" } ?? ""
        let message = "\(refund.title) is \(refund.state.rawValue)\(since)\(by); a final state never changes"
        return CommandFailure(.failed, [message])
    }
}
