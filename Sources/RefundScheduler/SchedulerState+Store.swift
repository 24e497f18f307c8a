package import RefundCore
package import RefundStore

extension SchedulerState {
    /// Takes over a queue: ends the last daemon's claims and breakers, and makes misconfigured refunds due again.
    ///
    /// - Throws: `StoreError` if the database fails.
    package init(
        takingOver store: any QueueStore,
        _ settings: SchedulerSettings,
        at now: Timestamp
    ) throws(StoreError) {
        let (incidents, sightings, standings) = try store.write { tx throws(StoreError) in
            try tx.releaseClaims()
            try tx.removeBreakers()
            try tx.retryMisconfigured(at: now)
            try tx.forgetGateways(except: Set(settings.gateways.keys))
            return (try tx.incidents(), try tx.sightings(), try tx.endpointStandings())
        }
        self.init(settings, incidents: incidents, lastVerified: sightings.compactMapValues(\.lastVerified))
        for (endpoint, isProven) in standings { endpoints.restore(endpoint, isProven: isProven) }
    }

    /// How far the clock was set back since the last daemon recorded anything; zero if it was not, or not as far as the
    /// queue can tell.
    ///
    /// - Throws: `StoreError` if the database fails.
    package static func clockStep(before store: any QueueStore, at now: Timestamp) throws(StoreError) -> Duration {
        let last = try store.read { tx throws(StoreError) in try tx.lastRecordedAt() }
        let step = last?.duration(since: now) ?? .zero
        guard step > clockTolerance else { return .zero }
        // Whole seconds are easier to read.
        return .seconds(step.components.seconds + 1)
    }

    /// Applies new settings, and makes misconfigured refunds due again.
    ///
    /// - Throws: `StoreError` if the database fails; the old settings then stay in force.
    package mutating func reload(
        _ settings: SchedulerSettings,
        over store: any QueueStore,
        at now: Timestamp
    ) throws(StoreError) {
        try store.write { tx throws(StoreError) in
            try tx.retryMisconfigured(at: now)
            try tx.forgetGateways(except: Set(settings.gateways.keys))
        }
        apply(settings)
    }

    /// Runs one cycle over a queue: requests, reads, decides and writes.
    ///
    /// - Parameters:
    ///   - store: The queue.
    ///   - queries: The results of queries to write.
    ///   - deliveries: The results of attempts to write.
    ///   - settings: The settings.
    ///   - clockStep: How far the clock was set back since the last cycle; zero if it was not.
    ///   - now: The time of the request.
    ///   - clock: Reads the time of the decision, once the transaction has begun.
    /// - Returns: The committed decision without what the database rejected, or nil if the store asked for none.
    /// - Throws: `StoreError` if the database fails; nothing is written then.
    package func cycle(
        over store: any QueueStore,
        _ queries: [QueryResult],
        _ deliveries: [DeliveryResult],
        _ settings: SchedulerSettings,
        clockStep: Duration,
        at now: Timestamp,
        decidingAt clock: () -> Timestamp
    ) throws(StoreError) -> Decision? {
        let request = request(queries, deliveries, settings, at: now)
        var made: Decision?
        let rejections = try store.cycle(request) { input in
            let decision = decide(request, input, queries, deliveries, settings, clockStep: clockStep, at: clock())
            made = decision
            return decision.writes
        }
        made?.retract(rejections, at: now)
        return made
    }
}
