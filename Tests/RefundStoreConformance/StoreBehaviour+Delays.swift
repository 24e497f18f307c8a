import RefundCore
import RefundStore
import Testing

extension StoreBehaviour {
    static let delays = [
        StoreBehaviour("refundsThatAreNotReportedAsDelayedAreFoundByAge") { fixture in
            let daemon = Daemon(fixture)
            let ids = try (1...3).map { try fixture.enqueue("R-\($0)") }
            try daemon.happen(to: ids[0], isOld: true) { $0.checked(trouble: "no such gateway", at: now) }
            try daemon.happen(to: ids[2]) { $0.answered(.settled) }
            let input = try daemon.claims { $0.delayedSince = now }
            #expect(input.delayed.map(\.refund.id) == [ids[0], ids[1]], "whatever their attention")
            #expect(input.nextDelayed == nil)
            #expect(try daemon.claims { $0.delayedSince = nil }.delayed.isEmpty)
            let early = try daemon.claims { $0.delayedSince = Timestamp(milliseconds: 0) }
            #expect(early.delayed.isEmpty)
            #expect(early.nextDelayed == (try daemon.row(ids[0])).refund.createdAt)
            #expect(
                try daemon.claims { claims in
                    claims.delayedSince = now
                    claims.batch = 1
                }.delayed.count == 1
            )
        },
        StoreBehaviour("delayIsReportedOnceAndChangesNothingElse") { fixture in
            let daemon = Daemon(fixture)
            let id = try fixture.enqueue("R-1")
            let before = try daemon.row(id)
            try daemon.delay(id)
            var expected = before
            expected.refund.notified.insert(.delayed)
            #expect(try daemon.row(id) == expected)
            #expect(try daemon.claims { $0.delayedSince = now }.delayed.isEmpty)
            let events = try fixture.rows("SELECT type, state FROM refund_events")
            #expect(events == [["refund.delayed", "pending"]])
            let webhooks = try fixture.rows("SELECT type, sequence, state FROM refund_webhooks")
            #expect(webhooks == [["refund.delayed", "0", "pending"]])
            #expect(try fixture.number("SELECT count(*) FROM refund_transitions") == 0)
        },
        StoreBehaviour("delayWrittenAgainAfterACommitOfUnknownOutcomeIsReportedOnce") { fixture in
            let daemon = Daemon(fixture)
            let id = try fixture.enqueue("R-1")
            let change = try daemon.delayChange(of: id)
            #expect(try daemon.write(.change(change)) == [])
            #expect(try daemon.write(.change(change)) == [])
            #expect(try fixture.number("SELECT count(*) FROM refund_events") == 1)
            #expect(try fixture.number("SELECT count(*) FROM refund_webhooks") == 1)
        },
        StoreBehaviour("verdictSupersedesTheReportOfADelay") { fixture in
            let daemon = Daemon(fixture)
            let id = try fixture.enqueue("R-1")
            try daemon.delay(id)
            try daemon.happen(to: id) { $0.answered(.settled) }
            #expect(try daemon.webhooks() == ["delayed superseded", "settled pending"], "even as the first change")
        },
        StoreBehaviour("reportOfADelaySupersedesOlderEventsButNeedsAttention") { fixture in
            let daemon = Daemon(fixture)
            let ids = try (1...2).map { try fixture.enqueue("R-\($0)") }
            try daemon.happen(to: ids[0]) { $0.answered(.processing) }
            try daemon.delay(ids[0])
            #expect(try daemon.webhooks().sorted() == ["delayed pending", "processing superseded"])
            try daemon.happen(to: ids[1], isOld: true) { $0.aged(at: now) }
            let attention = try #require(try daemon.claim().first { $0.refundID == ids[1] })
            try daemon.delay(ids[1])
            try daemon.finish(attention, .failed, retryAt: later(5))
            let states = try fixture.rows("SELECT type, state FROM refund_webhooks WHERE refund_id = \(ids[1])")
            #expect(states.map { $0[1] } == ["pending"], "in flight or not, it is sent, and not overtaken")
            #expect(try fixture.number("SELECT count(*) FROM refund_events WHERE type = 'refund.delayed'") == 2)
        },
    ]
}

extension Daemon {
    func delayChange(of id: Int64) throws -> RefundChange {
        var random = SplitMix64(seed: UInt64(id))
        return RefundChange(delayed: try row(id), by: .seconds(86_400), at: now, context(), using: &random)
    }

    func delay(_ id: Int64) throws {
        #expect(try write(.change(try delayChange(of: id))) == [])
    }
}
