import RefundCore
import RefundStore

extension Decider {
    /// Records which gateways and endpoints are paused by now.
    mutating func notePauses() {
        let known = decision.state.pauses
        for (peer, pause) in input.pauses.sorted(by: { $0.key < $1.key }) where known[peer] != pause {
            decision.events.append(.paused(peer, pause))
        }
        for peer in known.keys.sorted() where input.pauses[peer] == nil {
            decision.events.append(.resumed(peer))
            if case .gateway(let name) = peer { decision.state.gateways[name]?.resumed() }
        }
        decision.state.pauses = input.pauses
    }

    /// Whether nothing may be claimed for a peer.
    func isPaused(_ peer: Peer) -> Bool { decision.state.pauses[peer] != nil }

    /// Releases expired claims: those that a stray `UPDATE` left, and those of a send that never ended.
    ///
    /// While another process held the lock, time went by for those whose result is here, too. Nor does a clock that was
    /// set ahead, or a machine that was suspended, end an attempt of this daemon: as long as it may go on, the refund's
    /// next webhook must wait.
    mutating func releaseExpiredClaims(except deliveries: [DeliveryResult]) {
        let now = now
        let ended = Set(deliveries.map(\.delivery.id))
        let refunds = input.expiredRefunds.filter { rows[$0.key] == nil }
        let webhooks = input.expiredWebhooks.filter { !ended.contains($0.key) && !isStillSending($0.key, $0.value) }
        for (id, lease) in refunds.sorted(by: { $0.key < $1.key }) {
            for name in decision.state.gateways.keys.sorted() {
                record(decision.state.gateways[name]?.interrupted(id, at: now) ?? .none, nil, of: name)
            }
            write(.releaseRefund(RefundClaim(id: id, lease: lease)))
        }
        for (id, lease) in webhooks.sorted(by: { $0.key < $1.key }) {
            if let sending = decision.state.sending.removeValue(forKey: id) {
                decision.state.endpoints.interrupted(sending.endpoint, at: now)
            }
            write(.releaseWebhook(WebhookClaim(id: id, lease: lease)))
        }
        guard !refunds.isEmpty || !webhooks.isEmpty else { return }
        decision.events.append(.releasedClaims(refunds.count + webhooks.count))
        decision.wake(at: now)
    }

    // An attempt in flight whose claim seems to have expired gets the duration of a claim once more.
    private mutating func isStillSending(_ id: String, _ lease: Int64) -> Bool {
        guard let sending = decision.state.sending[id], sending.lease == lease else { return false }
        let limit = now.advanced(by: settings.webhookLeaseDuration)
        let end = min(sending.extendedUntil ?? limit, limit)
        decision.state.sending[id]?.extendedUntil = end
        guard end > now else { return false }
        decision.wake(at: end)
        return true
    }

    /// Reports refunds older than `delayed_after`, before any of them is flagged: that supersedes the report.
    mutating func reportDelayed(batch: Int) {
        guard let delay = settings.delayedAfter else { return }
        for read in input.delayed {
            let row = rows[read.refund.id] ?? read
            guard !row.refund.state.isFinal, !row.refund.notified.contains(.delayed) else { continue }
            let change = RefundChange(delayed: row, by: delay, at: now, context, using: &decision.state.random)
            write(.change(change))
            decision.events.append(.delayed(refund: change.refund, by: delay))
            note(change, on: row)
        }
        if input.delayed.count >= batch { decision.wake(at: now) }
        decision.wake(at: input.nextDelayed?.advanced(by: delay))
    }

    /// Flags refunds older than `attention_after` as overdue.
    mutating func flagOverdue(batch: Int) {
        for read in input.overdue {
            let row = rows[read.refund.id] ?? read
            var machine = RefundStateMachine(row.refund, policy: settings.polling)
            let transitions = machine.aged(at: now)
            guard !transitions.isEmpty else { continue }
            change(machine.refund, transitions, on: row, endsLease: false)
        }
        if input.overdue.count >= batch { decision.wake(at: now) }
        decision.wake(at: input.nextOverdue?.advanced(by: settings.polling.attentionAfter))
    }

    /// Claims due refunds, gateway by gateway.
    mutating func claimRefunds(_ request: ClaimRequest) {
        if !input.spentHints.isEmpty { write(.deleteHints(input.spentHints)) }
        decision.state.nextHint = input.nextHint ?? 0
        if input.nextHint != nil {
            // Hints that must wait, perhaps for hours, should cost little meanwhile.
            let isIdle = input.spentHints.isEmpty && input.gateways.values.allSatisfy(\.hinted.isEmpty)
            decision.wake(at: now.advanced(by: SchedulerState.hintTurnPause.scaled(by: isIdle ? 5 : 1)))
        }
        for (name, due) in input.gateways.sorted(by: { $0.key < $1.key }) where !isPaused(.gateway(name)) {
            if let gateway = settings.gateways[name], let claim = request.gateways[name] {
                // Since the request, a result may have opened the breaker, or another daemon may have joined or probed.
                let left = decision.state.gateways[name]?.claim(at: now)
                let excludesTheSame = left?.excludedMerchants == claim.excludedMerchants
                let permits = excludesTheSame ? min(claim.permits, left?.permits ?? 0) : 0
                if !claim.excludedMerchants.isEmpty { decision.state.gateways[name]?.lookedForOtherMerchants() }
                claimRefunds(due, of: name, gateway, permits: permits)
            } else {
                postponeRefunds(due, of: name)
            }
        }
    }

