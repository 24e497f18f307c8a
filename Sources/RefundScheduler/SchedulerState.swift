package import RefundCore
package import RefundStore

/// Everything that the scheduler remembers between cycles.
///
/// A decision returns a new state, which takes effect only once the decision is committed.
package struct SchedulerState: Sendable {
    // Bounds how long one transaction keeps other processes from writing.
    static let batchLimit = 256
    // How long a row is left alone after the database rejected a write to it.
    private static let holdDuration: Duration = .seconds(30)
    // Refunds of gateways that are not configured wait for an operator anyway.
    private static let unknownGatewayInterval: Duration = .seconds(60)
    private static let unknownGatewayPause: Duration = .seconds(1)
    // How often the time of the last verified answer is recorded while a gateway is well.
    static let sightingInterval: Duration = .seconds(10)

    /// The source of jitter and webhook ids; a value, so that deciding twice draws the same.
    var random: any RandomNumberGenerator & Sendable
    package var gateways: [String: GatewayState] = [:]
    package var endpoints: EndpointLimiter
    /// The webhooks in flight, with the endpoint and the number of the claim.
    package var sending: [String: (endpoint: String, lease: Int64)] = [:]
    /// Whether nothing more is claimed.
    package var isDraining = false
    /// Writes that follow from a reload or a start, to be made by the next cycle.
    var pendingWrites: [Write] = []
    /// When a sighting of each gateway was last recorded, and whether it was of an answer.
    var sighted: [String: (at: Timestamp, isAnswer: Bool)] = [:]
    private var heldRefunds: [Int64: Timestamp] = [:]
    private var heldWebhooks: [String: Timestamp] = [:]
    private var lastUnknownScan: Timestamp?
    private var wantsUnknownScan = true

    /// Creates the state of a scheduler that starts.
    ///
    /// - Parameters:
    ///   - settings: Its settings.
    ///   - incidents: The incidents that an earlier run recorded, by gateway.
    ///   - random: The source of jitter and webhook ids.
    package init(
        _ settings: SchedulerSettings,
        incidents: [String: GatewayIncident] = [:],
        random: any RandomNumberGenerator & Sendable = SplitMix64(seed: .random(in: 0...UInt64.max))
    ) {
        self.random = random
        endpoints = EndpointLimiter(capacity: settings.webhooks.maxInFlight)
        for (name, gateway) in settings.gateways {
            gateways[name] = GatewayState(gateway, incident: incidents[name])
        }
    }

    /// Applies new settings; what is in flight ends under the old ones.
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
        endpoints.capacity = settings.webhooks.maxInFlight
        wantsUnknownScan = true
        lastUnknownScan = nil
    }

    /// Whether nothing is in flight.
    package var isIdle: Bool { sending.isEmpty && gateways.values.allSatisfy(\.inFlight.isEmpty) }

    /// Records that another process committed, perhaps refunds of a gateway that is not configured.
    package mutating func noteForeignCommits() { wantsUnknownScan = true }

    /// Records that more refunds of gateways that are not configured are due than were read.
    mutating func noteUnknownRefunds() { wantsUnknownScan = true }

    /// What the next cycle has to read.
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
        request.mustWrite = !results.isEmpty || !deliveries.isEmpty || !pendingWrites.isEmpty
        guard !isDraining else { return request }
        request.claims = ClaimRequest(
            latestDue: now.advanced(by: settings.polling.longestDelay),
            latestAttempt: settings.latestAttempt(at: now),
            overdueSince: now.advanced(by: .zero - settings.polling.attentionAfter),
            batch: Self.batchLimit,
            hintInterval: settings.polling.initialInterval,
            gateways: settings.gateways.keys.reduce(into: [:]) { $0[$1] = gateways[$1]?.claim(at: now) },
            includesUnknownGateways: isUnknownScanDue(at: now),
            endpoints: settings.webhooks.hasSecret ? endpoints(without: deliveries, at: now) : nil,
            heldRefunds: Set(heldRefunds.filter { $0.value > now }.keys),
            heldWebhooks: Set(heldWebhooks.filter { $0.value > now }.keys)
        )
        return request
    }

    // The slots of attempts that ended are free for this cycle. Without them, a full endpoint would look as if nothing
    // could be sent, and nothing would wake the scheduler for the webhooks that wait.
    private func endpoints(without results: [DeliveryResult], at now: Timestamp) -> EndpointLimiter {
        var endpoints = endpoints
        for result in results where isCurrent(result.delivery) {
            endpoints.interrupted(result.delivery.endpoint, at: now)
        }
        return endpoints
    }

    /// Whether a webhook is in flight under this claim, and not under a later one.
    func isCurrent(_ delivery: Delivery) -> Bool { sending[delivery.id]?.lease == delivery.lease }

    // MARK: - Gateways that are not configured

    private func isUnknownScanDue(at now: Timestamp) -> Bool {
        guard let last = lastUnknownScan, last <= now else { return true }
        let interval = wantsUnknownScan ? Self.unknownGatewayPause : Self.unknownGatewayInterval
        return now.duration(since: last) >= interval
    }

    /// Records that unknown gateways are looked for.
    mutating func beginUnknownScan(at now: Timestamp) {
        lastUnknownScan = now
        wantsUnknownScan = false
    }

    /// When to look again because there may be more, or nil.
    var nextUnknownScan: Timestamp? {
        wantsUnknownScan ? lastUnknownScan?.advanced(by: Self.unknownGatewayPause) : nil
    }

    // MARK: - Rows that the database rejects

    /// Leaves a refund alone for a while.
    mutating func hold(refund: Int64, at now: Timestamp) {
        heldRefunds[refund] = now.advanced(by: Self.holdDuration)
    }

    /// Leaves a webhook alone for a while.
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
