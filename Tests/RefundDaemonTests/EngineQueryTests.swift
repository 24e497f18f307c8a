import RefundCore
import RefundStoreSQLite
import Testing

@testable import RefundDaemon

struct EngineQueryTests {
    @Test func insertedRefundIsQueriedAtOnceAndSettlesWithLedgerAndWebhook() throws {
        let harness = try EngineHarness()
        let id = try harness.enqueue("R-1")
        try harness.run()
        #expect(harness.cycle.queries.map(\.refund.id) == [id])
        harness.answerAll(.report(.settled))
        try harness.run()
        let refund = try harness.refund(id)
        #expect(refund.state == .settled)
        #expect(refund.attempts == 1)
        #expect(refund.nextQueryAt == nil)
        let ledger = try harness.transitions(id)
        #expect(ledger.map { $0.text("to_state") } == ["settled"])
        #expect(ledger.first?.text("response") == "{\"code\":\"0\"}")
        #expect(harness.cycle.deliveries.count == 1)
        #expect(try harness.webhooks(id).map { $0.text("type") } == ["refund.settled"])
    }

    @Test func settledRefundIsNotQueriedAgain() throws {
        let harness = try EngineHarness()
        try harness.enqueue("R-1")
        try harness.run()
        harness.answerAll(.report(.settled))
        try harness.run()
        harness.advance(by: .seconds(30 * 86_400))
        #expect(try harness.run().queries.isEmpty)
    }

    @Test func claimedRefundIsNotClaimedAgainWhileItsQueryIsInFlight() throws {
        let harness = try EngineHarness()
        try harness.enqueue("R-1")
        #expect(try harness.run().queries.count == 1)
        harness.advance(by: .seconds(3_600))
        #expect(try harness.run().queries.isEmpty)
    }

    @Test func everyFailedQueryBacksOffAndCounts() throws {
        let harness = try EngineHarness()
        let id = try harness.enqueue("R-1")
        try harness.run()
        for seconds in [5, 10, 20, 40, 80] {
            harness.answerAll(.unreachable(reason: "timeout"))
            try harness.run()
            #expect(harness.cycle.nextWake == harness.now.advanced(by: .seconds(seconds)))
            try harness.runAtNextWake()
            #expect(harness.cycle.queries.count == 1)
        }
        let refund = try harness.refund(id)
        #expect(refund.attempts == 5)
        #expect(refund.state == .pending)
        #expect(refund.lastError == "timeout")
    }

    @Test func restartQueriesAtOnceWhatWasInFlight() throws {
        let harness = try EngineHarness()
        let id = try harness.enqueue("R-1")
        try harness.run()
        let cycle = try harness.firstCycleAfterARestart()
        #expect(cycle.queries.map(\.refund.id) == [id])
    }

    @Test func claimThatNobodyHoldsHidesNoRefund() throws {
        let harness = try EngineHarness()
        let held = try harness.enqueue("R-1")
        try harness.run()
        let stray = try harness.enqueue("R-2")
        // As a stray UPDATE of an application would leave it.
        try harness.sqlite("UPDATE refund_queue SET leased_until = 9223372036854775807 WHERE id = \(stray)")
        #expect(try harness.run().queries.map(\.refund.id) == [stray])
        #expect(try harness.run().queries.isEmpty, "\(held) is in flight")
    }

    @Test func noMoreThanMaxInFlightAreQueriedAtATime() throws {
        let harness = try EngineHarness { $0.gateways["default"]?.limits.maxInFlight = 3 }
        for number in 1...10 { try harness.enqueue("R-\(number)") }
        #expect(try harness.run().queries.count == 3)
        #expect(try harness.run().queries.isEmpty)
    }

    @Test func rateIsKeptAndTheRestFollowsWhenItAllows() throws {
        let harness = try EngineHarness { $0.gateways["default"]?.limits.maxQueriesPerSecond = 4 }
        for number in 1...10 { try harness.enqueue("R-\(number)") }
        #expect(try harness.run().queries.count == 4)
        #expect(harness.cycle.nextWake == harness.now.advanced(by: .seconds(1)))
        #expect(try harness.runAtNextWake().queries.count == 4)
        #expect(try harness.runAtNextWake().queries.count == 2)
    }

    @Test func backlogOfOneGatewayDoesNotHoldUpAnother() throws {
        let harness = try EngineHarness { settings in
            settings.gateways["default"]?.limits.maxInFlight = 1
            settings.gateways["other"] = settings.gateways["default"]
        }
        for number in 1...50 { try harness.enqueue("R-\(number)") }
        let late = try harness.enqueue("R-99", [(name: .gateway, value: "other")])
        try harness.run()
        #expect(harness.cycle.queries.map(\.refund.id).contains(late))
    }

