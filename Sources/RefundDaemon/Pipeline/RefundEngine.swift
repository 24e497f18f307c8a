import RefundCore
import RefundStore

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
    private var answers: [(answer: QueryAnswer, isProbe: Bool)] = []
    private var ends: [DeliveryEnd] = []
    private var changes: [HealthChange] = []
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
    func start() throws(StoreError) {
        let troubles = try store.transaction { tx in
            try tx.endLeases()
            try tx.removeBreakers()
            try tx.retryMisconfigured()
            try tx.forgetGateways(except: settings.gateways.keys)
            return try tx.troubles()
        }
        for (name, gateway) in settings.gateways {
            desks[name] = GatewayDesk(settings: gateway, trouble: troubles[name])
        }
    }

    /// Goes by other settings from now on; what is in flight ends under the old ones.
    func reconfigure(_ settings: EngineSettings) throws(StoreError) {
        try store.transaction { tx in
            try tx.retryMisconfigured()
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
        var notes = takeIn(arrivals, at: now)
        if answers.isEmpty, ends.isEmpty, changes.isEmpty {
            // Nobody else can write while a transaction of ours is open, so none is opened for nothing.
            let outlook = try store.read { tx in try self.outlook(tx, at: now) }
            guard outlook.isDue else { return Cycle(notes: notes, nextWake: outlook.nextWake) }
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
        notes += draft.cycle.notes
        draft.cycle.notes = notes
        return draft.cycle
    }

    /// What a transaction works on: copies that take effect only once it is committed.
    struct Draft {
        var desks: [String: GatewayDesk]
        var shares: EndpointShares
        var sending: Set<String>
        var cycle = Cycle()
        /// Whether a batch was cut off, so that the next cycle has something to do at once.
        var isCut = false
    }

    private func write(_ tx: StoreTransaction, at now: Timestamp, isolating: Bool) throws -> Draft {
        var draft = Draft(desks: desks, shares: shares, sending: sending)
        let context = eventContext
        // A result that the database refuses is put back, to be asked for or sent again, and the rest is written.
        func attempt(_ what: String, _ body: () throws -> Void, putBack: () throws -> Void) throws {
            guard isolating else { return try body() }
            if let reason = try tx.refusal(of: body) {
                draft.cycle.notes.append(.refused(what: what, reason: reason))
                try putBack()
            }
        }
        for change in changes {
            switch change {
            case .trouble(let gateway, let trouble): try tx.setTrouble(trouble, gateway: gateway, context)
            case .breaker(let kind, let name, let open): try tx.setBreaker(kind, name, open)
            }
        }
        for (answer, isProbe) in answers {
            try attempt("the answer for refund \(answer.refund.id)") {
                draft.cycle.notes += try apply(answer, isProbe: isProbe, tx, at: now, context)
            } putBack: {
                try tx.putBack(answer.refund.id, until: now.advanced(by: settings.polling.slowInterval))
            }
        }
        for end in ends {
            try attempt("the attempt of webhook \(end.delivery.id)") {
                draft.cycle.notes += try apply(end, tx, at: now, context)
            } putBack: {
                try tx.putBack(webhook: end.delivery.id, until: now.advanced(by: settings.polling.slowInterval))
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
        CrashPoint.reached(.beforeCommit)
        return draft
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

    // The effects on memory happen once, when something arrives, however often the transaction is tried.
    private func takeIn(_ arrivals: Arrivals, at now: Timestamp) -> [EngineNote] {
        var notes: [EngineNote] = []
        for answer in arrivals.answers {
            let gateway = answer.refund.gateway
            let duration = now.duration(since: answer.sentAt)
            notes.append(
                .answered(gateway: gateway, refund: answer.refund, outcome: answer.outcome, duration: duration)
            )
            let isProbe = desks[gateway]?.ended(answer.refund.id) ?? false
            answers.append((answer, isProbe))
            if settings.gateways.keys.contains(gateway) { notes += takeIn(answer.outcome, of: gateway, at: now) }
        }
        for end in arrivals.ends { notes += takeIn(end, at: now) }
        for endpoint in shares.forgetIdle(at: now) { changes.append(.breaker(.endpoint, endpoint, nil)) }
        ends += arrivals.ends
        return notes
    }

    private func takeIn(_ outcome: QueryOutcome, of gateway: String, at now: Timestamp) -> [EngineNote] {
        var notes: [EngineNote] = []
        switch desks[gateway]?.health.answered(outcome, at: now) {
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
