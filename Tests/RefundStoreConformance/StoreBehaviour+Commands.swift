import RefundCore
import RefundStore
import RefundTestSupport
import Testing

extension StoreBehaviour {
    static let commands = [
        StoreBehaviour("enqueueInsertsOnceAsAnApplicationWould") { fixture in
            let store = fixture.store
            let refund = NewRefund(columns: [
                (.merchantOrderNo, "R-1"), (.expectedAmount, "1"), (.expectedCurrency, "EUR"),
            ])
            for expected in [1, nil] as [Int64?] {
                let id = try store.write { tx throws(StoreError) in try tx.enqueue(refund) }
                #expect(id == expected)
            }
            let error = #expect(throws: StoreError.self) {
                try store.write { tx throws(StoreError) in try tx.enqueue(NewRefund(columns: [(.transNo, "a b")])) }
            }
            #expect(error?.kind == .rejected)
            #expect(error?.reason.contains("trans_no") == true)
        },
        StoreBehaviour("abandonedRefundFreesItsNumbers") { fixture in
            let daemon = Daemon(fixture)
            let id = try fixture.enqueue("R-1")
            try daemon.happen(to: id) { $0.abandoned(reason: "lost", actor: "ada", at: now) }
            let again = try fixture.enqueue("R-1")
            #expect(again != id)
            #expect(throws: (any Error).self) { try fixture.enqueue("R-1") }
            let found = try daemon.store.read { tx throws(StoreError) in try tx.refunds(RefundSelector(.number("R-1")))
            }
            #expect(found.map(\.id) == [again], "whoever names the number means the live refund")
        },
        StoreBehaviour("operatorsRowsAreListedOnce") { fixture in
            let daemon = Daemon(fixture)
            let ids = try (1...2).map { try fixture.enqueue("R-\($0)") }
            try daemon.happen(to: ids[0]) { $0.answered(.processing) }
            try daemon.happen(to: ids[1]) { $0.abandoned(reason: "lost", actor: "ada", at: now) }
            func changes(after id: Int64) throws(StoreError) -> OperatorChanges {
                try daemon.store.read { tx throws(StoreError) in try tx.operatorChanges(after: id, limit: 100) }
            }
            let found = try changes(after: 0)
            #expect(found.changes.map(\.to) == ["abandoned"])
            try daemon.happen(to: ids[0]) { $0.answered(.settled) }
            let more = try changes(after: found.last)
            #expect(more.changes.isEmpty && more.last > found.last)
        },
        StoreBehaviour("heartbeatIsWrittenToOneRow") { fixture in
            let daemon = Daemon(fixture)
            for time in [now, later(60)] { try daemon.write(.heartbeat(at: time)) }
            #expect(try fixture.column("SELECT at FROM refund_heartbeat") == ["\(later(60).milliseconds)"])
        },
        StoreBehaviour("onlyOneProcessMayServe") { fixture in
            let lock = try fixture.store.lockForCommand()
            #expect(lock != nil)
            #expect(try fixture.store.lockForCommand() == nil)
            withExtendedLifetime(lock) {}
        },
        StoreBehaviour("requestedQueryIsDueFirstAndRecorded") { fixture in
            let daemon = Daemon(fixture)
            let id = try fixture.enqueue("R-1")
            try daemon.happen(to: id) { $0.answered(.processing) }
            #expect(try daemon.due().isEmpty)
            try daemon.store.write { tx throws(StoreError) in try tx.requestQuery(id, by: "ada", at: now) }
            #expect(try daemon.claims(at: later(5)).gateways["default"]?.hinted.map(\.refund.refund.id) == [id])
            let actions = try daemon.store.read { tx throws(StoreError) in try tx.actions(refundID: id) }
            #expect(actions.map(\.action) == ["query"])
            #expect(actions.map(\.actor) == ["ada"])
            let other = try fixture.enqueue("R-2")
            try daemon.store.write { tx throws(StoreError) in try tx.requestQuery(other, by: "ada", at: now) }
            try daemon.store.write { tx throws(StoreError) in try tx.deleteHints(refundID: id) }
            #expect(try fixture.column("SELECT merchant_order_no FROM refund_hints") == ["R-2"])
        },
        StoreBehaviour("requestForAFinalRefundChangesNothing") { fixture in
            let daemon = Daemon(fixture)
            let id = try fixture.enqueue("R-1")
            try daemon.happen(to: id) { $0.answered(.settled) }
            try daemon.store.write { tx throws(StoreError) in try tx.requestQuery(id, by: "ada", at: now) }
            #expect(try fixture.column("SELECT next_query_at FROM refund_queue") == [nil])
            #expect(try fixture.number("SELECT count(*) FROM refund_hints") == 0)
        },
        StoreBehaviour("misconfiguredRefundsAreTriedAgain") { fixture in
            let daemon = Daemon(fixture)
            let ids = try (1...3).map { try fixture.enqueue("R-\($0)") }
            for id in ids { try daemon.happen(to: id) { $0.answered(.processing) } }
            for id in [ids[0], ids[2]] {
                try daemon.happen(to: id) { $0.checked(trouble: "no such gateway", at: now) }
            }
            try daemon.happen(to: ids[2]) { $0.abandoned(reason: "lost", actor: "ada", at: now) }
            try daemon.store.write { tx throws(StoreError) in try tx.retryMisconfigured(at: now) }
            #expect(try daemon.due() == [ids[0]])
        },
        StoreBehaviour("redeliverySendsAnyWebhookAgainUnderItsID") { fixture in
            let daemon = Daemon(fixture)
            let id = try fixture.enqueue("R-1")
            try daemon.happen(to: id) { $0.answered(.processing) }
            try daemon.happen(to: id) { $0.answered(.settled) }
            let settled = try #require(try daemon.claim().first)
            try daemon.finish(settled, .accepted)
            let superseded = try #require(try fixture.column("SELECT id FROM refund_webhooks")[0])
            for webhook in [settled.id, superseded] {
                #expect(try daemon.redeliver(webhook) == .due)
                let again = try #require(try daemon.claim(at: later(60)).first)
                #expect(again.id == webhook)
                #expect(again.attempts == 0)
                #expect(try daemon.redeliver(webhook) == .inFlight)
                try daemon.finish(again, .accepted, at: later(61))
            }
            #expect(try daemon.redeliver("msg_none") == .unknown)
            let actions = try daemon.store.read { tx throws(StoreError) in try tx.actions(refundID: id) }
            #expect(actions.map(\.webhookID) == [settled.id, superseded])
        },
        StoreBehaviour("redeliveryIsExemptFromTheOrderOfEvents") { fixture in
            let daemon = Daemon(fixture)
            let id = try fixture.enqueue("R-1")
            try daemon.happen(to: id) { $0.answered(.processing) }
            let first = try #require(try daemon.claim().first)
            try daemon.finish(first, .failed)
            #expect(try daemon.redeliver(first.id) == .due)
            try daemon.happen(to: id) { $0.answered(.settled) }
            #expect(try daemon.webhooks() == ["processing pending", "settled pending"])
            let again = try #require(try daemon.claim(at: later(60)).first)
            try daemon.finish(again, .failed, at: later(61), retryAt: later(66))
            #expect(try daemon.webhooks() == ["processing pending", "settled pending"])
            _ = try daemon.claim(at: later(66))
            try daemon.store.write { tx throws(StoreError) in try tx.releaseClaims() }
            #expect(try daemon.webhooks() == ["processing pending", "settled pending"])
        },
        StoreBehaviour("redeliveryEnablesTheURLAndNoOther") { fixture in
            let daemon = Daemon(fixture)
            let id = try fixture.enqueue("R-1")
            try daemon.happen(to: id) { $0.answered(.settled) }
            let health = URLHealth(failingSince: now, lastFailure: now, disabling: .init(at: now, reason: "HTTP 410"))
            for url in [Daemon.defaultURL, "https://hooks.example/other"] {
                try daemon.write(.urlHealth(url: url, health))
            }
            let webhook = try #require(try fixture.column("SELECT id FROM refund_webhooks")[0])
            #expect(try daemon.redeliver(webhook) == .due)
            #expect(try fixture.column("SELECT url FROM refund_endpoints") == ["https://hooks.example/other"])
        },
        StoreBehaviour("webhookThatLeftItsStateStaysAsItIs") { fixture in
            let daemon = Daemon(fixture)
            try daemon.happen(to: try fixture.enqueue("R-1")) { $0.answered(.settled) }
            let delivery = try #require(try daemon.claim().first)
            try daemon.finish(delivery, .accepted)
            func redeliver(_ id: String, from state: WebhookState) throws -> Redelivery {
                try daemon.store.write { tx throws(StoreError) in
                    try tx.redeliver(id, from: state, by: "ada", at: later(9))
                }
            }
            for state in WebhookState.allCases where state != .delivered {
                #expect(try redeliver(delivery.id, from: state) == .changed)
            }
            #expect(try daemon.webhooks() == ["settled delivered"])
            #expect(try fixture.column("SELECT count(*) FROM refund_actions") == ["0"])

            try daemon.happen(to: try fixture.enqueue("R-2")) { $0.answered(.settled) }
            let dead = try #require(try daemon.claim().first)
            try daemon.finish(dead, .failed)
            #expect(try redeliver(dead.id, from: .pending) == .due, "nobody has accepted it")
        },
        StoreBehaviour("webhooksAreFoundByStateAndTimeOldestFirst") { fixture in
            let daemon = Daemon(fixture)
            try daemon.happen(to: try fixture.enqueue("R-1")) { $0.answered(.settled) }
            try daemon.finish(try #require(try daemon.claim().first), .failed)
            try daemon.happen(to: try fixture.enqueue("R-2")) { $0.answered(.settled, at: later(10)) }
            try daemon.finish(try #require(try daemon.claim(at: later(10)).first), .accepted)
            let ids = try fixture.column("SELECT id FROM refund_webhooks ORDER BY created_at").compactMap(\.self)
            func found(_ states: [WebhookState], since: Timestamp = now) throws -> [String] {
                try daemon.store.read { tx throws(StoreError) in try tx.webhooks(in: states, since: since) }.map(\.id)
            }
            #expect(try found([.dead]) == [ids[0]])
            #expect(try found([.delivered, .dead]) == ids)
            #expect(try found([.delivered, .dead], since: later(10)) == [ids[1]])
            #expect(try found([.pending]).isEmpty)
            let shown = try daemon.store.read { tx throws(StoreError) in try tx.webhooks(WebhookFilter(), limit: 1) }
            #expect(shown.map(\.id) == [ids[1]], "the outbox is shown newest first")
        },
        StoreBehaviour("refundsThatTheGatewayDoesNotKnowAreCountedOnceItWasAskedAgain") { fixture in
            let daemon = Daemon(fixture)
            for number in 1...5 {
                let id = try fixture.enqueue("R-\(number)")
                try daemon.happen(to: id) { number == 5 ? $0.answered(.processing) : $0.unknown() }
            }
            func unknown() throws -> UnknownOrders {
                try daemon.store.read { tx throws(StoreError) in try tx.status(at: now).unknownOrders }
            }
            #expect(try unknown().count == 0, "the gateway may not know it yet")
            for id in Int64(1)...3 { try daemon.happen(to: id) { $0.unknown() } }
            let found = try unknown()
            #expect(found.count == 3)
            #expect(found.oldest?.number == "R-1")
        },
        StoreBehaviour("forgottenGatewaysLeaveNoIncidentAndNoBreaker") { fixture in
            let daemon = Daemon(fixture)
            for name in ["default", "old"] {
                let incident = GatewayIncident(
                    kind: .misconfigured,
                    code: "1",
                    message: "",
                    isVerified: false,
                    since: now
                )
                var random = SplitMix64(seed: 1)
                let event = EventRecord(of: name, incident, daemon.context(url: nil), using: &random)
                try daemon.write(.incident(gateway: name, IncidentRecord(incident: incident, event: event)))
                try daemon.write(.breaker(.gateway, name: name, OpenBreaker(since: now, reason: "down")))
                try daemon.write(.gatewaySeen(gateway: name, GatewaySighting(lastVerified: now)))
            }
            try daemon.write(
                .gatewaySeen(gateway: "default", GatewaySighting(lastError: "down", lastErrorAt: later(1)))
            )
            try daemon.store.write { tx throws(StoreError) in try tx.forgetGateways(except: ["default"]) }
            let status = try daemon.store.read { tx throws(StoreError) in try tx.status(at: now) }
            #expect(Array(status.incidents.keys) == ["default"])
            #expect(Array(status.breakers.keys) == ["default"])
            let sighting = GatewaySighting(lastVerified: now, lastError: "down", lastErrorAt: later(1))
            #expect(status.sightings == ["default": sighting])
            for name in ["default", "old"] {
                try daemon.write(.breaker(.lapse, name: name, OpenBreaker(since: now, reason: "7")))
            }
            try daemon.store.write { tx throws(StoreError) in try tx.forgetGateways(except: ["default"]) }
            let lapses = try daemon.store.read { tx throws(StoreError) in try tx.status(at: now).lapses }
            #expect(lapses == ["default": GatewayLapse(since: now, count: 7)])
            try daemon.store.write { tx throws(StoreError) in try tx.removeBreakers() }
            #expect(try daemon.store.read { tx throws(StoreError) in try tx.openBreakers(.gateway) }.isEmpty)
        },
        StoreBehaviour("nextProbeWaitsForARefundOrWebhookThatIsDue") { fixture in
            let daemon = Daemon(fixture)
            let open = OpenBreaker(since: now, reason: "HTTP status 503", nextProbe: later(15))
            try daemon.write(
                .breaker(.gateway, name: "default", open),
                .breaker(.endpoint, name: "hooks.example", open)
            )
            func probes() throws -> [Timestamp?] {
                try daemon.store.read { tx throws(StoreError) in
                    let (gateways, endpoints) = (try tx.openBreakers(.gateway), try tx.openBreakers(.endpoint))
                    return [gateways["default"]?.nextProbe, endpoints["hooks.example"]?.nextProbe]
                }
            }
            #expect(try probes() == [nil, nil], "nothing waits")
            let id = try fixture.enqueue("R-1")
            #expect(try probes() == [later(15), nil])
            try daemon.happen(to: id) { $0.answered(.settled) }
            #expect(try probes() == [nil, later(15)])
            // A daemon that knows nothing of the breaker sends no probe.
            try daemon.write(.breaker(.endpoint, name: "hooks.example", nil))
            let webhook = try #require(try daemon.claim().first)
            try daemon.finish(webhook, .failed, retryAt: later(300))
            try daemon.write(.breaker(.endpoint, name: "hooks.example", open))
            #expect(try probes() == [nil, later(300)], "the webhook waits for its retry")
            let waiting = try fixture.enqueue("R-2")
            let due = later(600).milliseconds
            try fixture.execute("UPDATE refund_queue SET next_query_at = \(due) WHERE id = \(waiting)")
            #expect(try probes() == [later(600), later(300)])
            try daemon.pause(.gateway("default"))
            try daemon.pause(.endpoint("hooks.example"))
            #expect(try probes() == [nil, nil], "nothing is sent during a pause")
        },
    ]
}

extension Daemon {
    @discardableResult
    func redeliver(_ id: String) throws -> Redelivery {
        try store.write { tx throws(StoreError) in try tx.redeliver(id, by: "ada", at: later(60)) }
    }
}
