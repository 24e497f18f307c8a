import RefundCore
import RefundStore
import RefundStoreConformance
import Testing

@testable import RefundScheduler

struct SchedulerAttentionTests {
    private let harness: SchedulerHarness

    init() throws {
        harness = try SchedulerHarness()
    }

    @Test func refundOfAnUnknownGatewayIsReportedOnceAndNeverQueried() throws {
        let id = try harness.enqueue("R-1", [(name: .gateway, value: "nowhere")])
        #expect(try harness.run().queries.isEmpty)
        #expect(try harness.refund(id).attention == .misconfigured)
        #expect(try harness.webhooks(id).map(\.type) == ["refund.needs_attention"])
        harness.advance(by: .seconds(2 * 3_600))
        #expect(try harness.run().queries.isEmpty)
        #expect(try harness.ledger(id).count == 1)
        #expect(try harness.refund(id).attempts == 0)
    }

    @Test func configuredGatewayClearsTheAttentionAndIsQueried() throws {
        let id = try harness.enqueue("R-1", [(name: .gateway, value: "nowhere")])
        try harness.run()
        try harness.apply { $0.gateways["nowhere"] = $0.gateways["default"] }
        #expect(try harness.run().queries.map(\.refund.id) == [id])
        #expect(try harness.refund(id).attention == nil)
        #expect(try harness.ledger(id).map(\.attention) == ["misconfigured", nil])
    }

    @Test func manyUnknownGatewaysAreFlaggedInBatches() throws {
        try harness.fixture.execute(
            """
            WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
            INSERT INTO refund_queue (merchant_order_no, gateway) SELECT 'R-' || i, 'nowhere' || i FROM n
            """
        )
        let start = harness.now
        var cycles = 0
        while try harness.fixture.number("SELECT count(*) FROM refund_queue WHERE attention IS NULL") > 0, cycles < 200
        {
            try harness.run()
            harness.endDeliveries(status: 200)
            if try harness.run().deliveries.isEmpty { harness.advance(by: .milliseconds(500)) }
            cycles += 1
        }
        #expect(cycles < 200)
        #expect(harness.now.duration(since: start) < .seconds(60))
    }

    @Test func refundWithoutAnyMerchantNumberIsFlagged() throws {
        try harness.apply { $0.gateways["default"]?.merchantNo = nil }
        let bare = try harness.enqueue("R-1")
        let named = try harness.enqueue("R-2", [(name: .merchantNo, value: "M-7")])
        #expect(try harness.run().queries.map(\.refund.id) == [named])
        #expect(try harness.refund(bare).attention == .misconfigured)
    }

    @Test func callbackWithoutASecretIsFlaggedOnceAndQueriedAllTheSame() throws {
        try harness.apply { $0.webhooks.hasSecret = false }
        let id = try harness.enqueue("R-1", [(name: .callbackURL, value: "https://shop.example/x")])
        for _ in 1...4 {
            try harness.query(.report(.processing))
            try harness.runAtNextWake()
        }
        #expect(try harness.refund(id).attention == .misconfigured)
        #expect(try harness.ledger(id).count == 2, "flagged once, and found once")
        harness.endQueries(.report(.settled))
        try harness.run()
        #expect(try harness.refund(id).state == .settled)
        #expect(try harness.refund(id).attention == nil)
    }

    @Test func ageIsReportedEvenIfTheGatewayNeverAnswers() throws {
        let id = try harness.enqueue("R-1")
        try harness.query(.unreachable)
        harness.advance(by: .seconds(72 * 3_600 + 1))
        try harness.run()
        #expect(try harness.refund(id).attention == .overdue)
        harness.endQueries(.report(.settled))
        try harness.run()
        #expect(try harness.refund(id).state == .settled)
        #expect(try harness.ledger(id).map(\.attention) == ["overdue", nil])
    }

    @Test func schedulerWakesWhenARefundReachesTheAge() throws {
        let id = try harness.enqueue("R-1")
        try harness.run()
        let created = try harness.refund(id).createdAt
        #expect(harness.decision.nextWake == created.advanced(by: .seconds(72 * 3_600)))
        harness.endQueries(.notFound)
        try harness.run()
        while harness.now < created.advanced(by: .seconds(72 * 3_600)) {
            try harness.runAtNextWake()
            harness.endQueries(.notFound)
        }
        try harness.run()
        #expect(try harness.refund(id).attention == .unknownOrder)
    }
}
