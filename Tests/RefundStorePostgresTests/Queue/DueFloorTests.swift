import RefundCore
import RefundStore
import RefundStoreConformance
import RefundStorePostgresSupport
import Testing

@testable import RefundStorePostgres

/// From where on due refunds are looked for.
struct DueFloorTests {
    private let database: PostgresFixture

    init() throws {
        database = try PostgresFixture()
    }

    /// Claims what is due, as far as there are permits.
    private func claim(at time: Timestamp, _ claim: ClaimRequest.GatewayClaim) throws -> [Int64] {
        var request = CycleRequest(now: time)
        request.claims = ClaimRequest(["default": claim])
        var ids: [Int64] = []
        _ = try database.store.cycle(request) { input in
            ids = (input.gateways["default"]?.waiting ?? []).map(\.refund.id)
            return [Write(.claimRefunds(ids.map { RefundClaim(id: $0, lease: 1) }, until: later(75)))]
        }
        return ids
    }

    @Test func claimsBeginWhereTheLastOnesDidAndNowAndThenAtTheFront() throws {
        var floors = DueFloors()
        #expect(floors.floor(of: "default", at: now) == 1)
        floors.claimed(["default": 10_000], at: now)
        #expect(floors.floor(of: "default", at: now) == 9_900)
        floors.claimed(["default": 50], at: later(1))
        #expect(floors.floor(of: "default", at: later(4)) == 1, "never new ones")
        floors.claimed(["default": 20_000], at: later(4))
        #expect(floors.floor(of: "default", at: later(4)) == 19_900)
        #expect(floors.floor(of: "default", at: later(5)) == 1, "five seconds after the first claim")
        #expect(floors.floor(of: "default", at: now.advanced(by: .seconds(-1))) == 1, "the clock was set back")
        #expect(floors.floor(of: "other", at: later(4)) == 1)
    }

    @Test func refundThatStaysDueLowersTheFloor() throws {
        let id = try database.enqueue("R-1")
        var refund = try Daemon(database).row(id).refund
        var floors = DueFloors()
        floors.claimed(["default": 20_000], at: now)
        refund.nextQueryAt = Timestamp(milliseconds: 5_000)
        floors.written([Write(.poll(RefundPoll(refund: refund, lease: 1)))])
        #expect(floors.floor(of: "default", at: now) == 5_000)
        floors.written([Write(.releaseRefund(RefundClaim(id: id, lease: 1)))])
        #expect(floors.floor(of: "default", at: now) == 1)
    }

    @Test func refundPassedOverForAnotherMerchantIsNotBehindTheFloor() throws {
        for merchant in ["A", "B"] { try database.enqueue("R-1", ["merchant_no": "'\(merchant)'"]) }
        try database.execute("UPDATE refund_queue SET next_query_at = \(now.milliseconds) - 10000 / id")
        var turn = ClaimRequest.GatewayClaim(permits: 1)
        turn.turns.waiting = "A"
        #expect(try claim(at: now, turn) == [2])
        #expect(try claim(at: now, turn) == [1])
    }

    @Test func refundPassedOverByAProbeIsNotBehindTheFloor() throws {
        for merchant in ["A", "B"] { try database.enqueue("R-1", ["merchant_no": "'\(merchant)'"]) }
        try database.execute("UPDATE refund_queue SET next_query_at = \(now.milliseconds) - 10000 / id")
        var probe = ClaimRequest.ProbeTurn()
        probe.merchant = "A"
        #expect(try claim(at: now, .init(permits: 1, probe: probe)) == [2])
        #expect(try claim(at: now, .init(permits: 1)) == [1], "the probe has succeeded")
    }

    @Test func refundDueBeforeTheLastClaimIsFoundWithinFiveSeconds() throws {
        let daemon = Daemon(database)
        for number in 1...2 { try database.enqueue("R-\(number)") }
        try database.execute("UPDATE refund_queue SET next_query_at = \(now.milliseconds)")
        try database.execute("UPDATE refund_queue SET next_query_at = \(later(60).milliseconds) WHERE id = 2")
        #expect(try claim(at: now, .init(permits: 10)) == [1])
        try database.execute("UPDATE refund_queue SET next_query_at = \(now.milliseconds - 1_000) WHERE id = 2")
        #expect(try daemon.due(at: later(1)) == [])
        #expect(try daemon.due(at: later(5)) == [2])
        try database.execute("UPDATE refund_queue SET next_query_at = 0 WHERE id = 2")
        #expect(try daemon.due(at: later(1)) == [2], "a new one is found at once")
    }
}
