import RefundCore
import RefundStoreConformance

@testable import RefundScheduler

/// Watches how often a daemon queries and sends: backoff, rates, probes, and what is in flight.
final class PacingInvariants {
    private var sends: [String: [Timestamp]] = [:]
    private var notBefore: [Int64: (attempts: Int, time: Timestamp)] = [:]
    private var retries: [String: Timestamp] = [:]
    private var incidents: [String: GatewayIncident.Kind] = [:]
    private var lastProbes: [String: Timestamp] = [:]
    // The merchants of the last probe and of those that followed it at once.
    private var probedMerchants: [String: Set<String>] = [:]
    // Refunds with a hint, which makes queries early until one of them counts, and those whose early query is sent.
    private var hinted: Set<Int64> = []
    private var hintedSent: Set<Int64> = []
    // How often in a row each refund was refused alone, in this daemon's life.
    private var refusals: [Int64: Int] = [:]
    // When refunds and webhooks must be due by the true time, whatever the wall clock is set to.
    private var dueRefunds: [Int64: (attempts: Int64, time: Timestamp)] = [:]
    private var dueWebhooks: [String: Timestamp] = [:]
    // Whether the clock was set back and the daemon has not noticed it yet.
    private var isStepUnnoticed = false

    /// When a refund must be due after so many attempts, or nil if nothing is known.
    func due(refund: Int64, attempts: Int64?) -> Timestamp? {
        dueRefunds[refund].flatMap { $0.attempts == attempts ? $0.time : nil }
    }

    /// When a webhook must be due, or nil if nothing is known.
    func due(webhook: String) -> Timestamp? { dueWebhooks[webhook] }

    /// The wall clock was set: what was planned by it happens no earlier in time that passes only if a daemon notices.
    func clockWasSet(back isBack: Bool, isNoticed: Bool) {
        sends = [:]
        notBefore = [:]
        retries = [:]
        lastProbes = [:]
        guard isBack else { return }
        if isNoticed { isStepUnnoticed = true } else { forgetDueTimes() }
    }

    /// A cycle noticed every step of the clock.
    func clockWasRead() { isStepUnnoticed = false }

    /// The daemon ended: what it had not noticed yet, nobody ever will.
    func daemonEnded() {
        if isStepUnnoticed { forgetDueTimes() }
        isStepUnnoticed = false
    }

    /// The database is an older one.
    func databaseRestored() {
        notBefore = [:]
        retries = [:]
        incidents = [:]
        (hinted, hintedSent) = ([], [])
        refusals = [:]
        forgetDueTimes()
    }

    private func forgetDueTimes() {
        dueRefunds = [:]
        dueWebhooks = [:]
    }

    /// A daemon that starts knows nothing of what another one sent, but keeps to the due times.
    ///
    /// It forgets the incidents of gateways that its configuration lacks.
    func daemonStarted(_ configuration: SimulatedConfiguration) {
        sends = [:]
        retries = [:]
        lastProbes = [:]
        refusals = [:]
        incidents = incidents.filter { configuration.limits.keys.contains($0.key) }
    }

    /// Another policy takes due times that the old one set for wrong, and a reload lets the next probe go at once.
    func configurationChanged(_ configuration: SimulatedConfiguration) {
        sends = [:]
        notBefore = [:]
        lastProbes = [:]
        refusals = [:]
        incidents = incidents.filter { configuration.limits.keys.contains($0.key) }
    }

    /// An operator wants a refund queried now.
    func queryWanted(_ id: Int64) {
        hinted.insert(id)
    }

    /// An operator wants a webhook sent again now.
    func redeliveryWanted(_ id: String) {
        retries[id] = nil
        dueWebhooks[id] = nil
    }

    /// An incident is reported once; only refused credentials are graver than a gateway that does not answer.
    func incidentBegan(_ gateway: String, _ kind: GatewayIncident.Kind) throws {
        let known = incidents.updateValue(kind, forKey: gateway)
        try require(
            known == nil || (known == .unreachable && kind == .misconfigured),
            "the incident of \(gateway) is reported twice"
        )
    }

