import RefundCore
import RefundStore
import Testing

extension StoreBehaviour {
    static let claims = [
        StoreBehaviour("longestDueComesFirst") { fixture in
            let daemon = Daemon(fixture)
            try enqueue(fixture, due: -10, -30, -20, 0, 1)
            #expect(try daemon.due() == [2, 3, 1, 4])
            #expect(try daemon.due(permits: 2) == [2, 3])
            #expect(try daemon.due(permits: 0) == [])
            #expect(try next(daemon) == later(1))
            #expect(try next(daemon, permits: 2) == later(-10))
            #expect(try next(daemon, permits: 0) == later(-30))
        },
        StoreBehaviour("newRefundsAreReadApartFromWaitingOnes") { fixture in
            try enqueue(fixture, due: -10)
            try fixture.enqueue("R-new")
            let due = try #require(try Daemon(fixture).claims(permits: 1).gateways["default"])
            #expect(due.new.map(\.refund.id) == [2])
            #expect(due.waiting.map(\.refund.id) == [1])
        },
        StoreBehaviour("probeTakesTheNextRefundInTurn") { fixture in
            let daemon = Daemon(fixture)
            try enqueue(fixture, due: -10, -30, -20)
            func probe(after due: Int?, _ id: Int64) throws -> [Int64] {
                var turn = ClaimRequest.ProbeTurn()
                turn.cursors[""] = due.map { ClaimRequest.ProbeCursor(due: later($0), id: id) }
                return try daemon.claims(permits: 1, probe: turn).gateways["default"]?.waiting.map(\.refund.id) ?? []
            }
            #expect(try probe(after: nil, 0) == [2])
            #expect(try probe(after: -30, 2) == [3])
            #expect(try probe(after: -10, 1) == [2], "after the last, the first")
        },
        StoreBehaviour("probesTakeMerchantsInTurn") { fixture in
            let daemon = Daemon(fixture)
            try enqueue(fixture, merchants: "M-1", "M-1", "M-2", nil)
            var turn = ClaimRequest.ProbeTurn()
            var probed: [Int64] = []
            for _ in 1...8 {
                let rows = try daemon.claims(permits: 1, probe: turn).gateways["default"]?.waiting ?? []
                for refund in rows.map(\.refund) {
                    probed.append(refund.id)
                    turn.merchant = refund.merchantKey
                    turn.cursors[refund.merchantKey] = .init(due: refund.nextQueryAt ?? now, id: refund.id)
                }
            }
            #expect(probed == [4, 1, 3, 4, 2, 3, 4, 1])
        },
        StoreBehaviour("probeSkipsExcludedMerchants") { fixture in
            let daemon = Daemon(fixture)
            try enqueue(fixture, merchants: "M-1", "M-1", "M-2", nil)
            for (excluded, expected) in [(["M-1"], [4]), (["M-1", ""], [3]), (["M-1", "", "M-2"], [])]
                as [(Set, [Int64])]
            {
                let claim = ClaimRequest.GatewayClaim(permits: 1, probe: .init(), excludedMerchants: excluded)
                let due = try daemon.claims { $0.gateways["default"] = claim }.gateways["default"]
                #expect(due?.waiting.map(\.refund.id) == expected)
            }
        },
        StoreBehaviour("merchantsTakeTurnsWhileMoreIsDueThanMayBeQueried") { fixture in
            let daemon = Daemon(fixture)
            try enqueue(fixture, merchants: "M-1", "M-1", "M-1", "M-1", "M-2", "M-3", nil)
            var claim = ClaimRequest.GatewayClaim(permits: 3)
            func read() throws -> DueRefunds {
                try daemon.claims { $0.gateways["default"] = claim }.gateways["default"] ?? DueRefunds()
            }
            #expect(try read().waiting.map(\.refund.id) == [1, 5, 6])
            #expect(try read().waitingTurn == DueRefunds.Turn(count: 3, examined: "M-3"))
            claim.turns.waiting = "M-3"
            #expect(try read().waiting.map(\.refund.id) == [7, 1, 5])
            claim.permits = 6
            #expect(try read().waiting.map(\.refund.id) == [7, 1, 5, 6, 2, 3])
            claim.permits = 7
            #expect(try read().waiting.map(\.refund.id) == [7, 1, 5, 6, 2, 3, 4], "one has less than its share")
            claim.permits = 8
            #expect(try read().waiting.map(\.refund.id) == [1, 2, 3, 4, 5, 6, 7], "enough for all")
            #expect(try read().waitingTurn == nil)
            try fixture.execute("UPDATE refund_queue SET next_query_at = 0")
            claim.permits = 3
            claim.turns.new = "M-1"
            #expect(try read().new.map(\.refund.id) == [5, 6, 7])
        },
        StoreBehaviour("gatewaysAreReadApart") { fixture in
            let daemon = Daemon(fixture)
            try enqueue(fixture, due: -1, gateway: "b")
            try enqueue(fixture, due: -2, 5)
            try enqueue(fixture, due: 7, gateway: "C")
            let gateways = try daemon.claims().gateways
            #expect(Set(gateways.keys) == ["b", "default"], "an unknown gateway is read once something is due")
            #expect(gateways["b"]?.waiting.map(\.refund.id) == [1])
            #expect(gateways["default"]?.waiting.map(\.refund.id) == [2])
            #expect(gateways["default"]?.next == later(5))
            #expect(try daemon.claims { $0.includesUnknownGateways = false }.gateways["b"] == nil)
        },
        StoreBehaviour("dueTimeThatRefunddCannotHaveSetIsDue") { fixture in
            let daemon = Daemon(fixture)
            try enqueue(fixture, due: 100, 200)
            for time in ["NULL", "9223372036854775807", "\(later(3_960).milliseconds + 1)", "-5"] {
                try fixture.execute("UPDATE refund_queue SET next_query_at = \(time) WHERE id = 2")
                #expect(try daemon.due() == [2], "\(time)")
                #expect(try next(daemon) == later(100), "\(time)")
            }
            try fixture.execute("UPDATE refund_queue SET next_query_at = \(later(3_960).milliseconds) WHERE id = 2")
            #expect(try daemon.due() == [], "the longest wait is refundd's own")
        },
        StoreBehaviour("claimedRefundIsNotDueUntilItsClaimEnds") { fixture in
            let daemon = Daemon(fixture)
            try enqueue(fixture, due: -2, -1)
            try daemon.write(.claimRefunds([RefundClaim(id: 1, lease: 1)], until: later(75)))
            #expect(try daemon.due() == [2])
            #expect(try daemon.row(1).lease == 1, "every claim has a number")
            try daemon.write(.releaseRefund(RefundClaim(id: 1, lease: 0)))
            #expect(try daemon.due() == [2], "an earlier claim ends nothing")
            try daemon.write(.releaseRefund(RefundClaim(id: 1, lease: 1)))
            #expect(try daemon.due() == [1, 2])
        },
        StoreBehaviour("claimThatRanOutIsFound") { fixture in
            let daemon = Daemon(fixture)
            try enqueue(fixture, due: -2, -1)
            try daemon.write(
                .claimRefunds([RefundClaim(id: 1, lease: 1), RefundClaim(id: 2, lease: 1)], until: later(75))
            )
            #expect(try daemon.claims(at: later(75)).expiredRefunds.isEmpty)
            #expect(try daemon.claims(at: later(76)).expiredRefunds == [1: 1, 2: 1])
            try fixture.execute("UPDATE refund_queue SET leased_until = \(later(1_000_000).milliseconds) WHERE id = 2")
            #expect(try daemon.claims(at: later(1)).expiredRefunds == [2: 1], "no claim lasts that long")
        },
        StoreBehaviour("postponedRefundIsDueAtItsTime") { fixture in
            let daemon = Daemon(fixture)
            try enqueue(fixture, due: -1)
            try daemon.write(.claimRefunds([RefundClaim(id: 1, lease: 1)], until: later(75)))
            try daemon.write(.postponeRefund(RefundClaim(id: 1, lease: 1), until: later(60)))
            #expect(try daemon.due(at: later(59)) == [])
            #expect(try daemon.due(at: later(60)) == [1])
        },
        StoreBehaviour("finalRefundIsNeverDue") { fixture in
            let daemon = Daemon(fixture)
            try enqueue(fixture, due: 0)
            try daemon.happen(to: 1) { $0.answered(.settled) }
            #expect(try fixture.column("SELECT next_query_at FROM refund_queue") == [nil])
            #expect(try daemon.due(at: later(1_000_000)) == [])
        },
        StoreBehaviour("heldRefundIsLeftOut") { fixture in
            let daemon = Daemon(fixture)
            try enqueue(fixture, due: -2, -1)
            let due = try daemon.claims { $0.heldRefunds = [1] }.gateways["default"]
            #expect(due?.waiting.map(\.refund.id) == [2])
            #expect(due?.next == nil)
        },
        StoreBehaviour("heldRefundsHideNoOtherThatIsOverdueOrWhoseClaimRanOut") { fixture in
            let daemon = Daemon(fixture)
            for number in 1...4 { try fixture.enqueue("R-\(number)") }
            try daemon.write(.claimRefunds((1...4).map { RefundClaim(id: $0, lease: 1) }, until: later(75)))
            let input = try daemon.claims(at: later(76)) { claims in
                claims.heldRefunds = [1, 2]
                claims.batch = 2
                claims.overdueSince = later(1)
            }
            #expect(input.overdue.map(\.refund.id) == [3, 4])
            #expect(input.expiredRefunds == [3: 1, 4: 1])
        },
        StoreBehaviour("onlyRefundsWithoutAGraverReasonBecomeOverdue") { fixture in
            let daemon = Daemon(fixture)
            for number in 1...6 { try fixture.enqueue("R-\(number)") }
            try daemon.happen(to: 2, isOld: true) { $0.aged(at: now) }
            try daemon.happen(to: 3) { $0.checked(trouble: "no such gateway", at: now) }
            try daemon.happen(to: 4) { $0.webhooksChanged(dead: 1, at: now) }
            try daemon.happen(to: 5) { $0.answered(.settled) }
            try daemon.write(.claimRefunds([RefundClaim(id: 6, lease: 1)], until: later(75)))
            let overdue = try daemon.claims { $0.overdueSince = now }.overdue
            #expect(overdue.map(\.refund.id) == [1, 4, 6], "a claimed refund ages like any other")
            let young = try daemon.claims()
            #expect(young.overdue.isEmpty)
            let createdAt = try daemon.row(1).refund.createdAt
            #expect(young.nextOverdue == createdAt)
        },
        StoreBehaviour("hintMakesARefundDueBeforeAllOthersOncePerInterval") { fixture in
            let daemon = Daemon(fixture)
            try enqueue(fixture, due: 500, -10)
            try fixture.execute("INSERT INTO refund_hints (merchant_order_no) VALUES ('R-default-500')")
            let due = try #require(try daemon.claims().gateways["default"])
            #expect(due.hinted.map(\.refund.refund.id) == [1])
            #expect(due.hinted.map(\.hints) == [[1]])
            try fixture.execute("UPDATE refund_queue SET last_query_at = \(later(-2).milliseconds) WHERE id = 1")
            let again = try #require(try daemon.claims().gateways["default"])
            #expect(again.hinted.isEmpty)
            #expect(again.next == later(3), "five seconds after its last query")
            try daemon.write(.deleteHints([1]))
            #expect(try fixture.number("SELECT count(*) FROM refund_hints") == 0)
        },
        StoreBehaviour("hintForAFinalRefundIsSpent") { fixture in
            let daemon = Daemon(fixture)
            try enqueue(fixture, due: -10)
            try daemon.happen(to: 1) { $0.answered(.settled) }
            try fixture.execute("INSERT INTO refund_hints (merchant_order_no) VALUES ('R-default--10')")
            #expect(try daemon.claims().spentHints == [1])
        },
        StoreBehaviour("dueTimesMoveWithAClockThatWasSetBack") { fixture in
            let daemon = Daemon(fixture)
            try enqueue(fixture, due: 100, -5)
            try daemon.happen(to: 2) { $0.answered(.processing) }
            let webhook = try #require(try daemon.claim().first)
            try daemon.finish(webhook, .failed, retryAt: later(300))
            try daemon.write(.moveDueTimes(by: .seconds(50), after: now))
            #expect(try daemon.row(1).refund.nextQueryAt == later(50))
            #expect(
                try fixture.column("SELECT next_attempt_at FROM refund_webhooks") == ["\(later(250).milliseconds)"]
            )
        },
        StoreBehaviour("claimBeginsAndEndsWhateverNumberAStrayUpdateGaveIt") { fixture in
            let daemon = Daemon(fixture)
            for (index, value) in strayValues.enumerated() {
                let id = try fixture.enqueue("R-\(index)")
                let setLease = "UPDATE refund_queue SET lease = \(value) WHERE id = \(id)"
                try daemon.write(.claimRefunds([RefundClaim(id: id, lease: 1)], until: later(75)))
                // A typed column rejects some of them.
                guard (try? fixture.execute(setLease)) != nil else { continue }
                let expired = try #require(try daemon.claims(at: later(76)).expiredRefunds[id], "lease = \(value)")
                try daemon.write(.releaseRefund(RefundClaim(id: id, lease: expired)))
                #expect(try daemon.due().contains(id), "lease = \(value)")

                try fixture.execute(setLease)
                let claim = RefundClaim(id: id, lease: try daemon.row(id).lease + 1)
                try daemon.write(.claimRefunds([claim], until: later(75)))
                #expect(try daemon.row(id).lease == claim.lease, "lease = \(value)")
                try fixture.execute(setLease)
                try daemon.happen(to: id) { $0.answered(.settled) }
                #expect(try daemon.row(id).refund.state == .settled, "lease = \(value)")

                _ = try? fixture.execute("UPDATE refund_outbox SET lease = \(value) WHERE refund_id = \(id)")
                try daemon.finish(try #require(try daemon.claim().first), .accepted)
            }
            #expect(Set(try daemon.webhooks()) == ["settled delivered"])
        },
        StoreBehaviour("anythingInARowIsReadWithoutATrap") { fixture in
            let daemon = Daemon(fixture)
            let columns = [
                "metadata", "callback_url", "trans_status", "trans_amount", "trans_end_at", "failure_code", "attempts",
                "last_query_at", "updated_at", "next_query_at", "attention_told", "unknown_order",
            ]
            for column in columns {
                for (index, value) in strayValues.enumerated() {
                    let id = try fixture.enqueue("\(column)-\(index)")
                    // A typed column rejects some of them.
                    guard (try? fixture.execute("UPDATE refund_queue SET \(column) = \(value) WHERE id = \(id)")) != nil
                    else { continue }
                    #expect(try daemon.due().contains(id) || column == "next_query_at", "\(column) = \(value)")
                    try daemon.happen(to: id) { $0.answered(.processing) }
                    try daemon.happen(to: id) { $0.answered(.settled) }
                    #expect(try daemon.row(id).refund.state == .settled, "\(column) = \(value)")
                }
            }
            for body in try fixture.column("SELECT body FROM refund_events") {
                #expect(throws: Never.self) { try JSONObject(parsing: body ?? "") }
            }
        },
    ]

