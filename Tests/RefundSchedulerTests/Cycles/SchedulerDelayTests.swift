import RefundCore
import RefundStore
import RefundStoreConformance
import Testing

@testable import RefundScheduler

/// Refunds without a verdict that `refund.delayed` reports.
struct SchedulerDelayTests {
    private static let day: Duration = .seconds(24 * 3_600)
    private let harness: SchedulerHarness

    init() throws {
        harness = try SchedulerHarness { $0.delayedAfter = Self.day }
    }

    private func delays() throws -> Int { try harness.eventCount(.delayed) }

    @Test func delayIsReportedOnceAtTheAge() throws {
        let id = try harness.enqueue("R-1")
        try harness.query(.report(.processing))
        harness.advance(by: Self.day - .seconds(2))
        try harness.query(.report(.processing))
        #expect(try delays() == 0)
        harness.advance(by: .seconds(4))
        let before = try harness.refund(id)
        let decision = try harness.run()
        #expect(decision.eventNames.contains("delayed"))
        let after = try harness.refund(id)
        #expect((after.state, after.attention) == (before.state, before.attention))
        #expect(try harness.webhooks(id).map(\.type) == ["refund.delayed"])
        #expect(try harness.webhooks(id).map(\.sequence) == [1], "that of the last change")
        for _ in 1...3 {
            harness.advance(by: .seconds(3_600))
            try harness.query(.report(.processing))
        }
        _ = try harness.restart()
        try harness.apply { $0.delayedAfter = .seconds(3_600) }
        try harness.run()
        #expect(try delays() == 1)
    }

    @Test func schedulerWakesWhenARefundReachesTheAge() throws {
        let id = try harness.enqueue("R-1")
        try harness.apply { $0.gateways = [:] }
        let age = try harness.refund(id).createdAt.advanced(by: Self.day)
        for _ in 1...200 where try delays() == 0 { try harness.runAtNextWake() }
        #expect(try delays() == 1)
        #expect(harness.now >= age && harness.now < age.advanced(by: .seconds(60)))
    }

    @Test func withoutAnAgeNothingIsReported() throws {
        try harness.apply { $0.delayedAfter = nil }
        try harness.enqueue("R-1")
        harness.advance(by: Self.day * 30)
        try harness.query(.unreachable)
        #expect(try delays() == 0)
    }

    @Test func delayOfARefundThatSettlesInTheSameCycleIsNotReported() throws {
        let id = try harness.enqueue("R-1")
        try harness.run()
        harness.advance(by: Self.day * 2)
        harness.endQueries(.report(.settled))
        try harness.run()
        #expect(try harness.refund(id).state == .settled)
        #expect(try delays() == 0)
    }

    @Test func refundOldEnoughForBothIsReportedAsDelayedFirst() throws {
        let id = try harness.enqueue("R-1")
        harness.advance(by: Self.day * 4)
        try harness.run()
        let webhooks = try harness.webhooks(id)
        #expect(webhooks.map(\.type) == ["refund.delayed", "refund.needs_attention"])
        #expect(webhooks.map(\.state) == ["superseded", "pending"])
    }

    @Test func manyOldRefundsAreReportedInBatchesBesideQueries() throws {
        try harness.fixture.execute(
            """
            WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
            INSERT INTO refund_queue (merchant_order_no) SELECT 'R-' || i FROM n
            """
        )
        harness.advance(by: Self.day * 2)
        let first = try harness.run()
        #expect(try delays() == 256)
        #expect(first.nextWake == harness.now)
        #expect(!first.queries.isEmpty)
        for _ in 1...3 { try harness.run() }
        #expect(try delays() == 1_000)
    }
}
