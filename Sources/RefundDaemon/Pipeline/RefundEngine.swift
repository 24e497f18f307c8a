import RefundCore
import RefundStoreSQLite

/// The flow from row to webhook: what is due is claimed, what came back is written, in one transaction a cycle.
///
/// The engine decides and writes; it sends nothing and reads no clock. It asks the core what follows from an event and
/// the store for what is due. Its owner calls it from one thread at a time, sends what a cycle returns, and runs the
/// next cycle when something arrives or `nextWake` has come.
final class RefundEngine {
    let store: RefundStore
    var settings: EngineSettings
    var desks: [String: GatewayDesk] = [:]
    var shares: EndpointShares
    /// The webhooks whose attempt is in flight.
    var sending: Set<String> = []
    var random: any RandomNumberGenerator
    /// Set when the daemon drains: what is in flight is finished and nothing more is claimed.
    var isDraining = false

    // What arrived and is not written yet: it stays here when the database refuses a transaction.
    private var answers: [TakenAnswer] = []
    private var ends: [DeliveryEnd] = []
    private var changes: [HealthChange] = []
    private var notes: [EngineNote] = []
    private var latestCycle: Timestamp?

    /// A change of how a gateway or an endpoint fares.
    private enum HealthChange {
        case trouble(gateway: String, GatewayHealth.Trouble?)
        case breaker(BreakerKind, String, OpenBreaker?)

        var gateway: String? {
            switch self {
            case .trouble(let gateway, _), .breaker(.gateway, let gateway, _): gateway
            case .breaker(.endpoint, _, _): nil
            }
        }
    }

    init(store: RefundStore, settings: EngineSettings, random: any RandomNumberGenerator) {
        self.store = store
        self.settings = settings
        self.random = random
        shares = EndpointShares(capacity: settings.webhooks.capacity)
    }

    /// Whether nothing is in flight and everything that arrived is written.
    var isIdle: Bool {
        answers.isEmpty && ends.isEmpty && shares.inFlight == 0 && desks.values.allSatisfy(\.inFlight.isEmpty)
    }

    /// Takes over the database: claims of a daemon that is gone end, and what was misconfigured is tried again.
    func start(at now: Timestamp) throws(StoreError) {
        let troubles = try store.transaction { tx in
            try tx.endLeases()
            try tx.removeBreakers()
            try tx.retryMisconfigured(at: now)
            try tx.forgetGateways(except: settings.gateways.keys)
            return try tx.troubles()
        }
        for (name, gateway) in settings.gateways {
            desks[name] = GatewayDesk(settings: gateway, trouble: troubles[name])
        }
    }

    /// Goes by other settings from now on; what is in flight ends under the old ones.
    func reconfigure(_ settings: EngineSettings, at now: Timestamp) throws(StoreError) {
        try store.transaction { tx in
            try tx.retryMisconfigured(at: now)
            try tx.forgetGateways(except: settings.gateways.keys)
        }
        changes.removeAll { change in change.gateway.map { settings.gateways[$0] == nil } ?? false }
        for name in desks.keys where settings.gateways[name] == nil { desks[name]?.retire() }
        for (name, gateway) in settings.gateways {
            guard var desk = desks[name] else {
                desks[name] = GatewayDesk(settings: gateway, trouble: nil)
                continue
            }
            desk.rate.change(perSecond: gateway.limits.maxQueriesPerSecond)
            if desk.settings.address != gateway.address, desk.breaker.openSince != nil {
                // What the old address did or asked for is no concern of the new one.
                desk.breaker = Breaker()
                changes.append(.breaker(.gateway, name, nil))
            }
            desk.settings = gateway
            desks[name] = desk
        }
        desks = desks.filter { settings.gateways.keys.contains($0.key) || !$0.value.inFlight.isEmpty }
        shares.capacity = settings.webhooks.capacity
        self.settings = settings
    }

