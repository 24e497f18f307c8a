/// The state machine of a refund: each method applies an event to the refund and returns the ledger rows to write with
/// it in one transaction.
///
/// ```
///  (insert) ──▶ pending ──found──▶ processing ──settled──▶ settled
///                  └──── settled or failed ────┴──failed──▶ failed
///  abandoned: an operator stopped polling; an operator resolves only what needs attention
/// ```
///
/// Only a verified answer or an operator ends a refund; no error, timeout, unknown code or age ever does. A final refund
/// ignores every event except those of its webhooks. Each transition has at most one event.
package struct RefundStateMachine: Sendable {
    /// The refund after the events so far.
    package private(set) var refund: Refund
    private let policy: PollingPolicy
    private var transitions: [Transition] = []

    /// Creates a state machine for a refund.
    package init(_ refund: Refund, policy: PollingPolicy) {
        self.refund = refund
        self.policy = policy
    }

    /// Applies the outcome of a query.
    ///
    /// - Parameters:
    ///   - outcome: The outcome.
    ///   - sentAt: When the query was sent.
    ///   - now: When the outcome was known; the wait for the next query starts here.
    ///   - draw: A uniform draw from 0 to 1 for the jitter of the next query.
    /// - Returns: The ledger rows; empty if neither state nor attention changed.
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

    /// Applies the outcome of a query that does not count, because the gateway is down or asked for fewer queries: the
    /// refund stays due and keeps its backoff.
    ///
    /// - Parameters:
    ///   - outcome: The outcome.
    ///   - sentAt: When the query was sent.
    ///   - now: When the outcome was known.
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
            guard let difference = refund.expected.flatMap(report.difference(from:)) else {
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

    // The gateway knows the order: a pending refund is processing, and it is no longer an unknown order.
    private mutating func found(_ report: GatewayReport, _ evidence: Evidence, at now: Timestamp) {
        let attention = refund.attention == .unknownOrder ? nil : refund.attention
        if refund.state == .pending {
            change(to: .processing, attention: attention, report, evidence, event: .processing, at: now)
        } else if attention != refund.attention {
            change(to: refund.state, attention: attention, report, evidence, event: nil, at: now)
        }
    }

    /// Applies the check that the configuration can serve a claimed refund.
    ///
    /// - Parameters:
    ///   - trouble: What the configuration lacks, or nil.
    ///   - now: The time.
    /// - Returns: The ledger rows; empty if neither state nor attention changed.
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

    /// Flags the refund as misconfigured, because the gateway keeps refusing it while it answers others.
    ///
    /// - Parameters:
    ///   - refusal: The gateway's code and the problem in words.
    ///   - isMerchants: Whether the gateway refuses every refund of the merchant.
    ///   - isReported: Whether an event reports it: one event covers all refunds of a merchant.
    ///   - now: The time.
    /// - Returns: The ledger rows; empty if neither state nor attention changed.
    package mutating func refused(
        _ refusal: (code: String, problem: String),
        isMerchants: Bool,
        isReported: Bool,
        at now: Timestamp
    ) -> [Transition] {
        guard !refund.state.isFinal else { return [] }
        refund.notified.formUnion(isMerchants ? [.refused, .merchantRefused] : .refused)
        raise(.misconfigured, reason: refusal.problem, refusal: refusal.code, isReported: isReported, at: now)
        return finish(at: now)
    }

    /// Records that the gateway answers the refund again.
    ///
    /// - Parameters:
    ///   - isServable: Whether the configuration has what the refund needs.
    ///   - now: The time.
    /// - Returns: The ledger rows; empty if neither state nor attention changed.
    package mutating func refusalEnded(isServable: Bool, at now: Timestamp) -> [Transition] {
        let wasRefused = refund.isRefused
        refund.notified.subtract([.refused, .merchantRefused])
        guard isServable else { return [] }
        guard wasRefused else { return checked(trouble: nil, at: now) }
        clear(reason: "the gateway answers queries about the refund again", at: now)
        noteAge(at: now)
        return finish(at: now)
    }

    /// Postpones a refund that cannot be queried at all.
    package mutating func postponed(at now: Timestamp, draw: Double) {
        guard !refund.state.isFinal else { return }
        refund.nextQueryAt = now.advanced(by: policy.slowInterval.jittered(by: policy.jitter, draw: draw))
    }

    /// Flags the refund if it has reached the age for attention.
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
            raise(.overdue, reason: "no verdict for \(policy.attentionAfter.formatted)", at: now)
        }
    }

    private mutating func unknownOrder(_ evidence: Evidence?, at now: Timestamp) {
        let age = policy.attentionAfter.formatted
        raise(.unknownOrder, reason: "the gateway has no such order after \(age)", evidence: evidence, at: now)
    }

    /// Abandons the refund: an operator stopped polling.
    ///
    /// - Returns: The ledger rows; empty if the refund is final.
    package mutating func abandoned(reason: String, actor: String, at now: Timestamp) -> [Transition] {
        guard !refund.state.isFinal else { return [] }
        change(to: .abandoned, attention: nil, reason: reason, actor: actor, event: .abandoned, at: now)
        return finish(at: now)
    }

    /// Resolves the refund with an operator's verdict.
    ///
    /// - Returns: The ledger rows; empty if the refund is final or needs no attention.
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
            refund.failure = Failure(resolvedBecause: reason)
            change(to: .failed, attention: nil, reason: reason, actor: actor, event: .failed, at: now)
        }
        return finish(at: now)
    }

    /// Applies the number of the refund's dead webhooks.
    ///
    /// - Parameters:
    ///   - dead: The number of dead webhooks.
    ///   - now: The time.
    /// - Returns: The ledger rows; empty if the attention did not change.
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
        refusal: String? = nil,
        isReported: Bool = true,
        at now: Timestamp
    ) {
        guard attention.gravity > refund.attention?.gravity ?? 0 else { return }
        let isFirstTime =
            isReported && attention.emitsEvent && !refund.notified.contains(NotifiedReasons(attention))
        if isFirstTime { refund.notified.insert(NotifiedReasons(attention)) }
        change(
            to: refund.state,
            attention: attention,
            report,
            evidence,
            reason: reason,
            refusal: refusal,
            event: isFirstTime ? .needsAttention : nil,
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
        refusal: String? = nil,
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
            refusal: refusal,
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

extension Failure {
    /// The failure of a refund that an operator resolved as failed.
    ///
    /// Customers may read its message, so it does not name the operator; the ledger and the event do.
    init(resolvedBecause reason: String) {
        self.init(code: "resolved", message: reason)
    }
}
