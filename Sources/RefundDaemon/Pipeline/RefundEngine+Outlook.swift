import RefundCore
import RefundStoreSQLite

extension RefundEngine {
    /// What the database says is to be done, and when.
    struct Outlook {
        var isDue = false
        var nextWake: Timestamp?

        mutating func add(_ time: Timestamp?, at now: Timestamp) {
            guard let time else { return }
            if time <= now { isDue = true }
            nextWake = min(nextWake ?? time, time)
        }
    }

    /// Looks at what is due now and what comes next.
    ///
    /// What is due but has no place, because enough is in flight, counts for nothing here: the end of what is in flight
    /// runs the next cycle.
    func outlook(
        _ tx: StoreTransaction,
        at now: Timestamp,
        _ draft: Draft? = nil
    ) throws -> Outlook {
        var outlook = Outlook()
        guard !isDraining else { return outlook }
        let (desks, shares) = (draft?.desks ?? self.desks, draft?.shares ?? self.shares)
        if try hasStrayLeases(tx, draft) { outlook.isDue = true }
        for name in try tx.gatewaysInQueue() {
            guard let due = try tx.earliestDue(gateway: name, latest: latestDue(at: now)) else { continue }
            let isKnown = settings.gateways.keys.contains(name)
            outlook.add(isKnown ? desks[name]?.nextQuery(due: due, at: now) : due, at: now)
        }
        outlook.add(try tx.oldestAgeing()?.advanced(by: settings.polling.attentionAfter), at: now)
        guard settings.webhooks.hasSecret else { return outlook }
        let waiting = try tx.waitingEndpoints(at: now, latest: latestAttempt(at: now))
        outlook.add(waiting.next, at: now)
        for endpoint in waiting.due {
            if let next = shares.nextAttempt(at: endpoint, now: now), next > now {
                outlook.add(next, at: now)
            } else if shares.free(for: endpoint, at: now) > 0 {
                outlook.isDue = true
                outlook.add(
                    try tx.nextDelivery(endpoint: endpoint, after: now, latest: latestAttempt(at: now)),
                    at: now
                )
            }
        }
        return outlook
    }

    // A claim that no query or attempt in flight stands behind would hide its refund or webhook for ever. In the middle
    // of a transaction, what is claimed in it is in flight already.
    private func hasStrayLeases(_ tx: StoreTransaction, _ draft: Draft? = nil) throws -> Bool {
        let queries = (draft?.desks ?? desks).values.reduce(0) { $0 + $1.inFlight.count }
        return try tx.leases() > queries + (draft?.sending ?? sending).count
    }

    /// Ends claims that nothing in flight stands behind.
    func endStrayLeases(_ tx: StoreTransaction) throws {
        guard try hasStrayLeases(tx) else { return }
        try tx.endLeases(except: desks.values.reduce(into: []) { $0.formUnion($1.inFlight) }, sending)
    }

    /// The latest due time that can be this daemon's own.
    func latestDue(at now: Timestamp) -> Timestamp {
        now.advanced(by: settings.polling.longestDelay)
    }

    /// The latest time of an attempt that can be this daemon's own.
    func latestAttempt(at now: Timestamp) -> Timestamp {
        now.advanced(by: max(settings.webhooks.retrySchedule.longestDelay, settings.polling.slowInterval))
    }
}
