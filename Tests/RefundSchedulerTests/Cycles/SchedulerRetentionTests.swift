import RefundCore
import RefundStore
import RefundStoreConformance
import Testing

@testable import RefundScheduler

/// Retention prunes what is finished, in steps that nothing waits for.
struct SchedulerRetentionTests {
    private let harness: SchedulerHarness

    init() throws {
        harness = try SchedulerHarness { $0.retention = RetentionPolicy() }
    }

    /// Settles a refund and delivers its webhook.
    private func settle(_ order: String) throws {
        try harness.enqueue(order)
        try harness.query(.report(.settled))
        try harness.run()
        harness.endDeliveries(status: 204)
        try harness.run()
    }

    /// The counts of pruned rows that events report, and the totals of finished passes.
    private func counts(_ events: [SchedulerEvent]) -> (pruned: [PrunedRows], passes: [PrunedRows]) {
        let pruned = events.compactMap { if case .pruned(let rows) = $0 { rows } else { nil } }
        return (pruned, events.compactMap { if case .retentionPassed(let rows) = $0 { rows } else { nil } })
    }

    @Test func oldWebhooksArePrunedOnceADay() throws {
        try settle("R-1")
        harness.advance(by: .seconds(91 * 86_400))
        try settle("R-2")
        #expect(try harness.run().pruning?.what == .webhooks)
        let (events, next) = try harness.prune()
        let found = counts(events)
        #expect(found.pruned.map(\.bodies) == [1] && found.passes == found.pruned)
        let tomorrow = harness.now.advanced(by: .seconds(86_400))
        #expect(next == tomorrow)
        #expect(try harness.run().pruning == nil)
        #expect(try #require(harness.decision.nextWake) <= tomorrow)
        harness.advance(by: .seconds(86_400))
        #expect(try harness.run().pruning != nil)
        #expect(try harness.prune().events.isEmpty, "a pass that prunes nothing reports nothing")
    }

    @Test func passWithALedgerPrunesWebhooksFirst() throws {
        try harness.apply { $0.retention.ledger = .seconds(100 * 86_400) }
        try settle("R-1")
        harness.advance(by: .seconds(101 * 86_400))
        try settle("R-2")
        try harness.run()
        let (first, next) = try harness.prune()
        #expect(counts(first).pruned.map(\.bodies) == [1] && counts(first).passes.isEmpty)
        #expect(next == harness.now.advanced(by: .milliseconds(100)))
        harness.advance(by: .milliseconds(100))
        #expect(try harness.run().pruning?.what == .ledger)
        let second = counts(try harness.prune().events)
        #expect(second.pruned.map(\.refunds) == [1])
        #expect(second.passes.map(\.bodies) == [1] && second.passes.map(\.refunds) == [1])
        #expect(try harness.fixture.number("SELECT count(*) FROM refund_queue") == 1)
    }

    @Test func nothingIsPrunedWhileAnythingIsDue() throws {
        try settle("R-1")
        try harness.enqueue("R-2")
        let claiming = try harness.run()
        #expect(!claiming.effects.isEmpty && claiming.pruning == nil)
        #expect(try #require(claiming.nextWake) <= harness.now.advanced(by: .seconds(1)))
        harness.endQueries(.report(.settled))
        #expect(try harness.run().pruning == nil, "results are written")
        #expect(try harness.run().pruning == nil, "a webhook is sent")
        harness.endDeliveries(status: 204)
        try harness.run()
        #expect(try harness.run().pruning != nil)
    }

    @Test func nothingIsPrunedShortlyBeforeAQuery() throws {
        try harness.apply { $0.polling.jitter = 0 }
        try harness.enqueue("R-1")
        try harness.query(.report(.processing))
        harness.advance(by: .milliseconds(4_960))
        #expect(try harness.run().pruning == nil)
        #expect(try harness.runAtNextWake().queries.count == 1)
    }

    @Test func clockSetMonthsAheadMakesNothingOld() throws {
        try harness.apply { $0.retention.ledger = .seconds(100 * 86_400) }
        try settle("R-1")
        harness.advance(by: .seconds(120 * 86_400))
        // Gateways do not answer a query that carries such a time, whatever they say of it.
        try harness.enqueue("R-2")
        try harness.query(.inconclusive(reason: "code T-1"))
        for _ in 1...3 {
            if try harness.run().pruning != nil { #expect(try harness.prune().events.isEmpty) }
            harness.advance(by: .milliseconds(100))
        }
        #expect(try harness.fixture.number("SELECT count(*) FROM refund_webhook_attempts") == 1)
        #expect(try harness.fixture.number("SELECT count(*) FROM refund_queue") == 2)
    }

    @Test func nothingIsPrunedBeforeAGatewayAnswersAfterTheStart() throws {
        try settle("R-1")
        harness.advance(by: .seconds(91 * 86_400))
        _ = try harness.restart()
        #expect(try harness.run().pruning == nil, "nothing vouches for the clock")
        try settle("R-2")
        try harness.run()
        #expect(counts(try harness.prune().events).pruned.map(\.bodies) == [1])
    }

    @Test func everythingIsKeptWithoutALimit() throws {
        try harness.apply { $0.retention = .forever }
        try settle("R-1")
        harness.advance(by: .seconds(4_000 * 86_400))
        #expect(try harness.run().pruning == nil)
    }

    @Test func rejectedStepIsReportedAndPassedOver() throws {
        try settle("R-1")
        try harness.fixture.reject("DELETE", of: "refund_outbox_attempts", when: nil, "keep it")
        harness.advance(by: .seconds(91 * 86_400))
        try settle("R-2")
        try harness.run()
        let (events, next) = try harness.prune()
        #expect(events.count == 1)
        guard case .rejected(let what, let reason)? = events.first else { throw CancellationError() }
        #expect(what == "1 row(s) of retention" && reason.contains("keep it"))
        #expect(next == harness.now.advanced(by: .seconds(86_400)))
        #expect(try harness.fixture.number("SELECT count(*) FROM refund_pruned") == 0)
        try settle("R-3")
    }

    @Test func stepGivesWayToAnotherProcess() throws {
        try settle("R-1")
        harness.advance(by: .seconds(91 * 86_400))
        try settle("R-2")
        try harness.run()
        let request = try #require(harness.decision.pruning)
        let store = FaultyStore(harness.fixture.store)
        var state = harness.state
        store.fail(.write, .test(.busy))
        let (events, next) = try state.prune(request, over: store, harness.settings, at: harness.now)
        #expect(events.isEmpty && next == harness.now.advanced(by: .seconds(60)))
        store.fail(.write, .test(.damaged))
        #expect(throws: StoreError.self) {
            _ = try state.prune(request, over: store, harness.settings, at: harness.now)
        }
    }
}
