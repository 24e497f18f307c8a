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
    /// Refusals in a row of one refund that make it misconfigured, or count against a gateway that answers no other.
    package static let refusalLimit = 3
    // The most refunds and merchants remembered of a kind; beyond them, all are forgotten.
    private static let capacity = 10_000
    // A refund's failures are its own while another was answered this recently: refunds may be queried once an hour.
    private static let answerValidity: Duration = .seconds(2 * 3_600)
    /// How long a gateway may go without a verified answer.
    package static let period: Duration = .seconds(10 * 60)
    /// Failed queries since the last verified answer that make a lapse: at once if no answer verified, otherwise after a
    /// while.
    package static let lapseLimit = 3
    private static let lapsePeriod: Duration = .seconds(60)
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
    // The failed queries since the last verified answer, except those of refunds that fail alone.
    private var failures: (count: Int, unverified: Int, since: Timestamp)?
    private var clock = ClockSkew()
    // A refusal counts against the gateway only after the other queries in flight had a chance to be answered.
    private var refusal: (incident: GatewayIncident, waitsFor: Set<Int64>)?
    // Refusals since the last verified answer: of each refund, of merchants, and of refunds that were answered before.
    private var refusals: [Int64: Int] = [:]
    /// The merchants that were refused since the last verified answer.
    package private(set) var refusedMerchants: Set<String> = []
    private var revoked: Set<Int64> = []
    // Refunds and merchants known to be refused alone.
    private var refusedAlone: Set<Subject> = []
    // Refunds that failed since the last verified answer, and those known to fail while others are answered.
    private var failed: Set<Int64> = []
    private var failingAlone: Set<Int64> = []
    // The refund answered last, and when a different one was.
    private var lastAnswered: Int64?
    private var lastVerifiedOther: Timestamp?
    // When each merchant was last answered.
    private var merchantsAnswered: [String: Timestamp] = [:]
    // When an answer last verified before a restart or reload, which says nothing about the current credentials.
    private var lastVerifiedBefore: Timestamp?

    /// Creates the health of a gateway, with what an earlier run recorded.
    ///
    /// - Parameters:
    ///   - incident: The incident, or nil.
    ///   - lastVerified: When an answer last verified, or nil if none ever did.
    package init(incident: GatewayIncident? = nil, lastVerified: Timestamp? = nil) {
        self.incident = incident
        failingSince = incident?.since
        lastVerifiedBefore = lastVerified
    }

    /// Whether only probes may be sent and no row may change.
    package var isBlocked: Bool { incident?.kind == .misconfigured }

    /// Whether a refusal is waiting for the other queries in flight; until they end, nothing more may be sent.
    package var isUndecided: Bool { refusal != nil }

    /// Whether a refusal now counts against the refund or its merchant, because the gateway answers others.
    ///
    /// A refund or merchant that was refused before another was answered is known to be refused alone. Any other counts
    /// as refused alone if a refund of another merchant was answered recently and none of that merchant's was refused
    /// since; or if any other refund was answered recently, few have been refused since, and nothing suggests that the
    /// credentials were revoked.
    ///
    /// - Parameters:
    ///   - refund: The refund.
    ///   - merchant: The merchant number of the query.
    ///   - wasAnswered: Whether the gateway has answered the refund before.
    ///   - now: The time.
    /// - Returns: Whether the gateway is not to blame.
    package func isRefusedAlone(
        _ refund: Int64,
        of merchant: String,
        wasAnswered: Bool = false,
        at now: Timestamp
    ) -> Bool {
        guard incident == nil else { return false }
        if isKnown(refund, merchant) { return true }
        guard let other = refund == lastAnswered ? lastVerifiedOther : lastVerified,
            now.duration(since: other) < Self.period
        else { return false }
        if answersOtherMerchants(than: merchant, at: now) { return true }
        return refusals.count < Self.refusedLimit && !isRevoked(refund, wasAnswered)
    }

    private func isKnown(_ refund: Int64, _ merchant: String) -> Bool {
        refusedAlone.contains(.refund(refund)) || refusedAlone.contains(.merchant(merchant))
    }

    // Nothing was answered since the first of these refusals. Two refunds that were answered before show that the
    // credentials were revoked, and so does one that is refused again and again, unless it is the only one and new.
    private func isRevoked(_ refund: Int64, _ wasAnswered: Bool) -> Bool {
        if wasAnswered, !revoked.subtracting([refund]).isEmpty { return true }
        let isOnlyOne = refusals.keys.allSatisfy { $0 == refund }
        return refusals[refund, default: 0] + 1 >= Self.refusalLimit && (wasAnswered || !isOnlyOne)
    }

    private func answersOtherMerchants(than merchant: String, at now: Timestamp) -> Bool {
        merchantsAnswered.contains { other, time in
            other != merchant && !refusedMerchants.contains(other) && now.duration(since: time) < Self.period
        }
    }

    /// Whether a refund of a merchant was answered at a time or later.
    package func hasAnswered(merchant: String, since time: Timestamp) -> Bool {
        merchantsAnswered[merchant].map { $0 >= time } ?? false
    }

    /// Records that a refund was refused alone before a restart or reload.
    package mutating func wasRefusedAlone(_ refund: Int64) {
        makeRoom()
        refusedAlone.insert(.refund(refund))
    }

    /// Whether a refund is known to fail while others are answered, so that its failures open no breaker.
    ///
    /// If nothing verifies for long, they count all the same.
    package func isFailingAlone(_ refund: Int64, at now: Timestamp) -> Bool {
        guard failingAlone.contains(refund), let lastVerified else { return false }
        return now.duration(since: lastVerified) < Self.answerValidity
    }

    /// Whether the gateway answers refunds other than this one: the latest outcome of any other was an answer.
    package func answersOthers(than refund: Int64, at now: Timestamp) -> Bool {
        let other = refund == lastAnswered ? lastVerifiedOther : lastVerified
        guard let last = other ?? lastVerifiedBefore, failed.subtracting([refund]).isEmpty else { return false }
        return now.duration(since: last) < Self.answerValidity
    }

    /// Records the outcome of a query.
    ///
    /// - Parameters:
    ///   - outcome: The outcome.
    ///   - refund: The refund that was queried.
    ///   - merchant: The merchant number of the query.
    ///   - wasAnswered: Whether the gateway has answered the refund before.
    ///   - others: The refunds whose queries are still in flight at this gateway.
    ///   - now: When the result was noticed.
    /// - Returns: The change of the gateway's health.
    package mutating func answered(
        _ outcome: QueryOutcome,
        refund: Int64,
        merchant: String,
        wasAnswered: Bool = false,
        others: @autoclosure () -> Set<Int64>,
        at now: Timestamp
    ) -> Change {
        let outcome = clock.judge(outcome, at: now)
        if outcome.isFailure, failed.count < Self.capacity, !isFailingAlone(refund, at: now) { failed.insert(refund) }
        noteFailure(outcome, of: refund, merchant, wasAnswered, at: now)
        switch outcome {
        case .report, .notFound, .inconclusive:
            return verified(refund, merchant, at: now)
        case .credentialsRefused(ClockSkew.code, let message, let isVerified):
            // Several dates in a row showed it, and a wrong clock affects every refund.
            return begin(.misconfigured, ClockSkew.code, message, isVerified: isVerified, at: now)
        case .credentialsRefused(let code, let message, let isVerified):
            unverified = nil
            let isAlone = isRefusedAlone(refund, of: merchant, wasAnswered: wasAnswered, at: now)
            if !isKnown(refund, merchant) {
                refusals[refund, default: 0] += 1
                refusedMerchants.insert(merchant)
                if wasAnswered { revoked.insert(refund) }
            }
            if isAlone { return endWait(for: refund) ?? .none }
            return refused(code: code, message: message, isVerified: isVerified, refund, others(), at: now)
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

    /// Whether the gateway has failed more than once since its last verified answer.
    ///
    /// The lapse is brief, and no problem yet, until three queries in a row have failed. Then answers that do not verify
    /// make it a problem at once, and other failures, which may pass, once they have lasted a minute.
    ///
    /// - Parameter now: The time.
    /// - Returns: The lapse, or nil.
    package func lapse(at now: Timestamp) -> GatewayLapse? {
        guard let failures, failures.count > 1 else { return nil }
        let lasts = failures.unverified >= Self.lapseLimit || now.duration(since: failures.since) >= Self.lapsePeriod
        let isBrief = failures.count < Self.lapseLimit || !lasts
        return GatewayLapse(since: failures.since, count: failures.count, isBrief: isBrief)
    }

    private mutating func noteFailure(
        _ outcome: QueryOutcome,
        of refund: Int64,
        _ merchant: String,
        _ wasAnswered: Bool,
        at now: Timestamp
    ) {
        var isUnverified = false
        switch outcome {
        case .report, .notFound, .inconclusive: return
        case .credentialsRefused:
            if isRefusedAlone(refund, of: merchant, wasAnswered: wasAnswered, at: now) { return }
        case .unverified: isUnverified = true
        case .slowedDown, .unreachable: break
        }
        guard !isFailingAlone(refund, at: now) else { return }
        let before = failures ?? (0, 0, now)
        failures = (before.count + 1, isUnverified ? before.unverified + 1 : 0, before.since)
    }

    private mutating func verified(_ refund: Int64, _ merchant: String, at now: Timestamp) -> Change {
        let wasFailing = failingSince != nil || incident != nil
        (incident, failingSince, unverified, refusal, failures) = (nil, nil, nil, nil, nil)
        if refund != lastAnswered { lastVerifiedOther = lastVerified }
        (lastAnswered, lastVerified) = (refund, now)
        makeRoom()
        merchantsAnswered[merchant] = now
        refusedAlone.formUnion(refusals.keys.map(Subject.refund))
        refusedAlone.formUnion(refusedMerchants.map(Subject.merchant))
        refusedAlone.subtract([.refund(refund), .merchant(merchant)])
        failingAlone.formUnion(failed)
        failingAlone.remove(refund)
        endSeries()
        return wasFailing ? .recovered : .none
    }

    private mutating func endSeries() {
        (refusals, refusedMerchants, revoked, failed) = ([:], [], [], [])
    }

    private mutating func makeRoom() {
        if refusedAlone.count >= Self.capacity { refusedAlone = [] }
        if failingAlone.count >= Self.capacity { failingAlone = [] }
        if merchantsAnswered.count >= Self.capacity { merchantsAnswered = [:] }
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

    /// Takes over the incident that another daemon has recorded, or that there is none any more.
    package mutating func shared(_ other: GatewayIncident?) -> Change {
        guard let other else {
            guard incident != nil else { return .none }
            (incident, failingSince, unverified, refusal, failures) = (nil, nil, nil, nil, nil)
            endSeries()
            return .recovered
        }
        return begin(other)
    }

    /// Forgets the answers given to earlier credentials.
    package mutating func forgetAnswers() {
        lastVerifiedBefore = lastVerified ?? lastVerifiedBefore
        (lastVerified, lastVerifiedOther, lastAnswered) = (nil, nil, nil)
        (refusedAlone, failingAlone, merchantsAnswered) = ([], [], [:])
        endSeries()
    }

    /// Forgets since when queries have failed, because none was sent during a pause; an incident goes on.
    package mutating func resumed() {
        if incident == nil { failingSince = nil }
        (unverified, failures) = (nil, nil)
    }

    /// Forgets a refund whose row's id another one has now.
    package mutating func forget(_ refund: Int64) {
        refusals[refund] = nil
        refusedAlone.remove(.refund(refund))
        revoked.remove(refund)
        failed.remove(refund)
        failingAlone.remove(refund)
    }

    /// Records a query that ended without a result.
    package mutating func interrupted(_ refund: Int64) -> Change {
        endWait(for: refund) ?? .none
    }

    /// Moves times back with a clock that was set back by `step`.
    package mutating func clockSetBack(by step: Duration) {
        lastVerified = lastVerified?.advanced(by: .zero - step)
        lastVerifiedOther = lastVerifiedOther?.advanced(by: .zero - step)
        lastVerifiedBefore = lastVerifiedBefore?.advanced(by: .zero - step)
        merchantsAnswered = merchantsAnswered.mapValues { $0.advanced(by: .zero - step) }
        failingSince = failingSince?.advanced(by: .zero - step)
        if let since = failures?.since { failures?.since = since.advanced(by: .zero - step) }
        if let since = unverified?.since { unverified?.since = since.advanced(by: .zero - step) }
    }
}

extension QueryOutcome {
    /// Whether there was neither a verified answer nor a refusal.
    fileprivate var isFailure: Bool {
        if case .credentialsRefused = self { false } else { !isAnswer }
    }
}
