import RefundCore
import RefundHTTP
import RefundStore

@testable import RefundScheduler

// What the daemon's own clients send, and what comes back.
extension Simulation {
    func send(_ claim: QueryClaim, from daemon: SimulatedDaemon) throws {
        let refund = claim.refund
        let sentAt = clock.wall
        note("query #\(refund.id) at \(refund.gateway)")
        summary.queries += 1
        try require(!pauses.isPaused(.gateway(refund.gateway)), "#\(refund.id) is queried during a pause")
        try pacing.queried(claim, ledger.history(of: refund.id), daemon, at: clock.time)
        try continuousInvariants(daemon).checkLateness(
            refund.id,
            at: refund.gateway,
            due: max(refund.nextQueryAt ?? refund.createdAt, refund.createdAt),
            attempts: Int64(refund.attempts),
            openCount: application.orders.count
        )
        daemon.sent(claim)
        let ended = Box<QueryAttempt>()
        guard let client = daemon.settings.gateways[refund.gateway]?.client else {
            throw Violation("#\(refund.id) is queried, and its gateway is not configured")
        }
        client.query(claim.query, at: sentAt, isProbe: claim.isProbe) { ended.put($0) }
        guard let exchange = daemon.connections.gatewayTransport.take(withinSeconds: 60),
            let reply = try gateways[refund.gateway]?.reply(to: exchange.request, at: clock.time)
        else { throw Violation("the query of #\(refund.id) was not sent") }
        let isOpen = daemon.state.gateways[refund.gateway]?.breaker.openSince != nil
        try require((exchange.request.connection == .fresh) == isOpen, "#\(refund.id) probes over an old connection")
        restoreSoon(inFlight: refund.id)
        after(reply.after) {
            guard daemon === self.daemon else { return }
            exchange.answer(reply.result)
            guard let attempt = ended.take() else { throw Violation("the query of #\(refund.id) has no outcome") }
            if case .completed(let outcome, _) = attempt { self.note("answer #\(refund.id) \(outcome.kind)") }
            daemon.results.queries.append(QueryResult(claim: claim, sentAt: sentAt, attempt: attempt))
            try self.arrived(daemon)
        }
    }

    func send(_ delivery: Delivery, from daemon: SimulatedDaemon) throws {
        let sentAt = clock.wall
        let subject = "webhook of #\(delivery.refundID ?? 0)"
        note("send \(subject) to \(delivery.endpoint), attempt \(delivery.attempts + 1)")
        summary.deliveries += 1
        try require(!pauses.isPaused(.endpoint(delivery.endpoint)), "the \(subject) is sent during a pause")
        try pacing.sent(delivery, daemon, at: clock.time)
        daemon.sent(delivery)
        let ended = Box<DeliveryAttempt>()
        daemon.settings.webhooks.client.deliver(delivery, at: sentAt, isProbe: delivery.isProbe) { ended.put($0) }
        guard let exchange = daemon.connections.webhookTransport.take(withinSeconds: 0) else {
            throw Violation("the \(subject) was not sent: \(ended.take().map { "\($0)" } ?? "")")
        }
        let isOpen = daemon.state.endpoints.isOpen(delivery.endpoint)
        try require((exchange.request.connection == .fresh) == isOpen, "the \(subject) probes over an old connection")
        let reply = try receivers.receive(exchange.request, wall: clock.wall, at: clock.time)
        after(reply.after) {
            guard daemon === self.daemon else { return }
            exchange.answer(reply.result)
            guard let attempt = ended.take() else { throw Violation("the \(subject) has no outcome") }
            if case .completed(let outcome) = attempt {
                self.note("\(subject) ended: \(outcome.error ?? "accepted")")
                if !daemon.isOrphan(delivery) {
                    self.pacing.ended(delivery, self.scenario.retrySchedule, at: self.clock.time)
                }
            }
            daemon.results.deliveries.append(DeliveryResult(delivery: delivery, sentAt: sentAt, attempt: attempt))
            try self.arrived(daemon)
        }
    }

    private func arrived(_ daemon: SimulatedDaemon) throws {
        if crash == .afterArrival { return try kill() }
        wake(daemon, at: clock.time.advanced(by: .milliseconds(random.integer(0...2))))
    }
}
