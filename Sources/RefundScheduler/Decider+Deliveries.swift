import RefundCore
import RefundStore

extension Decider {
    /// Applies an attempt's result to its endpoint, URL, webhook and refund.
    mutating func complete(_ result: DeliveryResult) {
        let delivery = result.delivery
        // A result that comes after its claim ran out says nothing about what is in flight now.
        let isCurrent = decision.state.isCurrent(delivery)
        if isCurrent { decision.state.sending[delivery.id] = nil }
        let claim = WebhookClaim(id: delivery.id, lease: delivery.lease)
        let change = isCurrent ? decision.state.endpoints.ended(result, at: now) : .none
        guard case .completed(let outcome) = result.attempt else {
            decision.wake(at: now)
            return write(.releaseWebhook(claim))
        }
        if isCurrent { record(change, outcome, delivery) }
        let wasDisabled = urlHealth[delivery.url]?.disabling != nil
        let disabling = updateHealth(of: delivery.url, outcome)
        let next = self.result(of: delivery, outcome, isDisabled: disabling != nil)
        write(
            .attempt(AttemptRecord(delivery: delivery, outcome: outcome, sentAt: result.sentAt, result: next)),
            fallback: .postponeWebhook(claim, until: now.advanced(by: settings.polling.slowInterval))
        )
        decision.events.append(.attempted(delivery, outcome, next, disabling))
        if let disabling, !wasDisabled { decision.events.append(.urlDisabled(delivery, disabling)) }
        if case .retry(let time) = next { decision.wakeToClaim(at: time) }
        updateAttention(of: delivery.refundID, next)
    }

    private mutating func result(
        of delivery: Delivery,
        _ outcome: DeliveryOutcome,
        isDisabled: Bool
    ) -> AttemptRecord.Result {
        if outcome.isDelivered { return .delivered(at: now) }
        if input.superseded.contains(delivery.id) { return .superseded }
        let delay = settings.webhooks.retrySchedule.delay(
            afterAttempts: delivery.attempts + 1,
            retryAfter: outcome.retryAfter,
            draw: draw()
        )
        guard let delay, !isDisabled else { return .dead }
        return .retry(at: now.advanced(by: delay))
    }

    private mutating func record(
        _ change: CircuitBreaker.Change,
        _ outcome: DeliveryOutcome,
        _ delivery: Delivery
    ) {
        let endpoint = delivery.endpoint
        switch change {
        case .none:
            // A probe that failed makes the next one wait longer.
            if !outcome.isDelivered { shareProbe(ofEndpoint: endpoint) }
        case .opened:
            let reason = outcome.error ?? "not delivered"
            let next = decision.state.endpoints.nextProbe(of: endpoint, at: now)
            write(
                .breaker(.endpoint, name: endpoint, OpenBreaker(since: now, reason: reason, nextProbe: next))
            )
            decision.events.append(.endpointBreakerOpened(endpoint: endpoint, reason: reason))
        case .closed:
            write(.breaker(.endpoint, name: endpoint, nil))
            decision.events.append(.endpointBreakerClosed(endpoint: endpoint))
        }
    }

    private mutating func updateHealth(of url: String, _ outcome: DeliveryOutcome) -> URLHealth.Disabling? {
        let known = urlHealth[url]
        let health = URLHealth.after(outcome, known: known, at: now)
        if health != known {
            write(.urlHealth(url: url, health))
            urlHealth[url] = health
        }
        return health?.disabling
    }

    // A refund needs an operator as long as one of its webhooks is dead.
    private mutating func updateAttention(of refundID: Int64?, _ result: AttemptRecord.Result) {
        guard let refundID, var row = rows[refundID] else { return }
        switch result {
        case .dead: row.deadWebhooks += 1
        case .delivered where row.refund.attention == .undeliverable: break
        case .delivered, .retry, .superseded: return
        }
        rows[refundID]?.deadWebhooks = row.deadWebhooks
        webhooksChanged(row)
    }

    private mutating func webhooksChanged(_ row: QueuedRefund) {
        var machine = RefundStateMachine(row.refund, policy: settings.polling)
        let transitions = machine.webhooksChanged(dead: row.deadWebhooks, at: now)
        guard !transitions.isEmpty else { return }
        change(machine.refund, transitions, on: row, endsLease: false)
    }

    /// Claims the due webhooks, and kills those whose URL is disabled.
    mutating func claimWebhooks() {
        decision.wakeToClaim(at: input.nextAttempt)
        decision.state.lastEndpoint = input.lastEndpoint ?? []
        for due in input.endpoints where !isPaused(.endpoint(due.endpoint)) {
            let free = decision.state.endpoints.free(for: due.endpoint, at: now)
            claim(due.deliveries.prefix(free), at: due.endpoint)
            for disabled in due.disabled { kill(disabled) }
            if due.hasMore { decision.wake(at: now) }
            if due.isProbedElsewhere { decision.wake(at: now.advanced(by: SchedulerState.endpointTurnPause)) }
            if let probe = decision.state.endpoints.nextProbe(of: due.endpoint, at: now), probe > now {
                decision.wake(at: probe)
            }
        }
        guard input.hasManyDueWebhooks else { return }
        // Endpoints that were not read may have free slots, or a probe that becomes due.
        decision.wake(at: decision.state.endpoints.nextProbe(after: now))
        if input.lastEndpoint != nil, decision.state.endpoints.hasFreeSlot {
            decision.wake(at: now.advanced(by: SchedulerState.endpointTurnPause))
        }
    }

    /// Reports webhooks that wait for a secret: at the start, after a reload, and regularly.
    mutating func reportUnsignedWebhooks() {
        guard input.unsignedWebhooks > 0 else {
            decision.state.unsignedReport = nil
            return
        }
        let interval = SchedulerState.unsignedReportInterval
        if let last = decision.state.unsignedReport, last <= now, now.duration(since: last) < interval {
            return decision.wake(at: last.advanced(by: interval))
        }
        decision.state.unsignedReport = now
        decision.events.append(.webhooksUnsigned(input.unsignedWebhooks))
        decision.wake(at: now.advanced(by: interval))
    }

    private mutating func claim(_ deliveries: ArraySlice<Delivery>, at endpoint: String) {
        var claims: [WebhookClaim] = []
        for var delivery in deliveries where decision.state.sending[delivery.id] == nil {
            // The next cycle reads what this one changed: a superseded webhook, or a URL that was disabled.
            let isSuperseded = delivery.refundID.map(superseding.contains) ?? false
            if isSuperseded || urlHealth[delivery.url]?.disabling != nil {
                decision.wake(at: now)
                continue
            }
            delivery.lease += 1
            delivery.isProbe = decision.state.endpoints.isOpen(endpoint)
            claims.append(WebhookClaim(id: delivery.id, lease: delivery.lease))
            decision.state.sending[delivery.id] = (endpoint, delivery.lease, nil)
            decision.effects.append(.deliver(delivery))
        }
        guard !claims.isEmpty else { return }
        decision.state.endpoints.started(endpoint, count: claims.count, at: now)
        shareProbe(ofEndpoint: endpoint)
        write(.claimWebhooks(claims, until: now.advanced(by: settings.webhookLeaseDuration)))
    }

    private mutating func kill(_ disabled: DueEndpoint.Disabled) {
        write(.killWebhook(id: disabled.delivery.id, reason: disabled.reason))
        guard let refund = disabled.refund else { return }
        var row = rows[refund.refund.id] ?? refund
        row.deadWebhooks += 1
        rows[refund.refund.id] = row
        webhooksChanged(row)
    }
}
