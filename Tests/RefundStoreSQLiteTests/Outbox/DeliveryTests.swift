import Testing

@testable import RefundCore
@testable import RefundStoreSQLite

struct DeliveryTests {
    private let database: TestDatabase
    private var store: RefundStore { database.store }

    init() throws {
        database = try TestDatabase()
    }

    /// Refunds with one pending webhook each, due so many seconds from now.
    private func enqueue(due seconds: Int..., url: String = TestDatabase.defaultURL) throws {
        for second in seconds {
            let id = try database.enqueue("R-\(url)-\(second)".filter { $0.isLetter || $0.isNumber || $0 == "-" })
            try database.happen(to: id, url: url) { $0.answered(.settled) }
            try database.execute(
                "UPDATE refund_outbox SET next_attempt_at = \(later(second).milliseconds) WHERE refund_id = \(id)"
            )
        }
    }

    private func webhook(_ columns: String, _ id: String = "msg_1") throws -> [String] {
        try database.rows("SELECT \(columns) FROM refund_outbox WHERE id = '\(id)'").first ?? []
    }

    @Test func theLongestDueIsClaimedFirst() throws {
        try enqueue(due: -1, -3, -2, 0, 1)
        #expect(try store.claim(limit: 2).map(\.id) == ["msg_2", "msg_3"])
        #expect(try store.claim(limit: 0).isEmpty)
        #expect(try store.claim().map(\.id) == ["msg_1", "msg_4"])
        #expect(try store.claim().isEmpty)
        #expect(try store.claim(at: later(1)).map(\.id) == ["msg_5"])
    }

    @Test func aClaimHasWhatIsToBeSent() throws {
        try enqueue(due: 0)
        let delivery = try #require(try store.claim().first)
        let body = try database.column("SELECT body FROM refund_events")
        let expected = Delivery(
            id: "msg_1",
            refundID: 1,
            url: TestDatabase.defaultURL,
            body: Array(try #require(body.first).utf8),
            attempts: 0
        )
        #expect(delivery == expected)
        #expect(try webhook("state, leased_until") == ["pending", "\(later(75).milliseconds)"])
    }

    @Test func receiversAreServedApart() throws {
        try enqueue(due: 5, -7, url: "https://b.example/x")
        try enqueue(due: -1, url: "https://a.example/y")
        try enqueue(due: 9, url: "https://c.example")
        let waiting = try store.read { try $0.waitingEndpoints(at: now) }
        #expect(waiting.due == ["b.example", "a.example"], "the longest due first")
        #expect(waiting.next == later(9))
        #expect(try store.read { try $0.nextDelivery(endpoint: "b.example", after: now) } == later(5))
        #expect(try store.read { try $0.nextDelivery(endpoint: "a.example", after: now) } == nil)
        #expect(try store.claim("b.example").map(\.id) == ["msg_2"])
        #expect(try store.claim("none.example").isEmpty)
        let left = try store.read { try $0.waitingEndpoints(at: now) }
        #expect(left.due == ["a.example"])
        #expect(left.next == later(5))
    }

    @Test func nothingWaitsInAnEmptyOutbox() throws {
        let waiting = try store.read { try $0.waitingEndpoints(at: now) }
        #expect(waiting.due.isEmpty && waiting.next == nil)
        #expect(try store.read { try $0.nextDelivery(endpoint: "e", after: now) } == nil)
    }

    // MARK: - Ends

    @Test func aWebhookThatWasTakenIsDelivered() throws {
        try enqueue(due: 0)
        let delivery = try #require(try store.claim().first)
        #expect(try store.finish(delivery, .taken, at: later(1), retryAt: later(5)) == .delivered)
        #expect(
            try webhook("state, attempts, next_attempt_at, last_status, last_error, delivered_at, leased_until")
                == ["delivered", "1", "-", "204", "-", "\(later(1).milliseconds)", "-"]
        )
        #expect(try store.claim(at: later(1_000_000)).isEmpty)
    }