    private mutating func claimRefunds(
        _ due: DueRefunds,
        of name: String,
        _ gateway: SchedulerSettings.Gateway,
        permits: Int
    ) {
        var claims: [RefundClaim] = []
        var hints: [Int64] = []
        var unclaimed: Timestamp?
        for (read, hint) in due.inTurn(permits: permits, favorsNew: takeTurn(due, of: name, permits: permits)) {
            let row = rows[read.refund.id] ?? read
            guard claims.count < permits else {
                unclaimed = min(unclaimed ?? .distantFuture, max(row.refund.nextQueryAt ?? now, .zero))
                continue
            }
            hints += hint
            claim(row, of: name, gateway, &claims)
        }
        decision.state.gateways[name]?.tookTurns(due, claimed: Set(claims.map(\.id)))
        if !claims.isEmpty {
            let end = now.advanced(by: settings.leaseDuration(ofGateway: gateway))
            write(.claimRefunds(claims, until: end))
        }
        if !hints.isEmpty { write(.deleteHints(hints)) }
        for next in [unclaimed, due.next].compactMap(\.self) {
            decision.wakeToClaim(at: decision.state.gateways[name]?.nextQuery(due: next, at: now))
        }
    }

    // Permits often come one at a time: an odd one goes to new and to waiting refunds alternately.
    private mutating func takeTurn(_ due: DueRefunds, of name: String, permits: Int) -> Bool {
        let favorsNew = decision.state.gateways[name]?.favorsNew ?? false
        let isOdd = max(0, permits - due.hinted.count) % 2 == 1
        if isOdd, !due.new.isEmpty, !due.waiting.isEmpty { decision.state.gateways[name]?.favorsNew.toggle() }
        return favorsNew
    }

    private mutating func claim(
        _ row: QueuedRefund,
        of name: String,
        _ gateway: SchedulerSettings.Gateway,
        _ claims: inout [RefundClaim]
    ) {
        let refund = row.refund
        // A stray UPDATE removed the claim of a refund whose query is in flight.
        guard decision.state.gateways[name]?.inFlight[refund.id] == nil else { return }
        guard let merchantNo = refund.merchantNo ?? gateway.merchantNo,
            let query = RefundQuery(refund, merchantNo: merchantNo)
        else {
            let problem = "the row has no merchant_no and gateway \"\(name)\" has none; set its merchant_no"
            return postpone(row, problem)
        }
        let checked = check(row)
        let now = now
        let fence = RefundClaim(id: refund.id, lease: row.lease + 1)
        claims.append(fence)
        let isProbe = decision.state.gateways[name]?.breaker.openSince != nil
        let claim = QueryClaim(refund: checked, lease: fence.lease, query: query, isProbe: isProbe)
        decision.state.gateways[name]?.claimed(refund, fence, of: merchantNo, at: now)
        if isProbe { shareProbe(of: name) }
        decision.effects.append(.query(claim))
    }

    // A refund whose webhooks cannot be signed is flagged, but still queried.
    private mutating func check(_ row: QueuedRefund) -> Refund {
        let refund = row.refund
        let lacksSecret = lacksSecret(refund)
        guard lacksSecret || (refund.attention == .misconfigured && !refund.isRefused) else { return refund }
        let problem = "the row has a callback_url and no secret is configured; set [webhook] secret_files"
        var machine = RefundStateMachine(refund, policy: settings.polling)
        var transitions = machine.checked(trouble: lacksSecret ? problem : nil, at: now)
        transitions += flagDeadWebhooks(&machine, before: row)
        guard !transitions.isEmpty else { return refund }
        change(machine.refund, transitions, on: row, endsLease: false)
        return machine.refund
    }

    /// Whether webhooks of a refund cannot be signed.
    func lacksSecret(_ refund: Refund) -> Bool { refund.callbackURL != nil && !settings.webhooks.hasSecret }

    private mutating func postponeRefunds(_ due: DueRefunds, of name: String) {
        let problem = "the configuration has no gateway \"\(name)\"; add [gateways.\(name)] to it"
        for (read, _) in due.inTurn(permits: .max, favorsNew: false) {
            postpone(rows[read.refund.id] ?? read, problem)
            // A scan finds a limited number; the next one finds the rest.
            decision.state.noteUnknownRefunds()
        }
        let hints = due.hinted.flatMap(\.hints)
        if !hints.isEmpty { write(.deleteHints(hints)) }
        if let next = due.next, next > now { decision.wake(at: next) }
    }

    // A refund that cannot be queried is flagged and checked again later, or as soon as the configuration changes.
    private mutating func postpone(_ row: QueuedRefund, _ problem: String) {
        var machine = RefundStateMachine(row.refund, policy: settings.polling)
        let transitions = machine.checked(trouble: problem, at: now)
        machine.postponed(at: now, draw: draw())
        change(machine.refund, transitions, on: row, endsLease: false)
    }
}

extension DueRefunds {
    /// The due refunds in claiming order.
    ///
    /// Hinted refunds come first. Of the remaining permits, new and waiting refunds get half each while there are both.
    ///
    /// - Parameters:
    ///   - permits: How many refunds may be claimed.
    ///   - favorsNew: Whether an odd permit goes to a new refund.
    /// - Returns: Each refund once, with the hints for it.
    func inTurn(permits: Int, favorsNew: Bool) -> [(refund: QueuedRefund, hints: [Int64])] {
        var turns = hinted.map { ($0.refund, $0.hints) }
        var taken = Set(turns.map(\.0.refund.id))
        let rest = max(0, permits - turns.count)
        let forWaiting = min(waiting.count, max(favorsNew ? rest / 2 : rest - rest / 2, rest - new.count))
        for row in waiting.prefix(forWaiting) + new + waiting.dropFirst(forWaiting)
        where taken.insert(row.refund.id).inserted {
            turns.append((row, []))
        }
        return turns
    }
}

extension Timestamp {
    fileprivate static let zero = Timestamp(milliseconds: 0)
    fileprivate static let distantFuture = Timestamp(milliseconds: .max)
}