    @Test func longestDueIsQueriedFirst() throws {
        let harness = try EngineHarness()
        let first = try harness.enqueue("R-1")
        try harness.run()
        harness.answerAll(.report(.processing))
        try harness.run()
        let second = try harness.enqueue("R-2")
        try harness.run()
        harness.answerAll(.report(.processing))
        harness.advance(by: .seconds(1))
        try harness.run()
        harness.advance(by: .seconds(3_600))
        #expect(try harness.run().queries.map(\.refund.id) == [first, second])
    }

    @Test func answerForARefundThatEndedMeanwhileChangesNothing() throws {
        let harness = try EngineHarness()
        let id = try harness.enqueue("R-1")
        try harness.run()
        try harness.store.transaction { tx in
            let refund = try #require(try tx.refund(id: id))
            var machine = RefundStateMachine(refund, policy: PollingPolicy())
            let transitions = machine.abandoned(reason: "customer withdrew", actor: "ann", at: harness.now)
            try tx.apply(machine.refund, transitions, endsLease: false, harness.engine.eventContext)
        }
        harness.answerAll(.report(.settled))
        try harness.run()
        #expect(try harness.refund(id).state == .abandoned)
        #expect(try harness.transitions(id).count == 1)
    }

    @Test func dueTimeBeyondAnyWaitCountsAsDue() throws {
        let harness = try EngineHarness()
        let id = try harness.enqueue("R-1")
        try harness.run()
        harness.answerAll(.report(.processing))
        try harness.run()
        // As if the clock had been set back by a day.
        harness.advance(by: .zero - .seconds(86_400))
        #expect(try harness.run().queries.map(\.refund.id) == [id])
    }

    @Test func rowThatTheDatabaseRefusesIsAskedAgainAndHoldsUpNoOther() throws {
        let harness = try EngineHarness()
        let bad = try harness.enqueue("R-1")
        let good = try harness.enqueue("R-2")
        // An application's own trigger that refuses what becomes of one refund.
        try harness.sqlite(
            """
            CREATE TRIGGER shop BEFORE UPDATE OF state ON refund_queue WHEN NEW.id = \(bad) AND NEW.state = 'settled'
            BEGIN SELECT RAISE(ABORT, 'shop: not this one'); END
            """
        )
        try harness.run()
        harness.answerAll(.report(.settled))
        try harness.run()
        #expect(try harness.refund(good).state == .settled)
        #expect(try harness.refund(bad).state == .pending)
        #expect(try harness.transitions(bad).isEmpty)
        harness.advance(by: .seconds(3_601))
        #expect(try harness.run().queries.map(\.refund.id) == [bad])
    }

    @Test func refundPutOffForLongerThanANewPolicyEverWaitsIsDueAfterTheReload() throws {
        let harness = try EngineHarness { $0.polling.initialInterval = .seconds(300) }
        let id = try harness.enqueue("R-1")
        try harness.run()
        harness.answerAll(.report(.processing))
        try harness.run()
        var settings = EngineHarness.settings
        settings.polling.initialInterval = .milliseconds(200)
        settings.polling.maxInterval = .milliseconds(600)
        settings.polling.slowInterval = .milliseconds(600)
        try harness.engine.reconfigure(settings, at: harness.now)
        #expect(try harness.run().queries.map(\.refund.id) == [id])
    }

    @Test func rowThatTheDatabaseRefusesToTellOfHoldsUpNoOther() throws {
        let harness = try EngineHarness()
        let bad = try harness.enqueue("R-1", [(name: .gateway, value: "nowhere")])
        let good = try harness.enqueue("R-2", [(name: .gateway, value: "nowhere")])
        let asked = try harness.enqueue("R-3")
        try harness.sqlite(
            """
            CREATE TRIGGER shop BEFORE UPDATE ON refund_queue WHEN NEW.id = \(bad)
            BEGIN SELECT RAISE(ABORT, 'shop: not this one'); END
            """
        )
        #expect(try harness.run().queries.map(\.refund.id) == [asked])
        #expect(try harness.refund(good).attention == .misconfigured)
        #expect(harness.cycle.nextWake == harness.now.advanced(by: .seconds(1)), "it is tried again, but not in a spin")
        harness.answerAll(.report(.settled))
        try harness.run()
        #expect(try harness.refund(asked).state == .settled)
    }

    @Test func claimThatSomebodyTookAwayIsRestoredWhileItsQueryIsInFlight() throws {
        let harness = try EngineHarness()
        let id = try harness.enqueue("R-1")
        try harness.run()
        try harness.sqlite("UPDATE refund_queue SET leased_until = NULL WHERE id = \(id)")
        #expect(try harness.run().queries.isEmpty)
        #expect(harness.cycle.nextWake.map { $0 > harness.now } ?? true, "the engine does not spin")
        harness.answerAll(.report(.settled))
        try harness.run()
        #expect(try harness.refund(id).state == .settled)
    }
}