    /// What a stray `UPDATE` may leave in a column, as SQL.
    private static let strayValues = [
        "NULL", "'text'", "''", "x'ff00'", "1.5", "-1", "9223372036854775807", "-9223372036854775808",
    ]

    /// Refunds of merchants, which have been due in this order.
    private static func enqueue(_ fixture: any StoreFixture, merchants: String?...) throws {
        for (number, merchant) in merchants.enumerated() {
            try fixture.execute(
                """
                INSERT INTO refund_queue (merchant_order_no, merchant_no)
                VALUES ('R-\(number)', \(merchant.map { "'\($0)'" } ?? "NULL"));
                UPDATE refund_queue SET next_query_at = \(later(number - 100).milliseconds)
                WHERE id = (SELECT max(id) FROM refund_queue)
                """
            )
        }
    }

    /// Enqueues refunds whose queries are due some seconds from now.
    private static func enqueue(_ fixture: any StoreFixture, due seconds: Int..., gateway: String = "default") throws {
        for second in seconds {
            let id = try fixture.enqueue("R-\(gateway)-\(second)", ["gateway": "'\(gateway)'"])
            try fixture.execute(
                "UPDATE refund_queue SET next_query_at = \(later(second).milliseconds) WHERE id = \(id)"
            )
        }
    }

    private static func next(_ daemon: Daemon, permits: Int = 100) throws -> Timestamp? {
        try daemon.claims(permits: permits).gateways["default"]?.next
    }
}
