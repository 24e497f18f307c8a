import RefundCore

@testable import RefundDaemon

// What goes out through the real edges, and what comes back.
extension World {
    func send(_ query: RefundQuery, of refund: Refund, by send: SendQuery, from daemon: SimulatedDaemon) throws {
        let sentAt = clock.wall
        note("query #\(refund.id) at \(refund.gateway)")
        summary.queries += 1
        try pace.queried(refund, ledger.history(of: refund.id), daemon, at: clock.time)
        daemon.queries[refund.gateway, default: []].insert(refund.id)
        let outcome = Box<QueryOutcome>()
        send(query, sentAt) { outcome.put($0) }
        guard let exchange = daemon.edges.gatewayWire.take(withinSeconds: 60),
            let reply = try gateways[refund.gateway]?.reply(to: exchange.request, at: clock.time)
        else { throw Violation("the query of #\(refund.id) went nowhere") }
        after(reply.after) {
            guard daemon === self.daemon else { return }
            exchange.answer(reply.result)
            guard let outcome = outcome.take() else { throw Violation("the query of #\(refund.id) has no outcome") }
            self.note("answer #\(refund.id) \(outcome.kind)")
            daemon.queries[refund.gateway]?.remove(refund.id)
            daemon.arrivals.answers.append(QueryAnswer(refund: refund, sentAt: sentAt, outcome: outcome))
            try self.arrived(daemon)
        }
    }

    func send(_ delivery: Delivery, _ endpoint: String, from daemon: SimulatedDaemon) throws {
        let sentAt = clock.wall
        note("send webhook of #\(delivery.refundID ?? 0) to \(endpoint), attempt \(delivery.attempts + 1)")
        summary.deliveries += 1
        try pace.sent(delivery, daemon, at: clock.time)
        daemon.deliveries[delivery.id] = .some(delivery.refundID)
        let outcome = Box<DeliveryOutcome>()
        daemon.engine.settings.webhooks.send(delivery, sentAt) { outcome.put($0) }
        guard let exchange = daemon.edges.webhookWire.take(withinSeconds: 0) else {
            throw Violation("the webhook \(delivery.id) went nowhere: \(outcome.take()?.error ?? "")")
        }
        let reply = try mailroom.receive(exchange.request, wall: clock.wall, at: clock.time)
        after(reply.after) {
            guard daemon === self.daemon else { return }
            exchange.answer(reply.result)
            guard let outcome = outcome.take() else { throw Violation("webhook \(delivery.id) has no outcome") }
            self.note("webhook of #\(delivery.refundID ?? 0) ended: \(outcome.error ?? "taken")")
            daemon.deliveries[delivery.id] = nil
            self.pace.ended(delivery, self.scenario.retrySchedule, at: self.clock.time)
            daemon.arrivals.ends.append(
                DeliveryEnd(delivery: delivery, endpoint: endpoint, sentAt: sentAt, outcome: outcome)
            )
            try self.arrived(daemon)
        }
    }

    private func arrived(_ daemon: SimulatedDaemon) throws {
        if doom == .afterArrival { return try kill() }
        wake(daemon, at: clock.time.advanced(by: .milliseconds(random.integer(0...2))))
    }
}