    /// A gateway's answers verify again.
    func incidentEnded(_ gateway: String, _ results: [QueryResult]) throws {
        incidents[gateway] = nil
        let isVerified = results.contains { $0.claim.refund.gateway == gateway && $0.isAnswer }
        try require(isVerified, "\(gateway) is trusted again without an answer that verifies")
    }

    // MARK: - Queries

    func queried(
        _ claim: QueryClaim,
        _ history: LedgerInvariants.History,
        _ daemon: SimulatedDaemon,
        at time: Timestamp
    ) throws {
        let refund = claim.refund
        let (id, gateway) = (refund.id, refund.gateway)
        try require(!history.isFinal, "#\(id) is queried though it is \(history.state)")
        guard let limits = daemon.configuration.limits[gateway] else { throw Violation("#\(id) has no gateway") }
        let inFlight = daemon.queries[gateway] ?? [:]
        try require(inFlight[id] == nil, "#\(id) is queried twice at the same time")
        try require(inFlight.count < limits.maxInFlight, "\(gateway) has \(inFlight.count + 1) in flight")
        try checkRate(gateway, limits, at: time)
        if incidents[gateway] == .misconfigured { try checkProbe(claim, inFlight.count, at: time) }
        if claim.isProbe { try require(inFlight.isEmpty, "\(gateway) is probed with two refunds at a time") }
        if let (attempts, earliest) = notBefore[id], attempts == refund.attempts, refund.attention != .misconfigured {
            let early = earliest.duration(since: time)
            guard early > .milliseconds(2) else { return }
            try require(hinted.contains(id), "#\(id) is queried \(early) too early after \(attempts) queries")
            hintedSent.insert(id)
        }
    }

    // A refund of another merchant is probed at once: the gateway may refuse only one of them.
    private func checkProbe(_ claim: QueryClaim, _ inFlight: Int, at time: Timestamp) throws {
        let (gateway, merchant) = (claim.refund.gateway, claim.query.merchantNo)
        try require(inFlight == 0, "\(gateway) has an incident and is queried with two refunds at a time")
        let wait = lastProbes[gateway].map { time.duration(since: $0) }
        if let wait, wait < .milliseconds(14_998) {
            let isOther = probedMerchants[gateway]?.contains(merchant) == false
            try require(isOther, "\(gateway) has an incident and merchant \(merchant) is queried after \(wait)")
        } else {
            probedMerchants[gateway] = []
        }
        probedMerchants[gateway, default: []].insert(merchant)
        lastProbes[gateway] = time
    }

    private func checkRate(_ gateway: String, _ limits: QueryLimits, at time: Timestamp) throws {
        let perSecond = limits.maxQueriesPerSecond
        let window = Duration.seconds(perSecond < 1 ? 1 / perSecond : 1)
        let permits = max(1, Int(perSecond))
        var recent = (sends[gateway] ?? []).filter { time.duration(since: $0) < window }
        try require(recent.count < permits, "\(gateway) is queried \(recent.count + 1) times within \(window)")
        recent.append(time)
        sends[gateway] = recent
    }

    /// A query ended and its outcome is stored.
    func stored(
        _ result: QueryResult,
        _ fixture: any SimulationFixture,
        _ daemon: SimulatedDaemon,
        _ clock: VirtualClock
    ) throws {
        let refund = result.claim.refund
        let id = refund.id
        let row = try fixture.records(
            "state, attention, attempts, created_at, next_query_at, leased_until",
            "FROM refund_queue WHERE id = ?",
            id
        ).first
        guard let row, row.number("leased_until") == nil, !LedgerInvariants.History.finalStates.contains(row["state"])
        else { return }
        guard let attempts = row.number("attempts").map(Int.init), attempts == refund.attempts + 1 else {
            // A gateway that left the configuration decides nothing any more.
            let isConfigured = daemon.configuration.limits[refund.gateway] != nil
            return try require(!result.isAnswer || !isConfigured, "#\(id): a verified answer was not counted")
        }
        // A gateway that refuses our credentials or asks for a pause has not answered what the operator asked.
        if hintedSent.remove(id) != nil { hinted.remove(id) }
        let range = Self.wait(daemon.configuration.polling, row, attempts: attempts, at: clock.wall)
        let wait = row.time("next_query_at").duration(since: clock.wall)
        let longest = max(range.upperBound, result.retryAfter ?? .zero)
        try require(
            wait >= range.lowerBound && wait <= longest,
            "#\(id) waits \(wait) instead of \(range) after \(attempts) queries"
        )
        notBefore[id] = (attempts, clock.time.advanced(by: range.lowerBound))
        dueRefunds[id] = (Int64(attempts), clock.time.advanced(by: wait))
        try checkRefusal(result, row["attention"], hasSecret: daemon.configuration.hasSecret)
    }