    @Test func aFailedAttemptIsRetriedAtItsTime() throws {
        try enqueue(due: 0)
        let delivery = try #require(try store.claim().first)
        #expect(try store.finish(delivery, .refused, retryAt: later(5)) == .retried)
        #expect(
            try webhook("state, attempts, next_attempt_at, last_status, last_error, delivered_at, leased_until")
                == ["pending", "1", "\(later(5).milliseconds)", "500", "HTTP status 500", "-", "-"]
        )
        #expect(try store.claim(at: later(4)).isEmpty)
        let again = try #require(try store.claim(at: later(5)).first)
        #expect(again.id == delivery.id)
        #expect(again.body == delivery.body)
        #expect(again.attempts == 1)
    }

    @Test func afterTheLastRetryAWebhookIsDeadAndKept() throws {
        try enqueue(due: 0)
        let delivery = try #require(try store.claim().first)
        #expect(try store.finish(delivery, .refused, retryAt: nil) == .dead)
        #expect(try webhook("state, attempts, next_attempt_at, leased_until") == ["dead", "1", "-", "-"])
        #expect(try store.read { try $0.deadWebhooks(refundID: 1) } == 1)
        #expect(try store.read { try $0.deadWebhooks(refundID: 2) } == 0)
        #expect(try store.claim(at: later(1_000_000)).isEmpty)
        #expect(try store.read { try $0.waitingEndpoints(at: later(1_000_000)) }.due.isEmpty)
    }

    @Test func everyAttemptIsKept() throws {
        try enqueue(due: 0)
        try store.finish(try #require(try store.claim().first), .refused, at: later(1), retryAt: later(5))
        try store.finish(try #require(try store.claim(at: later(5)).first), .taken, at: later(6))
        #expect(
            try database.rows(
                "SELECT webhook_id, at, status, error, duration_ms, answer FROM refund_webhook_attempts ORDER BY at"
            ) == [
                ["msg_1", "\(later(1).milliseconds)", "500", "HTTP status 500", "34", "oops"],
                ["msg_1", "\(later(6).milliseconds)", "204", "-", "12", ""],
            ]
        )
    }

    @Test func anAttemptWithoutAnAnswerIsKeptToo() throws {
        try enqueue(due: 0)
        let outcome = DeliveryOutcome(
            status: nil,
            error: "127.0.0.1 is a loopback address",
            retryAfter: nil,
            answer: [],
            duration: .zero
        )
        try store.finish(try #require(try store.claim().first), outcome, retryAt: later(5))
        #expect(try webhook("last_status, last_error") == ["-", "127.0.0.1 is a loopback address"])
        #expect(
            try database.rows("SELECT status, error FROM refund_webhook_attempts") == [
                ["-", "127.0.0.1 is a loopback address"]
            ]
        )
    }

    @Test(arguments: ["attempts = 9", "state = 'dead'", "state = 'superseded'", "state = 'delivered'"])
    func anEndThatSomebodyElseOvertookIsIgnoredAndHoldsNothingUp(change: String) throws {
        try enqueue(due: 0)
        let delivery = try #require(try store.claim().first)
        try database.execute("UPDATE refund_outbox SET \(change)")
        #expect(try store.finish(delivery, .refused, retryAt: later(5)) == .ignored)
        #expect(try database.column("SELECT count(*) FROM refund_webhook_attempts") == ["1"])
        // The refund's next webhook does not wait for an attempt that has ended.
        try database.execute("UPDATE refund_outbox SET state = 'dead'")
        try database.happen(to: 1) { $0.webhooksChanged(dead: 1, at: now) }
        try store.transaction { tx in
            guard let refund = try tx.refund(id: 1) else { throw TestDatabase.NoSuchRefund() }
            let transition = Transition(
                at: now,
                from: .settled,
                to: .settled,
                attention: nil,
                reason: nil,
                transStatus: nil,
                evidence: nil,
                actor: "ada",
                event: .needsAttention
            )
            try tx.apply(refund, [transition], endsLease: true, database.context())
        }
        #expect(try store.claim().map(\.id) == ["msg_2"])
    }

    @Test func oneWebhookOfARefundIsInFlightAtATime() throws {
        try database.enqueue("R-1")
        try database.happen(to: 1) { $0.answered(.processing) }
        try database.happen(to: 1, isOld: true) { $0.aged(at: now) }
        try database.happen(to: 1) { $0.answered(.settled) }
        // A person had all of them sent again.
        try database.execute("UPDATE refund_outbox SET state = 'pending', next_attempt_at = \(now.milliseconds)")
        var sent: [String] = []
        for _ in 0..<3 {
            let claimed = try store.claim()
            #expect(claimed.count == 1)
            #expect(try store.claim().isEmpty)
            for delivery in claimed {
                sent.append(delivery.id)
                try store.finish(delivery, .taken)
            }
        }
        #expect(sent == ["msg_1", "msg_2", "msg_3"])
    }

    // MARK: - A gateway's event

    @Test func aGatewaysTroubleIsRememberedAndTold() throws {
        let trouble = GatewayHealth.Trouble(code: "SYS002", message: "signature refused", isVerified: true, since: now)
        let hint = GatewayHealth.Trouble(code: "E07303", message: "", isVerified: false, since: later(-5))
        try store.transaction { tx in
            try tx.setTrouble(trouble, gateway: "default", database.context())
            try tx.setTrouble(hint, gateway: "second", database.context(url: nil))
        }
        #expect(try store.read { try $0.troubles() } == ["default": trouble, "second": hint])
        #expect(
            try database.rows("SELECT position, at, type, refund_id, merchant_order_no, state, body FROM refund_events")
                == [
                    [
                        "1", "\(now.milliseconds)", "gateway.needs_attention", "-", "-", "-",
                        EventBody.gateway("default", trouble),
                    ],
                    [
                        "2", "\(later(-5).milliseconds)", "gateway.needs_attention", "-", "-", "-",
                        EventBody.gateway("second", hint),
                    ],
                ]
        )
        #expect(try webhook("refund_id, type") == ["-", "gateway.needs_attention"])
        #expect(try database.column("SELECT count(*) FROM refund_webhooks") == ["1"])
        try store.transaction { tx in try tx.setTrouble(nil, gateway: "default", database.context()) }
        #expect(try store.read { try $0.troubles() } == ["second": hint])
        #expect(try database.column("SELECT count(*) FROM refund_events") == ["2"], "a recovery sends nothing")
    }

    @Test func gatewaysEventsDoNotWaitForEachOther() throws {
        let trouble = GatewayHealth.Trouble(code: "SYS002", message: "x", isVerified: true, since: now)
        try store.transaction { tx in
            for gateway in ["a", "b"] { try tx.setTrouble(trouble, gateway: gateway, database.context()) }
        }
        let claimed = try store.claim()
        #expect(claimed.map(\.id) == ["msg_1", "msg_2"])
        #expect(claimed.allSatisfy { $0.refundID == nil })
        #expect(try store.finish(claimed[0], .refused, retryAt: later(5)) == .retried)
        #expect(try store.finish(claimed[1], .refused, retryAt: nil) == .dead)
    }
}
