import RefundCore
import RefundStoreSQLite

extension RefundEngine {
    /// Bounds how long one transaction keeps other programs from writing.
    static let batchLimit = 256

    /// Writes what came of a query to the refund's row as it is now.
    func apply(
        _ taken: TakenAnswer,
        to current: Refund?,
        _ tx: StoreTransaction,
        at now: Timestamp,
        _ context: StoreTransaction.EventContext
    ) throws -> [EngineNote] {
        let answer = taken.answer
        // The row may have changed since it was claimed: a person may have ended it, a webhook of it may have died.
        guard let current, !current.state.isFinal,
            current.attempts == answer.refund.attempts, !taken.isGatewaysTrouble
        else {
            try tx.release(answer.refund.id)
            return []
        }
        var machine = RefundStateMachine(current, policy: settings.polling)
        guard !taken.isSpared else {
            machine.querySpared(answer.outcome, sentAt: answer.sentAt, at: now)
            try tx.apply(machine.refund, [], endsLease: true, context)
            return []
        }
        var transitions = machine.queryAnswered(answer.outcome, sentAt: answer.sentAt, at: now, draw: draw())
        try noteDeadWebhooks(&machine, &transitions, before: current, tx, at: now)
        try tx.apply(machine.refund, transitions, endsLease: true, context)
        return transitions.map { .transition(refund: machine.refund, $0) }
    }

    // A graver reason hid that a webhook is dead; now that it has ended, that stands again.
    private func noteDeadWebhooks(
        _ machine: inout RefundStateMachine,
        _ transitions: inout [Transition],
        before: Refund,
        _ tx: StoreTransaction,
        at now: Timestamp
    ) throws {
        guard before.attention != nil, machine.refund.attention == nil, !machine.refund.state.isFinal else { return }
        let dead = try tx.deadWebhooks(refundID: before.id)
        if dead > 0 { transitions += machine.webhooksChanged(dead: dead, at: now) }
    }

    /// Tells of the refunds that have reached the age at which a person should know.
    func noteAges(
        _ tx: StoreTransaction,
        at now: Timestamp,
        _ draft: inout Draft,
        _ context: StoreTransaction.EventContext
    ) throws {
        let createdBy = now.advanced(by: .zero - settings.polling.attentionAfter)
        for refund in try tx.ageing(createdBy: createdBy, limit: Self.batchLimit) {
            try isolated("the age of refund \(refund.id)", tx, &draft) { draft in
                var machine = RefundStateMachine(refund, policy: settings.polling)
                let transitions = machine.aged(at: now)
                try tx.apply(machine.refund, transitions, endsLease: false, context)
                draft.cycle.notes += transitions.map { .transition(refund: machine.refund, $0) }
            }
        }
    }

    /// Claims the refunds that are due, gateway by gateway, the longest due first.
    func claimRefunds(
        _ tx: StoreTransaction,
        at now: Timestamp,
        _ draft: inout Draft,
        _ context: StoreTransaction.EventContext
    ) throws {
        for name in try tx.gatewaysInQueue() {
            try tx.mendDueTimes(gateway: name, at: now, latest: latestDue(at: now))
            guard settings.gateways.keys.contains(name), var desk = draft.desks[name] else {
                let trouble = "the configuration has no gateway \"\(name)\"; add [gateways.\(name)] to it"
                for refund in try tx.due(gateway: name, at: now, limit: Self.batchLimit) {
                    try isolated("the claim of refund \(refund.id)", tx, &draft) { draft in
                        try putOff(refund, trouble, tx, at: now, &draft, context)
                    }
                }
                continue
            }
            let leaseEnd = now.advanced(by: desk.settings.timeout + .seconds(60))
            let isIsolating = draft.isIsolating
            var leased: [Int64] = []
            // All at once costs less, unless each must show on its own whether the database takes it.
            func lease(_ id: Int64) throws {
                if isIsolating { try tx.lease([id], until: leaseEnd) } else { leased.append(id) }
            }
            for refund in try due(desk, name, tx, at: now) {
                try isolated("the claim of refund \(refund.id)", tx, &draft) { draft in
                    try claim(refund, by: &desk, tx, at: now, &draft, context, lease: lease)
                } putBack: {
                    try tx.putBack(refund.id, until: now.advanced(by: settings.polling.slowInterval))
                }
            }
            try tx.lease(leased, until: leaseEnd)
            draft.desks[name] = desk
        }
    }

    private func claim(
        _ refund: Refund,
        by desk: inout GatewayDesk,
        _ tx: StoreTransaction,
        at now: Timestamp,
        _ draft: inout Draft,
        _ context: StoreTransaction.EventContext,
        lease: (Int64) throws -> Void
    ) throws {
        // A stray UPDATE has taken its claim away.
        guard !desk.inFlight.contains(refund.id) else { return try lease(refund.id) }
        guard let merchantNo = refund.merchantNo ?? desk.settings.merchantNo,
            let query = RefundQuery(refund, merchantNo: merchantNo)
        else {
            let trouble =
                "the row has no merchant_no and gateway \"\(refund.gateway)\" has none; set its merchant_no"
            return try putOff(refund, trouble, tx, at: now, &draft, context)
        }
        let claimed = try check(refund, tx, at: now, &draft, context)
        try lease(refund.id)
        desk.sent(refund, at: now)
        draft.cycle.queries.append((claimed, query, desk.settings.send))
    }

    private func due(
        _ desk: GatewayDesk,
        _ name: String,
        _ tx: StoreTransaction,
        at now: Timestamp
    ) throws -> [Refund] {
        let permits = min(desk.permits(at: now), Self.batchLimit)
        guard permits > 0 else { return [] }
        guard desk.isProbed else { return try tx.due(gateway: name, at: now, limit: permits) }
        let next = try tx.due(gateway: name, at: now, limit: 1, after: desk.lastProbed)
        return try next.isEmpty ? tx.due(gateway: name, at: now, limit: 1) : next
    }

    // A refund that cannot be queried at all is told and looked at again later, or as soon as the configuration changes.
    private func putOff(
        _ refund: Refund,
        _ trouble: String,
        _ tx: StoreTransaction,
        at now: Timestamp,
        _ draft: inout Draft,
        _ context: StoreTransaction.EventContext
    ) throws {
        var machine = RefundStateMachine(refund, policy: settings.polling)
        let transitions = machine.checked(trouble: trouble, at: now)
        machine.postponed(at: now, draw: draw())
        try tx.apply(machine.refund, transitions, endsLease: false, context)
        draft.cycle.notes += transitions.map { .transition(refund: machine.refund, $0) }
    }

    // A refund whose webhooks cannot be signed is told, and queried all the same.
    private func check(
        _ refund: Refund,
        _ tx: StoreTransaction,
        at now: Timestamp,
        _ draft: inout Draft,
        _ context: StoreTransaction.EventContext
    ) throws -> Refund {
        let lacksSecret = refund.callbackURL != nil && !settings.webhooks.hasSecret
        guard lacksSecret || refund.attention == .misconfigured else { return refund }
        var machine = RefundStateMachine(refund, policy: settings.polling)
        let trouble = "the row has a callback_url and no secret is configured; set [webhook] secret_files"
        var transitions = machine.checked(trouble: lacksSecret ? trouble : nil, at: now)
        try noteDeadWebhooks(&machine, &transitions, before: refund, tx, at: now)
        guard !transitions.isEmpty else { return refund }
        try tx.apply(machine.refund, transitions, endsLease: false, context)
        draft.cycle.notes += transitions.map { .transition(refund: machine.refund, $0) }
        return machine.refund
    }
}
