package import RefundCore
package import RefundStore

/// The scheduler's state between cycles.
///
/// A decision returns a new state, which takes effect only once the decision is committed.
package struct SchedulerState: Sendable {
    /// Clocks are slewed, and read one after the other; a smaller difference is not a step.
    static let clockTolerance: Duration = .milliseconds(500)

    // Bounds how long one transaction blocks other writers.
    static let batchLimit = 256
    // How long a row is held after the database rejected a write to it.
    private static let holdDuration: Duration = .seconds(30)
    // Refunds of gateways that are not configured wait for an operator anyway.
    private static let unknownGatewayInterval: Duration = .seconds(60)
    private static let unknownGatewayPause: Duration = .seconds(1)
    // How often the time of the last verified answer is recorded while a gateway is healthy.
    static let sightingInterval: Duration = .seconds(10)

    /// How often webhooks that wait for a secret are reported.
    static let unsignedReportInterval: Duration = .seconds(3_600)
    /// The pause before the next endpoints in turn are read.
    static let endpointTurnPause: Duration = .milliseconds(20)
    /// The pause before the next hints in turn are read.
    static let hintTurnPause: Duration = .milliseconds(50)

    /// The source of jitter and webhook ids; a value type, so that deciding twice draws the same numbers.
    var random: any RandomNumberGenerator & Sendable
    package var gateways: [String: GatewayState] = [:]
    package var endpoints: EndpointLimiter
    /// The webhooks in flight, with the endpoint, the number of the claim, and until when a claim that seems to have
    /// expired is respected.
    package var sending: [String: (endpoint: String, lease: Int64, extendedUntil: Timestamp?)] = [:]
    /// Whether claiming has stopped.
    package var isDraining = false
    /// How many daemons shared the limits when the last cycle read.
    package private(set) var daemons = 1
    /// The gateways and endpoints that were paused when the last cycle read.
    package internal(set) var pauses: [Peer: Pause] = [:]
    /// Writes caused by a reload or a start, left to the next cycle.
    var pendingWrites: [Write] = []
    // Whether the next cycle is to write something, to prove that commits work.
    private var wantsProof = false
    /// When each gateway's sighting was last recorded, and whether it was an answer.
    var sighted: [String: (at: Timestamp, isAnswer: Bool)] = [:]
    /// When each gateway's lapse was last recorded.
    var lapsed: [String: (at: Timestamp, isBrief: Bool)] = [:]
    /// When the next claim can be made, as far as the last cycle knew.
    var nextClaim: Timestamp?
    private var heldRefunds: [Int64: Timestamp] = [:]
    private var heldWebhooks: [String: Timestamp] = [:]
    private var lastUnknownScan: Timestamp?
    private var wantsUnknownScan = true
    private var lastUnknownGateway = ""
    /// With many due webhooks, the endpoint after which to continue; UTF-8.
    var lastEndpoint: [UInt8] = []
    /// With many hints, the one to go on with.
    var nextHint: Int64 = 0
    /// When webhooks that cannot be signed were last reported.
    var unsignedReport: Timestamp?
    /// How far retention is.
    var retention = RetentionPass()
    /// The time that the latest query carried to which a gateway gave an answer about the refund.
    ///
    /// A gateway refuses a query with a wrong time, so the clock was right then.
    var provenTime: Timestamp?

    /// Creates the state of a starting scheduler.
    ///
    /// - Parameters:
    ///   - settings: Its settings.
    ///   - incidents: The incidents that an earlier run recorded, by gateway.
    ///   - lastVerified: When each gateway last gave a verified answer, as far as an earlier run recorded it.
    ///   - random: The source of jitter and webhook ids.
    package init(
        _ settings: SchedulerSettings,
        incidents: [String: GatewayIncident] = [:],
        lastVerified: [String: Timestamp] = [:],
        random: any RandomNumberGenerator & Sendable = SplitMix64(seed: .random(in: 0...UInt64.max))
    ) {
        self.random = random
        endpoints = EndpointLimiter(capacity: settings.webhooks.maxInFlight)
        for (name, gateway) in settings.gateways {
            gateways[name] = GatewayState(gateway, incident: incidents[name], lastVerified: lastVerified[name])
        }
    }

    /// Applies new settings; work in flight ends under the old ones.
    package mutating func apply(_ settings: SchedulerSettings) {
        for name in gateways.keys where settings.gateways[name] == nil { gateways[name]?.retire() }
        for (name, gateway) in settings.gateways {
            guard var state = gateways[name] else {
                gateways[name] = GatewayState(gateway, incident: nil)
                continue
            }
            if state.apply(gateway) { pendingWrites.append(Write(.breaker(.gateway, name: name, nil))) }
            gateways[name] = state
        }
        gateways = gateways.filter { settings.gateways.keys.contains($0.key) || !$0.value.inFlight.isEmpty }
        share(settings, among: daemons)
        unsignedReport = nil
        wantsUnknownScan = true
        lastUnknownScan = nil
        retention = RetentionPass()
    }

    /// Divides the limits among this number of daemons.
    mutating func share(_ settings: SchedulerSettings, among daemons: Int) {
        self.daemons = daemons
        for name in gateways.keys { gateways[name]?.share(among: daemons) }
        endpoints.share(settings.webhooks.maxInFlight, among: daemons)
    }

    /// Makes the next cycle write something and report that it was committed.
    package mutating func prove() { wantsProof = true }

    /// Whether a proof is wanted; from then on, none is.
    mutating func takeProof() -> Bool {
        defer { wantsProof = false }
        return wantsProof
    }

    /// Whether nothing is in flight.
    package var isIdle: Bool { sending.isEmpty && gateways.values.allSatisfy(\.inFlight.isEmpty) }

    /// Records a commit of another process.
    ///
    /// It may have added refunds of a gateway that is not configured, or of a merchant that has not been refused.
    package mutating func noteForeignCommits() {
        wantsUnknownScan = true
        for name in gateways.keys { gateways[name]?.lookForOtherMerchants() }
    }

    /// Records a query that a command sends in place of a daemon, without a claim in the queue.
    package mutating func sending(_ claim: QueryClaim, at now: Timestamp) {
        let fence = RefundClaim(id: claim.refund.id, lease: claim.lease)
        gateways[claim.refund.gateway]?.claimed(claim.refund, fence, of: claim.query.merchantNo, at: now)
    }

    /// Records that more refunds of unconfigured gateways are due than the cycle read.
    mutating func noteUnknownRefunds() { wantsUnknownScan = true }

    /// The next cycle's request to the store.
    package func request(
        _ results: [QueryResult],
        _ deliveries: [DeliveryResult],
        _ settings: SchedulerSettings,
        at now: Timestamp
    ) -> CycleRequest {
        var request = CycleRequest(now: now)
        request.results = results.map(\.claim.refund.id)
        request.deliveries = deliveries.compactMap { result in
            guard case .completed(let outcome) = result.attempt else { return nil }
            let delivery = result.delivery
            return CycleRequest.EndedDelivery(
                id: delivery.id,
                refundID: delivery.refundID,
                url: delivery.url,
                isDelivered: outcome.isDelivered
            )
        }
        request.mustWrite = !results.isEmpty || !deliveries.isEmpty || !pendingWrites.isEmpty || wantsProof
        guard !isDraining else { return request }
        // Looking first would read everything twice.
        if let nextClaim, nextClaim <= now { request.mustWrite = true }
        // Reading starts from the slots that the ended attempts leave free.
        var endpoints = endpoints
        for result in deliveries where isCurrent(result.delivery) { endpoints.ended(result, at: now) }
        request.claims = ClaimRequest(
            latestDue: now.advanced(by: settings.polling.longestDelay),
            latestAttempt: settings.latestAttempt(at: now),
            overdueSince: now.advanced(by: .zero - settings.polling.attentionAfter),
            batch: Self.batchLimit,
            hintInterval: settings.polling.initialInterval,
            gateways: settings.gateways.keys.reduce(into: [:]) { $0[$1] = gateways[$1]?.claim(at: now) },
            includesUnknownGateways: isUnknownScanDue(at: now),
            endpoints: settings.webhooks.hasSecret ? endpoints : nil,
            heldRefunds: Set(heldRefunds.filter { $0.value > now }.keys),
            heldWebhooks: Set(heldWebhooks.filter { $0.value > now }.keys)
        )
        request.claims?.delayedSince = settings.delayedAfter.map { now.advanced(by: .zero - $0) }
        request.claims?.lastUnknownGateway = lastUnknownGateway
        request.claims?.lastEndpoint = lastEndpoint
        request.claims?.firstHint = nextHint
        return request
    }

    /// Whether a webhook is in flight under this claim, and not under a later one.
    func isCurrent(_ delivery: Delivery) -> Bool { sending[delivery.id]?.lease == delivery.lease }

    // MARK: - Gateways that are not configured

    private func isUnknownScanDue(at now: Timestamp) -> Bool {
        guard let last = lastUnknownScan, last <= now else { return true }
        let interval = wantsUnknownScan ? Self.unknownGatewayPause : Self.unknownGatewayInterval
        return now.duration(since: last) >= interval
    }

    /// Records a scan for unknown gateways.
    ///
    /// - Parameters:
    ///   - now: The time.
    ///   - name: The name after which the next scan continues, or nil if this one found the last.
    mutating func beginUnknownScan(at now: Timestamp, next name: String?) {
        lastUnknownScan = now
        lastUnknownGateway = name ?? ""
        wantsUnknownScan = name != nil
    }

    /// When to scan for unknown gateways again because there may be more, or nil.
    var nextUnknownScan: Timestamp? {
        wantsUnknownScan ? lastUnknownScan?.advanced(by: Self.unknownGatewayPause) : nil
    }

    // MARK: - Rows that the database rejects

    /// Holds a refund for a while.
    mutating func hold(refund: Int64, at now: Timestamp) {
        heldRefunds[refund] = now.advanced(by: Self.holdDuration)
    }

    /// Holds a webhook for a while.
    mutating func hold(webhook: String, at now: Timestamp) {
        heldWebhooks[webhook] = now.advanced(by: Self.holdDuration)
    }

    /// Forgets holds that have ended, and returns when the next one does.
    mutating func releaseHolds(at now: Timestamp) -> Timestamp? {
        let latest = now.advanced(by: Self.holdDuration)
        heldRefunds = heldRefunds.filter { $0.value > now && $0.value <= latest }
        heldWebhooks = heldWebhooks.filter { $0.value > now && $0.value <= latest }
        return (Array(heldRefunds.values) + Array(heldWebhooks.values)).min()
    }

    /// Moves times back with a clock that was set back by `step`.
    mutating func clockSetBack(by step: Duration) {
        for name in gateways.keys { gateways[name]?.clockSetBack(by: step) }
        endpoints.clockSetBack(by: step)
        lastUnknownScan = nil
    }
}

extension EndpointLimiter {
    /// Records the end of an attempt.
    ///
    /// - Returns: Whether the endpoint's breaker opened or closed.
    @discardableResult
    mutating func ended(_ result: DeliveryResult, at now: Timestamp) -> CircuitBreaker.Change {
        let delivery = result.delivery
        guard case .completed(let outcome) = result.attempt else {
            interrupted(delivery.endpoint, at: now)
            return .none
        }
        return ended(delivery.endpoint, delivery.id, outcome, at: now)
    }
}