    // A refund that its gateway keeps refusing while it answers others needs attention, until it is answered.
    private func checkRefusal(_ result: QueryResult, _ attention: String, hasSecret: Bool) throws {
        let refund = result.claim.refund
        if result.isAnswer {
            refusals[refund.id] = nil
            let lacksSecret = refund.callbackURL != nil && !hasSecret
            try require(attention != "misconfigured" || lacksSecret, "#\(refund.id) is answered and misconfigured")
        } else if result.isRefusal {
            let count = refusals[refund.id, default: 0] + 1
            refusals[refund.id] = count
            try require(
                count < 3 || ["misconfigured", "mismatch"].contains(attention),
                "#\(refund.id) was refused \(count) times and needs no attention"
            )
        }
    }

    // The contract's formula, written a second time.
    private static func wait(
        _ policy: PollingPolicy,
        _ row: Record,
        attempts: Int,
        at wall: Timestamp
    ) -> ClosedRange<Duration> {
        let age = wall.duration(since: row.time("created_at"))
        var wait = policy.initialInterval
        for _ in 1..<max(attempts, 2) where attempts > 1 && wait < policy.maxInterval {
            wait = wait * policy.multiplier
        }
        wait = min(wait, policy.maxInterval)
        if age >= policy.slowAfter || row["attention"] == "mismatch" { wait = policy.slowInterval }
        let slack = Duration.milliseconds(2)
        return wait * (1 - policy.jitter) - slack...wait * (1 + policy.jitter) + slack
    }

    // MARK: - Webhooks

    func sent(_ delivery: Delivery, _ daemon: SimulatedDaemon, at time: Timestamp) throws {
        let id = delivery.id
        try require(daemon.configuration.hasSecret, "webhook \(id) is sent without a secret")
        try require(
            daemon.deliveries.count < daemon.configuration.maxInFlight,
            "\(daemon.deliveries.count + 1) webhooks are in flight"
        )
        try require(daemon.deliveries[id] == nil, "webhook \(id) is sent twice at the same time")
        if let refund = delivery.refundID {
            try require(
                !daemon.deliveries.values.contains { $0.refundID == refund },
                "#\(refund) has two webhooks in flight"
            )
        }
        if let earliest = retries[id] {
            try require(earliest <= time, "webhook \(id) is sent again \(earliest.duration(since: time)) too early")
        }
    }

    /// A webhook is to be sent again.
    func retryPlanned(_ delivery: Delivery, _ time: Timestamp) { dueWebhooks[delivery.id] = time }

    func ended(_ delivery: Delivery, _ schedule: RetrySchedule, at time: Timestamp) {
        guard delivery.attempts < schedule.delays.count else { return }
        let least = schedule.delays[delivery.attempts] * (1 - RetrySchedule.jitter) - .milliseconds(2)
        retries[delivery.id] = time.advanced(by: least)
    }
}

extension QueryResult {
    /// Whether the gateway answered the question, verified.
    var isAnswer: Bool {
        guard case .completed(let outcome, _) = attempt else { return false }
        switch outcome {
        case .report, .notFound, .inconclusive: return true
        default: return false
        }
    }

    /// Whether the gateway refused the credentials.
    var isRefusal: Bool {
        guard case .completed(.credentialsRefused, _) = attempt else { return false }
        return true
    }

    /// How long the gateway asked to be left alone.
    var retryAfter: Duration? {
        guard case .completed(.slowedDown(_, let retryAfter), _) = attempt else { return nil }
        return retryAfter
    }
}
