import RefundCore
import RefundStore
import Testing

extension StoreBehaviour {
    static let superseding = [
        StoreBehaviour("newerEventSupersedesUndeliveredOnes") { fixture in
            let daemon = Daemon(fixture)
            let id = try fixture.enqueue("R-1")
            try daemon.happen(to: id) { $0.answered(.processing) }
            try daemon.finish(try #require(try daemon.claim().first), .failed, retryAt: later(5))
            try daemon.happen(to: id) { $0.answered(.settled) }
            #expect(try daemon.webhooks() == ["processing superseded", "settled pending"])
            #expect(try daemon.claim().map(\.refundID) == [id])
            #expect(try fixture.column("SELECT type FROM refund_events") == ["refund.processing", "refund.settled"])
        },
        StoreBehaviour("otherRefundsAreNotSuperseded") { fixture in
            let daemon = Daemon(fixture)
            let id = try fixture.enqueue("R-1")
            try daemon.happen(to: try fixture.enqueue("R-2")) { $0.answered(.processing) }
            try daemon.happen(to: id) { $0.answered(.settled) }
            #expect(try daemon.webhooks() == ["processing pending", "settled pending"])
        },
        StoreBehaviour("endedWebhooksStayAsTheyEnded") { fixture in
            let daemon = Daemon(fixture)
            let id = try fixture.enqueue("R-1")
            try daemon.happen(to: id) { $0.answered(.processing) }
            try daemon.finish(try #require(try daemon.claim().first), .accepted)
            try daemon.happen(to: id, isOld: true) { $0.aged(at: now) }
            try daemon.finish(try #require(try daemon.claim().first), .failed)
            try daemon.happen(to: id) { $0.answered(.settled) }
            #expect(try daemon.webhooks() == ["processing delivered", "needs_attention dead", "settled pending"])
        },
        StoreBehaviour("attentionIsSupersededOnlyByAnEventWithAWebhook") { fixture in
            let daemon = Daemon(fixture)
            let id = try fixture.enqueue("R-1")
            try daemon.happen(to: id, isOld: true) { $0.aged(at: now) }
            try daemon.happen(to: id, events: [.settled]) { $0.answered(.processing) }
            #expect(try daemon.webhooks() == ["needs_attention pending"])
            try daemon.happen(to: id) { $0.answered(.settled) }
            #expect(try daemon.webhooks() == ["needs_attention superseded", "settled pending"])
        },
        StoreBehaviour("otherEventsAreSupersededByAnEventWithoutAWebhook") { fixture in
            let daemon = Daemon(fixture)
            let id = try fixture.enqueue("R-1")
            try daemon.happen(to: id) { $0.answered(.processing) }
            try daemon.happen(to: id, url: nil) { $0.answered(.settled) }
            #expect(try daemon.webhooks() == ["processing superseded"])
        },
        StoreBehaviour("ledgerRowWithoutAnEventSupersedesNothing") { fixture in
            let daemon = Daemon(fixture)
            let id = try fixture.enqueue("R-1")
            try daemon.happen(to: id) { $0.answered(.processing) }
            try daemon.happen(to: id) { $0.webhooksChanged(dead: 1, at: now) }
            #expect(try daemon.webhooks() == ["processing pending"])
        },
        StoreBehaviour("attemptInFlightEndsBeforeItsWebhookIsSuperseded") { fixture in
            let daemon = Daemon(fixture)
            let id = try fixture.enqueue("R-1")
            try daemon.happen(to: id) { $0.answered(.processing) }
            let delivery = try #require(try daemon.claim().first)
            try daemon.happen(to: id) { $0.answered(.settled) }
            #expect(try daemon.webhooks() == ["processing pending", "settled pending"])
            #expect(try daemon.claim().isEmpty, "one webhook of a refund is in flight at a time")
            try daemon.finish(delivery, .failed)
            #expect(try daemon.webhooks() == ["processing superseded", "settled pending"], "and is not dead")
            #expect(try daemon.claim().count == 1)
        },
        StoreBehaviour("attemptInFlightThatSucceedsIsDelivered") { fixture in
            let daemon = Daemon(fixture)
            let id = try fixture.enqueue("R-1")
            try daemon.happen(to: id) { $0.answered(.processing) }
            let delivery = try #require(try daemon.claim().first)
            try daemon.happen(to: id) { $0.answered(.settled) }
            try daemon.finish(delivery, .accepted)
            #expect(try daemon.webhooks() == ["processing delivered", "settled pending"])
        },
        StoreBehaviour("attentionInFlightIsRetriedUnlessAWebhookSupersedesIt") { fixture in
            let daemon = Daemon(fixture)
            let id = try fixture.enqueue("R-1")
            try daemon.happen(to: id, isOld: true) { $0.aged(at: now) }
            let first = try #require(try daemon.claim().first)
            try daemon.happen(to: id, events: []) { $0.answered(.processing) }
            try daemon.finish(first, .failed, retryAt: later(5))
            let second = try #require(try daemon.claim(at: later(5)).first)
            try daemon.happen(to: id) { $0.answered(.settled) }
            try daemon.finish(second, .failed, at: later(6), retryAt: later(300))
            #expect(try daemon.webhooks() == ["needs_attention superseded", "settled pending"])
        },
        StoreBehaviour("releasedWebhookIsSupersededOrSentAgain") { fixture in
            let daemon = Daemon(fixture)
            let id = try fixture.enqueue("R-1")
            try daemon.happen(to: id) { $0.answered(.processing) }
            let first = try #require(try daemon.claim().first)
            try daemon.write(.postponeWebhook(WebhookClaim(id: first.id, lease: first.lease), until: later(60)))
            #expect(try daemon.claim(at: later(59)).isEmpty)
            let second = try #require(try daemon.claim(at: later(60)).first)
            try daemon.write(.releaseWebhook(WebhookClaim(id: first.id, lease: first.lease)))
            #expect(try daemon.claim(at: later(61)).isEmpty, "an earlier claim ends nothing")
            try daemon.happen(to: id) { $0.answered(.settled) }
            try daemon.write(.releaseWebhook(WebhookClaim(id: second.id, lease: second.lease)))
            #expect(try daemon.webhooks() == ["processing superseded", "settled pending"])
        },
        StoreBehaviour("claimsOfADaemonThatIsGoneEnd") { fixture in
            let daemon = Daemon(fixture)
            let id = try fixture.enqueue("R-1")
            let other = try fixture.enqueue("R-2")
            try daemon.happen(to: id) { $0.answered(.processing) }
            _ = try daemon.claim()
            try daemon.happen(to: id) { $0.answered(.settled) }
            try daemon.write(.claimRefunds([RefundClaim(id: other, lease: 1)], until: later(75)))
            try daemon.store.write { tx throws(StoreError) in try tx.releaseClaims() }
            #expect(try daemon.due() == [other])
            #expect(try daemon.webhooks() == ["processing superseded", "settled pending"])
        },
    ]
}
