import Foundation
import RefundCore
import RefundStore
import RefundStoreConformance
import Synchronization
import Testing

@testable import RefundScheduler

/// The scheduler as an actor: its life, its results and its wake-ups.
@Suite(.timeLimit(.minutes(1)))
struct SchedulerTests {
    private let fixture: any StoreFixture
    private let store: FaultyStore
    private let client = ManualClient()
    private let clock = ManualClock(Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000)))
    private let scheduler: Scheduler
    private let events = AsyncStream<[SchedulerEvent]>.makeStream()
    private let faults = AsyncStream<StoreError.Kind?>.makeStream()

    init() throws {
        fixture = try TestStore.fixture()
        store = FaultyStore(fixture.store)
        scheduler = Scheduler(
            store: store,
            settings: Self.settings(client),
            clock: clock,
            report: { [events] in events.continuation.yield($0) },
            fault: { [faults] in faults.continuation.yield($0?.kind) }
        )
    }

    private static func settings(_ client: ManualClient) -> SchedulerSettings {
        var settings = SchedulerSettings.test
        settings.gateways["default"]?.client = client
        settings.webhooks.client = client
        return settings
    }

    private func enqueue(_ count: Int, gateway: String = "default") throws {
        for number in 1...count {
            try fixture.execute(
                "INSERT INTO refund_queue (merchant_order_no, gateway) VALUES ('R-\(number)', '\(gateway)')"
            )
        }
    }

    private func state(_ id: Int64) throws -> String? {
        try fixture.column("SELECT state FROM refund_queue WHERE id = \(id)").first ?? nil
    }

    // MARK: - Work

    @Test func insertByAnotherProcessIsQueriedAndItsVerdictIsSent() async throws {
        try await scheduler.start()
        try enqueue(1)
        let query = try #require(await client.nextQuery())
        #expect(query.query.merchantOrderNo == "R-1")
        query.answer(.report(.settled))
        #expect(await client.nextDelivery()?.refundID == 1)
        await scheduler.drain()
        #expect(try fixture.column("SELECT state FROM refund_webhooks") == ["delivered"])
    }

    @Test func proofIsReportedOnceItIsCommitted() async throws {
        try await scheduler.start()
        store.fail(.cycle, .test(.busy))
        scheduler.prove()
        for await fault in faults.stream where fault == .busy { break }
        scheduler.wake()
        for await reported in events.stream where reported.contains(where: { "\($0)" == "proved" }) { break }
        #expect(try fixture.number("SELECT count(*) FROM refund_heartbeat") == 1)
    }

    @Test func databaseIsLeftToOthersForTwiceAsLongAsACycleTook() {
        #expect(Scheduler.rest(after: .microseconds(900)) == .zero)
        #expect(Scheduler.rest(after: .milliseconds(4)) == .milliseconds(8))
        #expect(Scheduler.rest(after: .seconds(3)) == .milliseconds(20))
    }

    @Test func queriesAreStampedWhenTheyAreSentAndNotWhenTheTransactionBegan() async throws {
        try enqueue(8)
        let begin = clock.now()
        // The commit takes 900 ms.
        store.afterNextCommit { [clock] in clock.advance(by: .milliseconds(900)) }
        var settings = Self.settings(client).limited(rate: 4)
        settings.polling.initialInterval = .seconds(3_600)
        // A reload before the start would run the first cycle too early.
        let scheduler = Scheduler(
            store: store,
            settings: settings,
            clock: clock,
            report: { [events] in events.continuation.yield($0) },
            fault: { _ in }
        )
        try await scheduler.start()
        for _ in 1...4 {
            let query = try #require(await client.nextQuery())
            #expect(query.at == begin.advanced(by: .milliseconds(900)))
            // Unanswered: only their permits matter.
        }
        clock.advance(by: .milliseconds(200))
        // Earlier cycles say nothing: only one that has read the clock since then could claim more.
        scheduler.prove()
        for await reported in events.stream where reported.contains(where: { "\($0)" == "proved" }) { break }
        let claimed = try fixture.number("SELECT count(*) FROM refund_queue WHERE leased_until IS NOT NULL")
        #expect(claimed == 4, "the second in which they were sent is not over")
        await scheduler.close()
    }

    @Test func clockSetBackIsNoticed() async throws {
        try await scheduler.start()
        await store.nextCycle()
        clock.advance(by: .seconds(10))
        clock.setBack(by: .seconds(9 * 3_600))
        scheduler.wake()
        for await batch in events.stream {
            let steps = batch.compactMap { if case .clockSetBack(let step) = $0 { step } else { nil as Duration? } }
            guard let step = steps.first else { continue }
            #expect(step == .seconds(9 * 3_600))
            break
        }
        await scheduler.close()
    }

    @Test func reloadQueriesRefundsOfAGatewayThatIsConfiguredNow() async throws {
        try enqueue(1, gateway: "other")
        try await scheduler.start()
        await store.nextCycle()
        var settings = Self.settings(client)
        settings.gateways["other"] = settings.gateways["default"]
        try await scheduler.apply(settings)
        #expect(await client.nextQuery()?.query.merchantOrderNo == "R-1")
        await scheduler.close()
    }

    // MARK: - Faults

    @Test(arguments: [FaultyStore.Call.foreignCommits, .cycle])
    func resultsAreKeptWhileTheDatabaseFails(call: FaultyStore.Call) async throws {
        try enqueue(2)
        try await scheduler.start()
        for _ in 1...2 {
            let query = try #require(await client.nextQuery())
            store.fail(call, .test(.busy))
            query.answer(.report(.settled))
        }
        for _ in 1...2 { _ = try #require(await client.nextDelivery()) }
        await scheduler.drain()
        #expect(try fixture.column("SELECT state FROM refund_queue") == ["settled", "settled"])
        #expect(try fixture.column("SELECT state FROM refund_webhooks") == ["delivered", "delivered"])
    }

    @Test func failedCycleIsRetriedThoughNothingHappens() async throws {
        try enqueue(1)
        store.watchNothing()
        try await scheduler.start()
        let query = try #require(await client.nextQuery())
        store.fail(.cycle, .test(.busy))
        let begin = ContinuousClock.now
        query.answer(.report(.settled))
        #expect(await client.nextDelivery()?.refundID == 1)
        #expect(begin.duration(to: .now) < .seconds(20), "after a second, and not when something else becomes due")
        await scheduler.drain()
    }

    @Test func faultIsReportedOnceAndItsEndToo() async throws {
        try await scheduler.start()
        await store.nextCycle()
        for _ in 1...2 { store.fail(.cycle, .test(.full)) }
        scheduler.wake()
        var reports = faults.stream.makeAsyncIterator()
        #expect(await reports.next() == .full)
        #expect(await reports.next() == .some(nil))
        #expect(scheduler.fault == nil)
        await scheduler.close()
    }

    @Test func damagedDatabaseIsNotTouchedAgain() async throws {
        try enqueue(1)
        try await scheduler.start()
        let query = try #require(await client.nextQuery())
        store.fail(.cycle, .test(.damaged))
        query.answer(.report(.settled))
        var reports = faults.stream.makeAsyncIterator()
        #expect(await reports.next() == .damaged)
        scheduler.wake()
        #expect(await scheduler.close()?.kind == .damaged)
        #expect(try state(1) == "pending")
    }

    // MARK: - Drain and close

    @Test func drainWaitsForTheQueryInFlightAndWritesItsAnswer() async throws {
        try enqueue(1)
        try await scheduler.start()
        let query = try #require(await client.nextQuery())
        let scheduler = scheduler
        async let drained: Void = scheduler.drain()
        query.answer(.report(.settled))
        await drained
        #expect(try state(1) == "settled")
    }

    @Test func drainOfAnIdleSchedulerEndsAtOnce() async throws {
        try await scheduler.start()
        await store.nextCycle()
        await scheduler.drain()
        await scheduler.close()
    }

    @Test func interruptedQueryEndsADrainAndCountsForNothing() async throws {
        try enqueue(1)
        try await scheduler.start()
        let queries = client.queries
        // Until the drain begins, the refund is queried again and again.
        let interruption = Task { for await query in queries { query.end(.interrupted) } }
        await scheduler.drain()
        interruption.cancel()
        let row = try fixture.rows("SELECT state, attempts, leased_until, last_query_at FROM refund_queue")
        #expect(row == [["pending", "0", nil, nil]])
    }

    @Test func closeReleasesWhatIsInFlightAndIgnoresLateResults() async throws {
        try enqueue(1)
        try await scheduler.start()
        let query = try #require(await client.nextQuery())
        #expect(try fixture.number("SELECT count(*) FROM refund_queue WHERE leased_until IS NOT NULL") == 1)
        #expect(await scheduler.close() == nil)
        let released = [["pending", "0", nil, nil]] as [[String?]]
        let row = "SELECT state, attempts, leased_until, last_query_at FROM refund_queue"
        #expect(try fixture.rows(row) == released)
        query.answer(.report(.settled))
        scheduler.wake()
        await scheduler.drain()
        #expect(await scheduler.close() == nil)
        #expect(try fixture.rows(row) == released)
    }

    @Test func closeReleasesAWebhookInFlight() async throws {
        client.silenceReceivers()
        try enqueue(1)
        try await scheduler.start()
        try #require(await client.nextQuery()).answer(.report(.settled))
        _ = try #require(await client.nextDelivery())
        let row = "SELECT state, attempts, leased_until FROM refund_outbox"
        #expect(try fixture.rows(row) != [["pending", "0", nil]])
        #expect(await scheduler.close() == nil)
        #expect(try fixture.rows(row) == [["pending", "0", nil]])
    }

    @Test func closeReleasesARefundWhoseEarlierClaimHasALateResult() async throws {
        try enqueue(1)
        try await scheduler.start()
        let first = try #require(await client.nextQuery())
        clock.advance(by: .seconds(71))
        scheduler.wake()
        _ = try #require(await client.nextQuery())
        first.answer(.unreachable)
        for await cycle in events.stream
        where cycle.contains(where: { if case .queried = $0 { true } else { false } }) { break }
        #expect(await scheduler.close() == nil)
        #expect(try fixture.number("SELECT count(*) FROM refund_queue WHERE leased_until IS NOT NULL") == 0)
    }

    @Test func closeEndsADrainThatStillWaits() async throws {
        try enqueue(1)
        try await scheduler.start()
        _ = try #require(await client.nextQuery())
        let scheduler = scheduler
        async let drained: Void = scheduler.drain()
        // The drain may begin before or after the scheduler is closed; it ends either way.
        await scheduler.close()
        await drained
    }

    @Test func closeWritesResultsThatHaveArrived() async throws {
        try enqueue(1)
        try await scheduler.start()
        let query = try #require(await client.nextQuery())
        store.fail(.cycle, .test(.busy))
        query.answer(.report(.settled))
        var reports = faults.stream.makeAsyncIterator()
        #expect(await reports.next() == .busy)
        await scheduler.close()
        #expect(try state(1) == "settled")
    }

    @Test func closeReportsThatClaimsStay() async throws {
        try enqueue(1)
        try await scheduler.start()
        _ = try #require(await client.nextQuery())
        store.fail(.cycle, .test(.busy))
        #expect(await scheduler.close()?.kind == .busy)
        #expect(try fixture.number("SELECT count(*) FROM refund_queue WHERE leased_until IS NOT NULL") == 1)
    }
}
