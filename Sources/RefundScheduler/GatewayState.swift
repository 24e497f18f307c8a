package import RefundCore
package import RefundStore

/// The scheduler's state of one gateway: queries in flight, permits, health, and the circuit breaker.
///
/// While the breaker is open, the gateway is probed with one refund at a time, in turn, so that a refund that fails for
/// reasons of its own does not keep the breaker open.
package struct GatewayState: Sendable {
    // The most refunds whose refusals are counted; beyond them, all counts are dropped.
    private static let refusalCapacity = 10_000
    // The most merchants whose turns among probes are remembered.
    private static let probeCapacity = 1_000
    // How many merchants are probed out of turn before the gateway is assumed to refuse all.
    private static let merchantLimit = 4

    /// The effect of a result on the queried refund.
    package enum Treatment: Hashable, Sendable {
        /// It counts: the refund backs off, at least until the time the gateway asked for.
        case count(notBefore: Timestamp?)
        /// The gateway is down or asked for a pause: the refund stays due and keeps its backoff.
        case spare
        /// The gateway has an incident, or may have one: the row does not change.
        case release
    }

    package private(set) var health: GatewayHealth
    package private(set) var breaker = CircuitBreaker()
    /// The refunds in flight, with the number of the claim.
    package private(set) var inFlight: [Int64: Int64] = [:]
    /// Whether the next odd permit goes to a new refund rather than to a waiting one.
    package var favorsNew = false
    private var limits: QueryLimits
    // How many daemons share the limits.
    private var daemons = 1
    // When the next probe may be sent, as another daemon recorded it last.
    private var sharedProbe: Timestamp?
    private var address: String
    private var merchantNo: String?
    // Whether a refund of a merchant that has not been refused may be probed at once.
    private var wantsOtherMerchant = false
    private var rate: RateLimit
    private var probes = ClaimRequest.ProbeTurn()
    private var turns = ClaimRequest.MerchantTurns()
    private var probe: Int64?
    // The refusals of each refund since it was last answered, and when it was enqueued.
    private var refusals: [Int64: (count: Int, since: Timestamp, enqueuedAt: Timestamp)] = [:]
    // Refused merchants of which an event has reported a refund.
    private var reportedMerchants: Set<String> = []
    private var lastFailed: Int64?
    private var lastSlowedDown: Int64?
    // The only refund whose answer asked for the current pause.
    private var pausedBy: Int64?

    /// Creates the state of a gateway before its first query, with what an earlier run recorded.
    package init(_ settings: SchedulerSettings.Gateway, incident: GatewayIncident?, lastVerified: Timestamp? = nil) {
        limits = settings.limits
        address = settings.address
        merchantNo = settings.merchantNo
        rate = RateLimit(perSecond: settings.limits.maxQueriesPerSecond)
        health = GatewayHealth(incident: incident, lastVerified: lastVerified)
        if let incident, incident.kind == .misconfigured { trip(incident.message, at: incident.since) }
    }

    /// Applies new settings.
    ///
    /// - Returns: Whether the breaker closed, because the gateway has a new address.
    package mutating func apply(_ settings: SchedulerSettings.Gateway) -> Bool {
        limits = settings.limits
        merchantNo = settings.merchantNo
        share(among: daemons)
        (refusals, reportedMerchants) = ([:], [])
        health.forgetAnswers()
        defer { address = settings.address }
        breaker.probeNow()
        guard address != settings.address, breaker.openSince != nil, !health.isBlocked else { return false }
        breaker = CircuitBreaker()
        return true
    }

    /// Divides the limits among this number of daemons; each may always have one query in flight.
    package mutating func share(among daemons: Int) {
        self.daemons = daemons
        rate.change(perSecond: limits.maxQueriesPerSecond / Double(daemons))
    }

    private var maxInFlight: Int { max(limits.maxInFlight / daemons, 1) }

    /// Takes over what other daemons have found out since the last cycle.
    ///
    /// - Parameters:
    ///   - incident: The incident on record, or nil.
    ///   - open: The open breaker on record, or nil.
    ///   - now: The time.
    /// - Returns: The changes of the gateway's health and breaker.
    package mutating func adopt(
        _ incident: GatewayIncident?,
        _ open: OpenBreaker?,
        at now: Timestamp
    ) -> (health: GatewayHealth.Change, breaker: CircuitBreaker.Change) {
        let wasBlocked = health.isBlocked
        let change = record(health.shared(incident), at: now)
        let isKnown = open?.nextProbe == sharedProbe
        sharedProbe = open?.nextProbe
        if let open {
            let next = isKnown ? nil : open.nextProbe
            return (change, breaker.shared(since: open.since, open.reason, nextProbe: next, at: now))
        }
        // An incident that an earlier run recorded has opened the breaker without a record.
        guard breaker.openSince != nil, !health.isBlocked, probe == nil else { return (change, .none) }
        breaker = CircuitBreaker()
        return (change, wasBlocked ? .none : .closed)
    }

    /// Forgets the gateway's health, because it is no longer configured.
    package mutating func retire() {
        health = GatewayHealth()
        breaker = CircuitBreaker()
    }

    /// Resets the health after a pause: nothing was sent, so how long the gateway has failed is unknown.
    package mutating func resumed() {
        health.resumed()
        breaker.probeNow()
    }

    /// The refunds that may be claimed now.
    package func claim(at now: Timestamp) -> ClaimRequest.GatewayClaim {
        guard !health.isUndecided else { return ClaimRequest.GatewayClaim(permits: 0) }
        let free = max(0, min(maxInFlight - inFlight.count, rate.freePermits(at: now)))
        guard let next = breaker.nextProbe(at: now) else {
            var claim = ClaimRequest.GatewayClaim(permits: free)
            claim.turns = turns
            return claim
        }
        let isDue = inFlight.isEmpty && next <= now
        guard !isDue, mayProbeOthers else {
            return ClaimRequest.GatewayClaim(permits: isDue ? min(free, 1) : 0, probe: probes)
        }
        var excluded = health.refusedMerchants
        if let merchantNo, excluded.contains(merchantNo) { excluded.insert("") }
        return ClaimRequest.GatewayClaim(permits: min(free, 1), probe: probes, excludedMerchants: excluded)
    }

    // One merchant's refusals must not hold up the others: a refund of another merchant is probed at once.
    private var mayProbeOthers: Bool { wantsOtherMerchant && health.isBlocked && inFlight.isEmpty }

    /// Allows an immediate probe with a refund of a merchant that has not been refused, in case there is one.
    package mutating func lookForOtherMerchants() {
        let refused = health.refusedMerchants
        wantsOtherMerchant = health.isBlocked && !refused.isEmpty && refused.count < Self.merchantLimit
    }

    /// Records that the search for a refund of another merchant is over.
    package mutating func lookedForOtherMerchants() {
        wantsOtherMerchant = false
    }

    /// When a refund that is due at `due` may be queried, or nil if a query in flight must end first.
    package func nextQuery(due: Timestamp, at now: Timestamp) -> Timestamp? {
        guard !health.isUndecided else { return nil }
        let free = max(due, rate.nextPermit(at: now))
        if mayProbeOthers { return free }
        if let probe = breaker.nextProbe(at: now) { return inFlight.isEmpty ? max(free, probe) : nil }
        return inFlight.count < maxInFlight ? free : nil
    }

    /// Whether a refund has been refused often enough to be misconfigured.
    package func isRefused(_ refund: Int64) -> Bool {
        refusals[refund]?.count ?? 0 >= GatewayHealth.refusalLimit
    }

    /// Whether none of a merchant's refunds has been answered since this one was first refused, so that the merchant is
    /// refused and not only the refund.
    package func isRefused(merchant: String, since refund: Int64) -> Bool {
        guard let since = refusals[refund]?.since else { return false }
        return !health.hasAnswered(merchant: merchant, since: since)
    }

    /// Records that an event reports the refusals of a merchant.
    ///
    /// - Returns: Whether it is the first since the gateway last answered the merchant.
    package mutating func report(merchant: String) -> Bool { reportedMerchants.insert(merchant).inserted }

    /// Records that a refund was claimed to be queried at once.
    package mutating func claimed(_ refund: Refund, _ claim: RefundClaim, of merchant: String, at now: Timestamp) {
        inFlight[refund.id] = claim.lease
        rate.take(at: now)
        // After a restore, another refund may have the row's id.
        if let known = refusals[refund.id], known.enqueuedAt != refund.createdAt {
            refusals[refund.id] = nil
            health.forget(refund.id)
        }
        if refund.isRefused {
            health.wasRefusedAlone(refund.id)
            if refund.notified.contains(.merchantRefused) { reportedMerchants.insert(merchant) }
        }
        guard breaker.openSince != nil else { return }
        probe = refund.id
        if probes.cursors.count >= Self.probeCapacity { probes.cursors = [:] }
        probes.merchant = refund.merchantKey
        probes.cursors[refund.merchantKey] = ClaimRequest.ProbeCursor(due: refund.nextQueryAt ?? now, id: refund.id)
        breaker.probed(at: now)
    }

    /// Records whose turn it was among the merchants.
    ///
    /// - Parameters:
    ///   - due: The refunds that were read.
    ///   - claimed: The refunds that were claimed.
    package mutating func tookTurns(_ due: DueRefunds, claimed: Set<Int64>) {
        func last(_ turn: DueRefunds.Turn?, _ rows: [QueuedRefund]) -> String? {
            guard let turn else { return nil }
            let refund = rows.prefix(turn.count).last { claimed.contains($0.refund.id) }?.refund
            return refund?.merchantKey ?? (turn.count == 0 ? turn.examined : nil)
        }
        turns.new = last(due.newTurn, due.new) ?? turns.new
        turns.waiting = last(due.waitingTurn, due.waiting) ?? turns.waiting
    }

    /// Records when the last claimed queries were sent: permits count from then.
    package mutating func sent(_ count: Int, at now: Timestamp) {
        rate.restamp(count, at: now)
    }

    /// Whether a refund is in flight under this claim, and not under a later one.
    package func isCurrent(_ claim: QueryClaim) -> Bool { inFlight[claim.refund.id] == claim.lease }

    /// Records that a query ended without a result, or was never sent.
    package mutating func interrupted(_ refund: Int64, at now: Timestamp) -> GatewayHealth.Change {
        guard inFlight.removeValue(forKey: refund) != nil else { return .none }
        if probe == refund {
            probe = nil
            breaker.probeInterrupted(at: now)
        }
        return record(health.interrupted(refund), at: now)
    }

    /// Records the outcome of a query whose claim is current.
    ///
    /// - Returns: The treatment of the refund, and the changes of the gateway's health and breaker.
    package mutating func completed(
        _ claim: QueryClaim,
        _ outcome: QueryOutcome,
        at now: Timestamp
    ) -> (treatment: Treatment, health: GatewayHealth.Change, breaker: CircuitBreaker.Change) {
        let (refund, merchant, wasAnswered) = (claim.refund.id, claim.query.merchantNo, claim.refund.wasAnswered)
        let isProbe = probe == refund
        if isProbe { probe = nil }
        inFlight[refund] = nil
        let answersOthers = health.answersOthers(than: refund, at: now)
        let isOwnFailure = health.isFailingAlone(refund, at: now)
        let isOwnRefusal = health.isRefusedAlone(refund, of: merchant, wasAnswered: wasAnswered, at: now)
        let refusedMerchants = health.refusedMerchants.count
        let wasOpen = breaker.openSince != nil
        let answered = health.answered(
            outcome,
            refund: refund,
            merchant: merchant,
            wasAnswered: wasAnswered,
            others: Set(inFlight.keys),
            at: now
        )
        let change = record(answered, at: now)
        let opened: CircuitBreaker.Change = !wasOpen && breaker.openSince != nil ? .opened : .none
        switch outcome {
        case .report, .notFound, .inconclusive:
            refusals[refund] = nil
            reportedMerchants.remove(merchant)
            (lastFailed, lastSlowedDown) = (nil, nil)
            return (.count(notBefore: nil), change, endPause(answered: refund) ?? breaker.succeeded())
        case .credentialsRefused:
            if isOwnRefusal { countRefusal(of: claim.refund, at: now) }
            if health.refusedMerchants.count > refusedMerchants { lookForOtherMerchants() }
            if health.isBlocked { return (.release, change, endProbe(outcome, opened, at: now)) }
            if health.isUndecided { return (.release, change, .none) }
            return (.count(notBefore: nil), change, breaker.succeeded())
        case .unverified:
            if health.isBlocked { return (.release, change, endProbe(outcome, opened, at: now)) }
            return (.count(notBefore: nil), change, breaker.succeeded())
        case .slowedDown(let reason, let retryAfter):
            // If only one refund runs into a limit, the limit is not the gateway's.
            let isAlone = lastSlowedDown == nil || lastSlowedDown == refund
            if !isOwnFailure { lastSlowedDown = refund }
            if isOwnFailure || isAlone && answersOthers, !health.isBlocked, isOwnFailure || !wasOpen {
                if isProbe { breaker.probeInterrupted(at: now) }
                return (.count(notBefore: retryAfter.map(now.advanced(by:))), change, .none)
            }
            if health.isBlocked { return (.release, change, endProbe(outcome, opened, at: now)) }
            pausedBy = isAlone && (!wasOpen || pausedBy == refund) ? refund : nil
            return (.spare, change, breaker.paused(for: retryAfter, reason, at: now))
        case .unreachable(let reason, _):
            // However often one refund fails, its failures do not count against the gateway.
            if health.isBlocked { return (.release, change, endProbe(outcome, opened, at: now)) }
            if isOwnFailure {
                if isProbe { breaker.probeInterrupted(at: now) }
                return (.count(notBefore: nil), change, .none)
            }
            let isRepeated = lastFailed == refund && breaker.openSince == nil
            lastFailed = refund
            let breakerChange = isRepeated ? .none : breaker.failed(reason, at: now)
            return (isProbe ? .spare : .count(notBefore: nil), change, breakerChange)
        }
    }

    // An answer about another refund in flight shows that the limit concerned only the refund that ran into it.
    private mutating func endPause(answered refund: Int64) -> CircuitBreaker.Change? {
        defer { pausedBy = nil }
        guard let pausedBy, pausedBy != refund, breaker.openSince != nil else { return nil }
        breaker = CircuitBreaker()
        return .closed
    }

    private mutating func endProbe(
        _ outcome: QueryOutcome,
        _ opened: CircuitBreaker.Change,
        at now: Timestamp
    ) -> CircuitBreaker.Change {
        _ = breaker.failed(outcome.problem ?? "", at: now)
        return opened
    }

    private mutating func record(_ change: GatewayHealth.Change, at now: Timestamp) -> GatewayHealth.Change {
        if case .incident(let incident) = change, incident.kind == .misconfigured {
            trip(incident.message, at: now)
            lookForOtherMerchants()
        }
        return change
    }

    private mutating func trip(_ reason: String, at now: Timestamp) {
        _ = breaker.tripped(every: GatewayHealth.probeInterval, reason, at: now)
    }

    private mutating func countRefusal(of refund: Refund, at now: Timestamp) {
        if refusals.count >= Self.refusalCapacity { refusals = [:] }
        refusals[refund.id, default: (0, now, refund.createdAt)].count += 1
    }

    /// Moves times back with a clock that was set back by `step`.
    package mutating func clockSetBack(by step: Duration) {
        rate.clockSetBack(by: step)
        health.clockSetBack(by: step)
        breaker.clockSetBack(by: step)
        refusals = refusals.mapValues { ($0.count, $0.since.advanced(by: .zero - step), $0.enqueuedAt) }
    }
}
