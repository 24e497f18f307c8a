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
        let (incidents, sightings, standings, pauses) = try store.write { tx throws(StoreError) in
            try tx.releaseClaims()
            try tx.removeBreakers()
            try tx.retryMisconfigured(at: now)
            try tx.forgetGateways(except: Set(settings.gateways.keys))
            return (try tx.incidents(), try tx.sightings(), try tx.endpointStandings(), try tx.pauses())
        }
        self.init(settings, incidents: incidents, lastVerified: sightings.compactMapValues(\.lastVerified))
        for (name, sighting) in sightings {
            if let failed = sighting.lastErrorAt, failed > sighting.lastVerified ?? failed {
                sighted[name] = (failed, false)
            }
        }
        for (endpoint, isProven) in standings { endpoints.restore(endpoint, isProven: isProven) }
        self.pauses = pauses
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
    /// - Throws: `StoreError` if the database fails, in which case nothing is written.
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

    /// Takes a step of retention, which never fails because of single rows.
    ///
    /// - Parameters:
    ///   - request: The step, from a committed decision.
    ///   - store: The queue.
    ///   - settings: The settings.
    ///   - now: The time.
    /// - Returns: The events, and when to run again.
    /// - Throws: `StoreError` if the database can no longer be trusted.
    package mutating func prune(
        _ request: PruneRequest,
        over store: any QueueStore,
        _ settings: SchedulerSettings,
        at now: Timestamp
    ) throws(StoreError) -> (events: [SchedulerEvent], next: Timestamp?) {
        var events: [SchedulerEvent] = []
        var (batch, rows) = (PruneBatch(last: request.after), PrunedRows())
        do throws(StoreError) {
            // Only a step that has found something locks the queue.
            batch = try store.read { tx throws(StoreError) in try tx.prunable(request) }
            if !batch.ids.isEmpty {
                (batch, rows) = try store.write { tx throws(StoreError) in try tx.prune(request, at: now) }
            }
        } catch  where error.kind == .rejected || error.kind == .application {
            events.append(.rejected(what: "\(batch.ids.count) row(s) of retention", reason: error.reason))
        } catch  where !error.isFatal {
            retention.postpone(at: now)
            return (events, retention.due(settings.retention, at: now))
        }
        if !rows.isEmpty { events.append(.pruned(rows)) }
        if let total = retention.completed(request, batch, rows, settings.retention, at: now), !total.isEmpty {
            events.append(.retentionPassed(total))
        }
        return (events, retention.due(settings.retention, at: now))
    }
}