    /// Writes what arrived and claims what is due.
    ///
    /// - Parameters:
    ///   - now: The time it is now.
    ///   - arrivals: What arrived since the last cycle.
    /// - Returns: What is to be sent, and when to run again.
    /// - Throws: `StoreError` when the database refuses; what arrived is kept for the next cycle.
    func cycle(at now: Timestamp, _ arrivals: Arrivals) throws(StoreError) -> Cycle {
        noteClock(now)
        takeIn(arrivals, at: now)
        if answers.isEmpty, ends.isEmpty, changes.isEmpty {
            // Nobody else can write while a transaction of ours is open, so none is opened for nothing.
            let outlook = try store.read { tx in try self.outlook(tx, at: now) }
            guard outlook.isDue else { return Cycle(notes: takeNotes(), nextWake: outlook.nextWake) }
        }
        var draft: Draft
        do {
            draft = try store.transaction { tx in try self.write(tx, at: now, isolating: false) }
        } catch .refused {
            // One row that the database refuses must not hold up the rest of the batch.
            draft = try store.transaction { tx in try self.write(tx, at: now, isolating: true) }
        }
        CrashPoint.reached(.afterCommit)
        answers = []
        ends = []
        changes = []
        desks = draft.desks
        shares = draft.shares
        sending = draft.sending
        draft.cycle.notes = takeNotes() + draft.cycle.notes
        return draft.cycle
    }

    /// What a transaction works on: copies that take effect only once it is committed.
    struct Draft {
        var desks: [String: GatewayDesk]
        var shares: EndpointShares
        var sending: Set<String>
        var cycle = Cycle()
        var receivers = Receivers()
        /// Whether a row that the database refuses is left out, so that it does not hold up the others.
        var isIsolating: Bool
        /// Whether a batch was cut off, so that the next cycle has something to do at once.
        var isCut = false
        /// Whether a row was left out, which may be due still.
        var isHeldUp = false
    }

    private func write(_ tx: StoreTransaction, at now: Timestamp, isolating: Bool) throws -> Draft {
        var draft = Draft(desks: desks, shares: shares, sending: sending, isIsolating: isolating)
        let context = eventContext
        for change in changes {
            switch change {
            case .trouble(let gateway, let trouble): try tx.setTrouble(trouble, gateway: gateway, context)
            case .breaker(let kind, let name, let open): try tx.setBreaker(kind, name, open)
            }
        }
        let later = now.advanced(by: settings.polling.slowInterval)
        let current = try tx.refunds(ids: answers.map(\.answer.refund.id))
        for taken in answers {
            let id = taken.answer.refund.id
            try isolated("the answer for refund \(id)", tx, &draft) { draft in
                draft.cycle.notes += try apply(taken, to: current[id], tx, at: now, context)
            } putBack: {
                try tx.putBack(id, until: later)
            }
        }
        draft.receivers = try Receivers(of: ends, tx)
        for end in ends {
            try isolated("the attempt of webhook \(end.delivery.id)", tx, &draft) { draft in
                draft.cycle.notes += try apply(end, &draft.receivers, tx, at: now, context)
            } putBack: {
                try tx.putBack(webhook: end.delivery.id, until: later)
            }
        }
        if !isDraining {
            try endStrayLeases(tx)
            try noteAges(tx, at: now, &draft, context)
            try claimRefunds(tx, at: now, &draft, context)
            try claimDeliveries(tx, at: now, &draft, context)
        }
        let after = try outlook(tx, at: now, draft)
        draft.cycle.nextWake = draft.isCut ? now : after.nextWake
        if draft.isHeldUp { draft.cycle.nextWake = now.advanced(by: .seconds(1)) }
        CrashPoint.reached(.beforeCommit)
        return draft
    }

    /// Does the part of a transaction that is about one row.
    ///
    /// When rows are isolated, one that the database refuses is put back, and the rest is written.
    func isolated(
        _ what: String,
        _ tx: StoreTransaction,
        _ draft: inout Draft,
        _ body: (inout Draft) throws -> Void,
        putBack: () throws -> Void = {}
    ) throws {
        guard draft.isIsolating else { return try body(&draft) }
        var attempt = draft
        guard let reason = try tx.refusal(of: { try body(&attempt) }) else {
            draft = attempt
            return
        }
        draft.cycle.notes.append(.refused(what: what, reason: reason))
        draft.isHeldUp = true
        _ = try tx.refusal(of: putBack)
    }

