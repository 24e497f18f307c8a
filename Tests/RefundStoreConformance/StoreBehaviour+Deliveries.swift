import RefundCore
import RefundStore
import Testing

extension StoreBehaviour {
    private static let disabled = URLHealth(
        failingSince: later(-10),
        lastFailure: later(-1),
        disabling: URLHealth.Disabling(at: later(-1), reason: "HTTP 410")
    )

    static let deliveries = [
        StoreBehaviour("longestDueWebhookIsClaimedFirst") { fixture in
            let daemon = Daemon(fixture)
            try enqueue(daemon, due: -1, -3, -2, 0, 1)
            #expect(try daemon.claim().map(\.refundID) == [2, 3, 1, 4])
            #expect(try daemon.claim().isEmpty)
            #expect(try daemon.claim(at: later(1)).map(\.refundID) == [5])
        },
        StoreBehaviour("claimHasEverythingToSend") { fixture in
            let daemon = Daemon(fixture)
            try enqueue(daemon, due: 0)
            let delivery = try #require(try daemon.claim().first)
            #expect(delivery.body == Array((try fixture.column("SELECT body FROM refund_events")[0] ?? "").utf8))
            #expect(delivery.order == (try fixture.column("SELECT merchant_order_no FROM refund_queue")[0]))
            #expect(delivery.url == Daemon.defaultURL)
            #expect(delivery.endpoint == "hooks.example")
            #expect(delivery.attempts == 0)
            #expect(delivery.lease == 1)
        },
        StoreBehaviour("webhookThatAnEndedDaemonWasSendingIsDueAtOnce") { fixture in
            let daemon = Daemon(fixture)
            try enqueue(daemon, due: 0)
            let first = try #require(try daemon.claim().first)
            #expect(try daemon.claim().isEmpty)
            try daemon.store.write { tx throws(StoreError) in try tx.releaseClaims() }
            let second = try #require(try daemon.claim().first)
            #expect(second.id == first.id)
            #expect(second.lease == first.lease + 1)
        },
        StoreBehaviour("attemptOfAWebhookThatIsGoneIsNotRecorded") { fixture in
            let daemon = Daemon(fixture)
            try enqueue(daemon, due: 0)
            var delivery = try #require(try daemon.claim().first)
            delivery.id = "msg_gone"
            // After a restore, another webhook may have its position.
            try daemon.finish(delivery, .failed, retryAt: later(5))
            #expect(try fixture.number("SELECT count(*) FROM refund_webhook_attempts") == 0)
        },
        StoreBehaviour("endpointsAreReadApart") { fixture in
            let daemon = Daemon(fixture)
            try enqueue(daemon, due: 5, -7, url: "https://b.example/x")
            try enqueue(daemon, due: -1, url: "https://a.example/y")
            try enqueue(daemon, due: 9, url: "https://c.example")
            let input = try daemon.claims()
            #expect(input.endpoints.map(\.endpoint) == ["b.example", "a.example"], "the longest due first")
            #expect(input.nextAttempt == later(5))
        },
        StoreBehaviour("endpointsTakeTurnsWhileManyWebhooksAreDue") { fixture in
            let daemon = Daemon(fixture)
            try enqueue(daemon, due: 0, url: "https://many.example/x")
            try enqueue(daemon, due: 0, url: "https://late.example/x")
            let events = "INSERT INTO refund_event_log (at, type, gateway, body)"
            let webhooks = "INSERT INTO refund_outbox (position, id, type, url, endpoint, next_attempt_at)"
            try fixture.execute(
                """
                WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900)
                \(events) SELECT i, 'gateway.needs_attention', 'default', '{}' FROM n;
                \(webhooks) SELECT position, 'msg_more' || position, type, 'https://x.example', CASE WHEN at < 300
                THEN 'many.example' ELSE 'e' || at || '.example' END, \(later(-1_000).milliseconds) + at
                FROM refund_event_log WHERE gateway = 'default'
                """
            )
            var (seen, last, cycles) = (Set<String>(), [UInt8]?([]), 0)
            while let cursor = last, cycles < 10 {
                let input = try daemon.claims { claims in
                    claims.endpoints = EndpointLimiter(capacity: 1_000)
                    claims.lastEndpoint = cursor
                }
                #expect(input.hasManyDueWebhooks)
                let names = input.endpoints.map(\.endpoint)
                #expect(names.first == "many.example", "the longest due first")
                #expect(names.contains("late.example"), "and the latest always")
                #expect(names.count == Set(names).count)
                #expect(names.count <= 1 + 64 + 256)
                seen.formUnion(names)
                (last, cycles) = (input.lastEndpoint, cycles + 1)
            }
            #expect(cycles == 3)
            #expect(seen.count == 2 + 601)
        },
        StoreBehaviour("verdictDoesNotWaitBehindManyOtherWebhooksNorHoldThemUp") { fixture in
            let daemon = Daemon(fixture)
            let events = "INSERT INTO refund_event_log (at, type, gateway, body)"
            let webhooks = "INSERT INTO refund_outbox (position, id, type, url, endpoint, next_attempt_at)"
            try fixture.execute(
                """
                WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
                \(events) SELECT i, 'gateway.needs_attention', 'default', '{}' FROM n;
                \(webhooks) SELECT position, 'msg_more' || position, type, 'https://hooks.example/in', 'hooks.example',
                \(later(-1_000).milliseconds) + at FROM refund_event_log WHERE gateway = 'default'
                """
            )
            let id = try fixture.enqueue("R-1")
            try daemon.happen(to: id) { $0.answered(.settled) }
            let claimed = try [0, 1].map { second in
                try daemon.claims(at: later(second)) { $0.endpoints = EndpointLimiter(capacity: 1) }.endpoints[0]
                    .deliveries
            }
            #expect(claimed.allSatisfy { $0.count == 1 })
            #expect(Set(claimed.joined().map(\.refundID)) == [nil, id])
        },
        StoreBehaviour("endpointWithoutASlotIsNotRead") { fixture in
            let daemon = Daemon(fixture)
            try enqueue(daemon, due: -1)
            let input = try daemon.claims { $0.endpoints = EndpointLimiter(capacity: 0) }
            #expect(input.endpoints.map(\.deliveries.count) == [0])
            #expect(try daemon.claims { $0.endpoints = nil }.endpoints.isEmpty, "without a secret, webhooks wait")
        },
        StoreBehaviour("acceptedWebhookIsDelivered") { fixture in
            let daemon = Daemon(fixture)
            try enqueue(daemon, due: 0)
            try daemon.finish(try #require(try daemon.claim().first), .accepted, at: later(1))
            #expect(try webhook(fixture) == ["delivered", "1", nil, "204", nil, "\(later(1).milliseconds)"])
            #expect(try daemon.claim(at: later(1_000_000)).isEmpty)
        },
        StoreBehaviour("failedWebhookIsRetriedAtItsTime") { fixture in
            let daemon = Daemon(fixture)
            try enqueue(daemon, due: 0)
            try daemon.finish(try #require(try daemon.claim().first), .failed, retryAt: later(5))
            #expect(
                try webhook(fixture) == ["pending", "1", "\(later(5).milliseconds)", "500", "HTTP status 500", nil]
            )
            #expect(try daemon.claim(at: later(4)).isEmpty)
            let again = try #require(try daemon.claim(at: later(5)).first)
            #expect(again.attempts == 1)
            #expect(again.lease == 2)
        },
        StoreBehaviour("webhookIsDeadAndKeptAfterItsLastRetry") { fixture in
            let daemon = Daemon(fixture)
            try enqueue(daemon, due: 0)
            try daemon.finish(try #require(try daemon.claim().first), .failed)
            #expect(try webhook(fixture).first == "dead")
            #expect(try daemon.claims(at: later(1_000_000)).endpoints.isEmpty)
        },
        StoreBehaviour("everyAttemptIsRecordedOnce") { fixture in
            let daemon = Daemon(fixture)
            try enqueue(daemon, due: 0)
            let delivery = try #require(try daemon.claim().first)
            // A commit of unknown outcome may be repeated.
            for _ in 0..<2 { try daemon.finish(delivery, .failed, at: later(1), retryAt: later(5)) }
            try daemon.finish(try #require(try daemon.claim(at: later(5)).first), .accepted, at: later(6))
            #expect(
                try fixture.rows(
                    "SELECT at, status, error, duration_ms, answer FROM refund_webhook_attempts ORDER BY at"
                ) == [
                    ["\(later(1).milliseconds)", "500", "HTTP status 500", "34", "oops"],
                    ["\(later(6).milliseconds)", "204", nil, "12", ""],
                ]
            )
            #expect(try webhook(fixture)[1] == "2")
        },
        StoreBehaviour("attemptUnderAnEarlierClaimChangesNoWebhook") { fixture in
            let daemon = Daemon(fixture)
            try enqueue(daemon, due: 0)
            let stale = try #require(try daemon.claim().first)
            try daemon.write(.releaseWebhook(WebhookClaim(id: stale.id, lease: 1)))
            let current = try #require(try daemon.claim().first)
            try daemon.finish(stale, .accepted)
            #expect(try webhook(fixture).first == "pending")
            try daemon.finish(current, .failed, retryAt: later(5))
            #expect(try webhook(fixture).first == "pending")
        },
        StoreBehaviour("oneWebhookOfARefundIsInFlightAtATime") { fixture in
            let daemon = Daemon(fixture)
            let id = try fixture.enqueue("R-1")
            try daemon.happen(to: id) { $0.answered(.processing) }
            try daemon.happen(to: id, isOld: true) { $0.aged(at: now) }
            try daemon.happen(to: id) { $0.answered(.settled) }
            let ids = try fixture.column("SELECT id FROM refund_webhooks ORDER BY sequence").compactMap(\.self)
            for webhook in ids { try daemon.redeliver(webhook) }
            var sent: [String] = []
            for _ in 0..<3 {
                let claimed = try daemon.claim(at: later(60))
                #expect(claimed.count == 1)
                #expect(try daemon.claim(at: later(60)).isEmpty)
                for delivery in claimed {
                    sent.append(delivery.id)
                    try daemon.finish(delivery, .accepted)
                }
            }
            #expect(sent == ids)
        },
        StoreBehaviour("webhooksToADisabledURLAreReadApartAndEndWithoutAnAttempt") { fixture in
            let daemon = Daemon(fixture)
            try enqueue(daemon, due: -5, -4, url: "https://a.example/gone")
            try enqueue(daemon, due: -3, url: "https://a.example/good")
            try daemon.write(.urlHealth(url: "https://a.example/gone", disabled))
            let due = try #require(try daemon.claims().endpoints.first)
            #expect(due.deliveries.map(\.refundID) == [3])
            #expect(due.disabled.map(\.delivery.refundID) == [1, 2])
            #expect(due.disabled.allSatisfy { $0.reason.contains("HTTP 410") && $0.refund != nil })
            for disabled in due.disabled {
                try daemon.write(.killWebhook(id: disabled.delivery.id, reason: disabled.reason))
            }
            #expect(
                try fixture.number("SELECT count(*) FROM refund_webhooks WHERE state = 'dead' AND attempts = 0") == 2
            )
            #expect(try fixture.number("SELECT count(*) FROM refund_webhook_attempts") == 0)
        },
        StoreBehaviour("webhookInFlightIsNotKilled") { fixture in
            let daemon = Daemon(fixture)
            try enqueue(daemon, due: 0)
            let delivery = try #require(try daemon.claim().first)
            try daemon.write(.killWebhook(id: delivery.id, reason: "no"))
            #expect(try webhook(fixture).first == "pending")
        },
        StoreBehaviour("healthOfAURLIsKnownByItsExactText") { fixture in
            let daemon = Daemon(fixture)
            try enqueue(daemon, due: 0, url: "https://a.example/1")
            let delivery = try #require(try daemon.claim("a.example").first)
            func health(_ url: String) throws -> URLHealth? {
                var request = CycleRequest(now: now)
                request.deliveries = [.init(id: delivery.id, refundID: 1, url: url, isDelivered: false)]
                return try daemon.input(request).urlHealth[url]
            }
            try daemon.write(.urlHealth(url: "https://a.example/1", disabled))
            #expect(try health("https://a.example/1") == disabled)
            #expect(try health("https://A.example/1") == nil)
            try daemon.write(.urlHealth(url: "https://a.example/1", nil))
            #expect(try health("https://a.example/1") == nil)
        },
        StoreBehaviour("deadWebhooksAreCountedForTheRefundsOfFailedDeliveries") { fixture in
            let daemon = Daemon(fixture)
            try enqueue(daemon, due: 0)
            let delivery = try #require(try daemon.claim().first)
            try daemon.finish(delivery, .failed)
            for isDelivered in [false, true] {
                var request = CycleRequest(now: now)
                request.deliveries = [
                    .init(id: delivery.id, refundID: 1, url: delivery.url, isDelivered: isDelivered)
                ]
                let refunds = try daemon.input(request).deliveryRefunds
                #expect(refunds[1]?.deadWebhooks == (isDelivered ? nil : 1))
            }
        },
        StoreBehaviour("probePrefersAURLThatIsNotKnownToFail") { fixture in
            let daemon = Daemon(fixture)
            try enqueue(daemon, due: -5, -4, url: "https://a.example/bad")
            try enqueue(daemon, due: -3, url: "https://a.example/good")
            try daemon.write(.urlHealth(url: "https://a.example/bad", URLHealth(failingSince: now, lastFailure: now)))
            var limiter = EndpointLimiter(capacity: 16)
            for number in 0...CircuitBreaker.threshold {
                limiter.started("a.example", at: now)
                _ = limiter.ended("a.example", "msg_\(number)", .failed, at: now)
            }
            #expect(limiter.isOpen("a.example"))
            let due = try daemon.claims(at: later(60)) { $0.endpoints = limiter }.endpoints.first
            #expect(due?.deliveries.map(\.refundID) == [3])
        },
        StoreBehaviour("webhookWithoutAValidTimeIsDue") { fixture in
            let daemon = Daemon(fixture)
            try enqueue(daemon, due: 500)
            for time in ["NULL", "9223372036854775807", "0", "-1"] {
                try fixture.execute("UPDATE refund_outbox SET next_attempt_at = \(time)")
                let due = try daemon.claims().endpoints.first
                #expect(due?.deliveries.count == 1, "\(time)")
            }
        },
    ]

    /// Refunds with one pending webhook each, due some seconds from now.
    private static func enqueue(_ daemon: Daemon, due seconds: Int..., url: String = Daemon.defaultURL) throws {
        for second in seconds {
            let number = try daemon.fixture.number("SELECT count(*) FROM refund_queue")
            let id = try daemon.fixture.enqueue("R-\(number)")
            try daemon.happen(to: id, url: url) { $0.answered(.settled) }
            try daemon.fixture.execute(
                "UPDATE refund_outbox SET next_attempt_at = \(later(second).milliseconds) WHERE refund_id = \(id)"
            )
        }
    }

    private static func webhook(_ fixture: any StoreFixture) throws -> [String?] {
        try fixture.rows(
            "SELECT state, attempts, next_attempt_at, last_status, last_error, delivered_at FROM refund_webhooks"
        )[0]
    }
}
