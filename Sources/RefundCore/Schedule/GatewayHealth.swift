/// The health of a gateway, judged by its answers: whether it accepts our credentials, whether its answers verify, and
/// whether it answers at all.
///
/// Refusals and unverified answers count against the gateway, not against a refund. While it cannot be trusted, refundd
/// probes it with one refund at a time and changes no row. Unsigned refusals count too: querying less often cannot
/// settle anything wrongly. A refusal while the gateway answers other refunds counts against that refund or its
/// merchant.
package struct GatewayHealth: Sendable {
    /// Unverified answers in a row that make an incident.
    package static let unverifiedLimit = 20
    /// Refunds refused in a row that count against a gateway even though it answered others.
    package static let refusedLimit = 20
    // The most refunds and merchants remembered as refused alone; beyond it, all are forgotten.
    private static let refusedCapacity = 10_000
    /// How long a gateway may go without a verified answer.
    package static let period: Duration = .seconds(10 * 60)
    /// The wait between probes during an incident.
    package static let probeInterval: Duration = .seconds(15)

    /// How an answer changed the gateway's health.
    package enum Change: Hashable, Sendable {
        /// Nothing.
        case none
        /// The first failure after a verified answer, or the first ever: worth a warning.
        case failing
        /// An incident began.
        case incident(GatewayIncident)
        /// An answer verified, which ended an incident or a series of failures.
        case recovered
    }

    /// The current incident, or nil.
    package private(set) var incident: GatewayIncident?
    /// When an answer last verified, or nil if none has yet.
    package private(set) var lastVerified: Timestamp?
    // The refund or merchant that a refusal may count against.
    private enum Subject: Hashable {
        case refund(Int64)
        case merchant(String)
    }

    // When queries began to go without a verified answer.
    private var failingSince: Timestamp?
    private var unverified: (count: Int, since: Timestamp)?
    private var clock = ClockSkew()
    // A refusal counts against the gateway only after the other queries in flight had a chance to be answered.
    private var refusal: (incident: GatewayIncident, waitsFor: Set<Int64>)?
    // Refunds and merchants refused since the last verified answer, and those known to be refused alone.
    private var refused: Set<Subject> = []
    private var refusedAlone: Set<Subject> = []
    // The refund answered last, and when a different one was.
    private var lastAnswered: Int64?
    private var lastVerifiedOther: Timestamp?

    /// Creates the health of a gateway, with the incident that an earlier run recorded.
    package init(incident: GatewayIncident? = nil) {
        self.incident = incident
        failingSince = incident?.since
    }

    /// Whether only probes may be sent and no row may change.
    package var isBlocked: Bool { incident?.kind == .misconfigured }

    /// Whether a refusal is waiting for the other queries in flight; until they end, nothing more may be sent.
    package var isUndecided: Bool { refusal != nil }

    /// Whether a refusal now counts against the refund or its merchant, because the gateway answers others.
    ///
    /// A refund or merchant that was refused before another was answered is known to be refused alone. Any other counts
    /// as refused alone if another refund was answered recently and few have been refused since.
    package func isRefusedAlone(_ refund: Int64, of merchant: String, at now: Timestamp) -> Bool {
        guard incident == nil else { return false }
        if isKnown(refund, merchant) { return true }
        guard let other = refund == lastAnswered ? lastVerifiedOther : lastVerified else { return false }
        let refunds = refused.count { if case .refund = $0 { true } else { false } }
        return now.duration(since: other) < Self.period && refunds < Self.refusedLimit
    }

    private func isKnown(_ refund: Int64, _ merchant: String) -> Bool {
        refusedAlone.contains(.refund(refund)) || refusedAlone.contains(.merchant(merchant))
    }

    /// The merchants that were refused since the last verified answer.
    package var refusedMerchants: Set<String> {
        Set(refused.compactMap { if case .merchant(let number) = $0 { number } else { nil } })
    }

    /// Records the outcome of a query.
    ///
    /// - Parameters:
    ///   - outcome: The outcome.
    ///   - refund: The refund that was queried.
    ///   - merchant: The merchant number of the query.
    ///   - others: The refunds whose queries are still in flight at this gateway.
    ///   - now: When the result was noticed.
    /// - Returns: The change of the gateway's health.
    package mutating func answered(
        _ outcome: QueryOutcome,
        refund: Int64,
        merchant: String,
        others: Set<Int64>,
        at now: Timestamp
    ) -> Change {
        switch clock.judge(outcome, at: now) {
        case .report, .notFound, .inconclusive:
            return verified(refund, merchant, at: now)
        case .credentialsRefused(ClockSkew.code, let message, let isVerified):
            // Several dates in a row showed it, and a wrong clock affects every refund.
            return begin(.misconfigured, ClockSkew.code, message, isVerified: isVerified, at: now)
        case .credentialsRefused(let code, let message, let isVerified):
            unverified = nil
            let isAlone = isRefusedAlone(refund, of: merchant, at: now)
            if !isKnown(refund, merchant) { refused.formUnion([.refund(refund), .merchant(merchant)]) }
            if isAlone { return endWait(for: refund) ?? .none }
            return refused(code: code, message: message, isVerified: isVerified, refund, others, at: now)
        case .unverified(let reason, _):
            let run = (count: (unverified?.count ?? 0) + 1, since: unverified?.since ?? now)
            unverified = run
            guard run.count >= Self.unverifiedLimit || now.duration(since: run.since) >= Self.period else {
                return failing(reason, refund, at: now)
            }
            return begin(.misconfigured, GatewayIncident.unverifiedCode, reason, isVerified: false, at: now)
        case .slowedDown(let reason, _), .unreachable(let reason, _):
            return failing(reason, refund, at: now)
        }
    }

    private mutating func verified(_ refund: Int64, _ merchant: String, at now: Timestamp) -> Change {
        let wasFailing = failingSince != nil || incident != nil
        (incident, failingSince, unverified, refusal) = (nil, nil, nil, nil)
        if refund != lastAnswered { lastVerifiedOther = lastVerified }
        (lastAnswered, lastVerified) = (refund, now)
        if refusedAlone.count >= Self.refusedCapacity { refusedAlone = [] }
        refusedAlone.formUnion(refused)
        refusedAlone.subtract([.refund(refund), .merchant(merchant)])
        refused = []
        return wasFailing ? .recovered : .none
    }

    private mutating func refused(
        code: String,
        message: String,
        isVerified: Bool,
        _ refund: Int64,
        _ others: Set<Int64>,
        at now: Timestamp
    ) -> Change {
        let first = GatewayIncident(
            kind: .misconfigured,
            code: code,
            message: message,
            isVerified: isVerified,
            since: now
        )
        if refusal == nil, incident?.kind != .misconfigured { refusal = (first, others) }
        return endWait(for: refund) ?? note(failureAt: now)
    }

    // A refusal counts against the gateway once every query in flight with it has ended without a verified answer.
    private mutating func endWait(for refund: Int64) -> Change? {
        refusal?.waitsFor.remove(refund)
        guard let waiting = refusal, waiting.waitsFor.isEmpty else { return nil }
        return begin(waiting.incident)
    }

    private mutating func failing(_ reason: String, _ refund: Int64, at now: Timestamp) -> Change {
        if let change = endWait(for: refund) { return change }
        if incident == nil, let failingSince, now.duration(since: failingSince) >= Self.period {
            return begin(.unreachable, GatewayIncident.unreachableCode, reason, isVerified: false, at: now)
        }
        return note(failureAt: now)
    }

    private mutating func note(failureAt now: Timestamp) -> Change {
        guard failingSince == nil else { return .none }
        failingSince = now
        return .failing
    }

    private mutating func begin(
        _ kind: GatewayIncident.Kind,
        _ code: String,
        _ message: String,
        isVerified: Bool,
        at now: Timestamp
    ) -> Change {
        begin(GatewayIncident(kind: kind, code: code, message: message, isVerified: isVerified, since: now))
    }

    private mutating func begin(_ new: GatewayIncident) -> Change {
        refusal = nil
        failingSince = failingSince ?? new.since
        // A misconfigured gateway takes precedence over an unreachable one.
        guard incident == nil || (incident?.kind == .unreachable && new.kind == .misconfigured) else { return .none }
        incident = new
        return .incident(new)
    }

    /// Forgets the answers given to earlier credentials.
    package mutating func forgetAnswers() {
        (lastVerified, lastVerifiedOther, lastAnswered) = (nil, nil, nil)
        (refused, refusedAlone) = ([], [])
    }

    /// Records a query that ended without a result.
    package mutating func interrupted(_ refund: Int64) -> Change {
        endWait(for: refund) ?? .none
    }

    /// Moves times back with a clock that was set back by `step`.
    package mutating func clockSetBack(by step: Duration) {
        lastVerified = lastVerified?.advanced(by: .zero - step)
        lastVerifiedOther = lastVerifiedOther?.advanced(by: .zero - step)
        failingSince = failingSince?.advanced(by: .zero - step)
        if let since = unverified?.since { unverified?.since = since.advanced(by: .zero - step) }
    }
}