    var eventContext: StoreTransaction.EventContext {
        StoreTransaction.EventContext(
            routing: settings.webhooks.routing,
            merchantNo: { [settings] refund in refund.merchantNo ?? settings.gateways[refund.gateway]?.merchantNo },
            makeWebhookID: { [self] in WebhookID.make(using: &random) }
        )
    }

    /// A uniform draw from 0 to 1.
    func draw() -> Double {
        Double.random(in: 0...1, using: &random)
    }

    // What is told was told once, also when the database refuses the transaction in which it is written.
    private func takeNotes() -> [EngineNote] {
        defer { notes = [] }
        return notes
    }

    // The effects on memory happen once, when something arrives, however often the transaction is tried.
    private func takeIn(_ arrivals: Arrivals, at now: Timestamp) {
        for answer in arrivals.answers {
            let gateway = answer.refund.gateway
            notes.append(
                .answered(gateway: gateway, refund: answer.refund, outcome: answer.outcome, duration: answer.duration)
            )
            let isProbe = desks[gateway]?.ended(answer.refund.id) ?? false
            let isConfigured = settings.gateways.keys.contains(gateway)
            if isConfigured { notes += takeIn(answer, at: now) }
            let isTroubled = !isConfigured || desks[gateway]?.health.trouble != nil
            answers.append(TakenAnswer(answer: answer, isProbe: isProbe, isTroubled: isTroubled))
        }
        for end in arrivals.ends { notes += takeIn(end, at: now) }
        for endpoint in shares.forgetIdle(at: now) { changes.append(.breaker(.endpoint, endpoint, nil)) }
        ends += arrivals.ends
    }

    private func takeIn(_ answer: QueryAnswer, at now: Timestamp) -> [EngineNote] {
        let (gateway, outcome) = (answer.refund.gateway, answer.outcome)
        var notes: [EngineNote] = []
        switch desks[gateway]?.health.answered(outcome, of: answer.refund.id, at: now) {
        case .alarm(let trouble)?:
            changes.append(.trouble(gateway: gateway, trouble))
            notes.append(.gatewayTrouble(gateway: gateway, trouble))
        case .recover?:
            changes.append(.trouble(gateway: gateway, nil))
            notes.append(.gatewayRecovered(gateway: gateway))
        case .some(.none), nil:
            break
        }
        switch desks[gateway]?.answered(outcome, at: now) {
        case .opened?:
            let breaker = OpenBreaker(since: now, reason: outcome.problem ?? "")
            changes.append(.breaker(.gateway, gateway, breaker))
            notes.append(.breakerOpened(gateway: gateway, reason: breaker.reason))
        case .closed?:
            changes.append(.breaker(.gateway, gateway, nil))
            notes.append(.breakerClosed(gateway: gateway))
        case .some(.none), nil:
            break
        }
        return notes
    }

    // No limit begins anew and nothing waits for longer because the clock was set back.
    private func noteClock(_ now: Timestamp) {
        if let latestCycle, now < latestCycle {
            for name in desks.keys { desks[name]?.clockSetBack(by: latestCycle.duration(since: now)) }
        }
        latestCycle = now
    }

    private func takeIn(_ end: DeliveryEnd, at now: Timestamp) -> [EngineNote] {
        sending.remove(end.delivery.id)
        switch shares.ended(end.endpoint, end.delivery.id, end.outcome, at: now) {
        case .none:
            return []
        case .opened:
            let reason = end.outcome.error ?? "not delivered"
            changes.append(.breaker(.endpoint, end.endpoint, OpenBreaker(since: now, reason: reason)))
            return [.endpointFails(endpoint: end.endpoint, reason: reason)]
        case .closed:
            changes.append(.breaker(.endpoint, end.endpoint, nil))
            return [.endpointRecovered(endpoint: end.endpoint)]
        }
    }
}
