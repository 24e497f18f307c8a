/// What becomes of a refund: each method takes an event that happened, changes the refund, and returns the ledger rows
/// that must be written with it in one transaction.
///
/// ```
///  (insert) ──▶ pending ──found──▶ processing ──settled──▶ settled
///                  └──── settled or failed ────┴──failed──▶ failed
///  abandoned: a person told refundd to stop; a person's verdict ends only what needs attention
/// ```
///
/// Only a verified answer or a person ends a refund; no error, timeout, unknown code or age ever does. A final refund
/// ignores every event but that of its webhooks. Each transition carries at most one event.
package struct RefundStateMachine: Sendable {
    /// The refund as it stands after the events so far.
    package private(set) var refund: Refund
    private let policy: PollingPolicy
    private var transitions: [Transition] = []

    /// Creates a state machine for a refund.
    package init(_ refund: Refund, policy: PollingPolicy) {
        self.refund = refund
        self.policy = policy
    }

    /// A query came back.
    ///
    /// - Parameters:
    ///   - outcome: What came of it.
    ///   - sentAt: When it was sent.
    ///   - now: When its outcome was known; the wait for the next query starts here.
    ///   - draw: A uniform draw from 0 to 1 for the jitter of the next query, if there is one.
    /// - Returns: The ledger rows; empty when neither state nor attention changed.
    package mutating func queryAnswered(
        _ outcome: QueryOutcome,
        sentAt: Timestamp,
        at now: Timestamp,
        draw: @autoclosure () -> Double
    ) -> [Transition] {
        guard !refund.state.isFinal else { return [] }
        if refund.attempts < .max { refund.attempts += 1 }
        refund.lastQueryAt = sentAt
        refund.lastError = outcome.problem
        refund.isLastQueryVerified = outcome.isVerified
        refund.isUnknownOrder = false
        switch outcome {
        case .report(let report, let evidence):
            reported(report, evidence, at: now)
        case .notFound(_, let evidence):
            refund.isUnknownOrder = true
            if refund.age(at: now) >= policy.attentionAfter { unknownOrder(evidence, at: now) }
        case .inconclusive, .credentialsRefused, .unverified, .slowedDown, .unreachable:
            break
        }
        noteAge(at: now)
        if !refund.state.isFinal {
            let delay = policy.delay(
                afterAttempts: refund.attempts,
                age: refund.age(at: now),
                isSlow: refund.attention == .mismatch,
                draw: draw()
            )
            refund.nextQueryAt = now.advanced(by: delay)
        }
        return finish(at: now)
    }

    /// A query came to nothing because the gateway is down or asks to be asked less: the refund is as due as before, and
    /// its backoff is not used up.
    ///
    /// - Parameters:
    ///   - outcome: What came of it.
    ///   - sentAt: When it was sent.
    ///   - now: When its outcome was known.
    package mutating func querySpared(_ outcome: QueryOutcome, sentAt: Timestamp, at now: Timestamp) {
        guard !refund.state.isFinal else { return }
        refund.lastQueryAt = sentAt
        refund.lastError = outcome.problem
        refund.isLastQueryVerified = outcome.isVerified
        refund.updatedAt = now
    }

    private mutating func reported(_ report: GatewayReport, _ evidence: Evidence, at now: Timestamp) {
        refund.transaction = report.transaction
        switch report.verdict {
        case .processing:
            found(report, evidence, at: now)
        case .settled:
            guard let difference = refund.expected.flatMap(report.transaction.difference(from:)) else {
                return change(to: .settled, attention: nil, report, evidence, event: .settled, at: now)
            }
            found(report, evidence, at: now)
            refund.lastError = difference
            raise(.mismatch, reason: difference, report: report, evidence: evidence, at: now)
        case .failed:
            refund.failure = report.failure
            change(to: .failed, attention: nil, report, evidence, event: .failed, at: now)
        }
    }

    // The gateway knows the order: a pending refund moves on, and a complaint about an unknown order ends.
    private mutating func found(_ report: GatewayReport, _ evidence: Evidence, at now: Timestamp) {
        let attention = refund.attention == .unknownOrder ? nil : refund.attention
        if refund.state == .pending {
            change(to: .processing, attention: attention, report, evidence, event: .processing, at: now)
        } else if attention != refund.attention {
            change(to: refund.state, attention: attention, report, evidence, event: nil, at: now)
        }
    }

    /// A claimed refund cannot be served, or can again: its row and the configuration do not fit, or fit now.
    ///
    /// - Parameters:
    ///   - trouble: What is missing, or nil.
    ///   - now: The time.
    /// - Returns: The ledger rows; empty when neither state nor attention changed.
    package mutating func checked(trouble: String?, at now: Timestamp) -> [Transition] {
        guard !refund.state.isFinal else { return [] }
        if let trouble {
            refund.lastError = trouble
            raise(.misconfigured, reason: trouble, at: now)
        } else if refund.attention == .misconfigured {
            refund.lastError = nil
            clear(reason: "the configuration has what the refund needs", at: now)
            noteAge(at: now)
        }
        return finish(at: now)
    }

    /// A refund that cannot be queried at all is put off.
    package mutating func postponed(at now: Timestamp, draw: Double) {
        guard !refund.state.isFinal else { return }
        refund.nextQueryAt = now.advanced(by: policy.slowInterval.jittered(by: policy.jitter, draw: draw))
    }

    /// The refund may have reached the age at which a person is told.
    package mutating func aged(at now: Timestamp) -> [Transition] {
        guard !refund.state.isFinal else { return [] }
        noteAge(at: now)
        return finish(at: now)
    }

    private mutating func noteAge(at now: Timestamp) {
        guard !refund.state.isFinal, refund.age(at: now) >= policy.attentionAfter else { return }
        if refund.isUnknownOrder {
            unknownOrder(nil, at: now)
        } else {
            raise(.overdue, reason: "no verdict for \(policy.attentionAfter.inWords)", at: now)
        }
    }

    private mutating func unknownOrder(_ evidence: Evidence?, at now: Timestamp) {
        let age = policy.attentionAfter.inWords
        raise(.unknownOrder, reason: "the gateway has no such order after \(age)", evidence: evidence, at: now)
    }

    /// A person told refundd to stop asking.
    ///
    /// - Returns: The ledger rows; empty when the refund has ended already.
    package mutating func abandoned(reason: String, actor: String, at now: Timestamp) -> [Transition] {
        guard !refund.state.isFinal else { return [] }
        change(to: .abandoned, attention: nil, reason: reason, actor: actor, event: .abandoned, at: now)
        return finish(at: now)
    }

    /// A person who looked at a refund that needs attention said what became of it.
    ///
    /// - Returns: The ledger rows; empty when the refund has ended already or needs no attention.
    package mutating func resolved(
        as verdict: Verdict,
        reason: String,
        actor: String,
        at now: Timestamp
    ) -> [Transition] {
        guard !refund.state.isFinal, refund.attention != nil else { return [] }
        switch verdict {
        case .settled:
            change(to: .settled, attention: nil, reason: reason, actor: actor, event: .settled, at: now)
        case .failed:
            refund.failure = Failure(code: "resolved", message: reason)
            change(to: .failed, attention: nil, reason: reason, actor: actor, event: .failed, at: now)
        }
        return finish(at: now)
    }

    /// Webhooks of this refund died or were delivered.
    ///
    /// - Parameters:
    ///   - dead: How many of its webhooks are dead now.
    ///   - now: The time.
    /// - Returns: The ledger rows; empty when the attention did not change.
    package mutating func webhooksChanged(dead: Int, at now: Timestamp) -> [Transition] {
        if dead > 0 {
            raise(.undeliverable, reason: "a webhook of this refund is dead", at: now)
        } else if refund.attention == .undeliverable {
            clear(reason: "no webhook of this refund is dead", at: now)
        }
        return finish(at: now)
    }

    // MARK: - Steps

    private mutating func raise(
        _ attention: Attention,
        reason: String,
        report: GatewayReport? = nil,
        evidence: Evidence? = nil,
        at now: Timestamp
    ) {
        guard attention.gravity > refund.attention?.gravity ?? 0 else { return }
        let isNews = attention.isTold && !refund.told.contains(ToldAttentions(attention))
        if isNews { refund.told.insert(ToldAttentions(attention)) }
        change(
            to: refund.state,
            attention: attention,
            report,
            evidence,
            reason: reason,
            event: isNews ? .needsAttention : nil,
            at: now
        )
    }

    private mutating func clear(reason: String, at now: Timestamp) {
        change(to: refund.state, attention: nil, reason: reason, event: nil, at: now)
    }

    private mutating func change(
        to state: RefundState,
        attention: Attention?,
        _ report: GatewayReport? = nil,
        _ evidence: Evidence? = nil,
        reason: String? = nil,
        actor: String = Transition.refundd,
        event: EventType?,
        at now: Timestamp
    ) {
        let transition = Transition(
            at: now,
            from: refund.state,
            to: state,
            attention: attention,
            reason: reason,
            transStatus: report?.transaction.status,
            verdict: report?.verdict,
            evidence: evidence,
            actor: actor,
            event: event
        )
        refund.state = state
        refund.attention = attention
        if state.isFinal { refund.nextQueryAt = nil }
        transitions.append(transition)
    }

    private mutating func finish(at now: Timestamp) -> [Transition] {
        defer { transitions = [] }
        refund.updatedAt = now
        return transitions
    }
}
