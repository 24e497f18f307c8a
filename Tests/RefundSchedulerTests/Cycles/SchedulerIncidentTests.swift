import RefundCore
import RefundStore
import RefundStoreConformance
import Testing

@testable import RefundScheduler

/// Gateways that refuse our credentials, cannot be believed, or cannot be reached.
struct SchedulerIncidentTests {
    private let harness: SchedulerHarness

    init() throws {
        harness = try SchedulerHarness()
    }

    private func incidents() throws -> [String: GatewayIncident] {
        try harness.status().incidents
    }

    @Test(arguments: QueryOutcome.failures)
    func incidentIsProbedInTurnAndChangesNoRow(outcome: QueryOutcome) throws {
        let ids = try harness.enqueue(5)
        let before = try ids.map(harness.refund)
        try harness.query(.refusal)
        var probed: [Int64] = []
        var last = harness.now
        while probed.count < 10 {
            try harness.runAtNextWake()
            guard !harness.queries.isEmpty else { continue }
            #expect(harness.now.duration(since: last) >= .seconds(15))
            last = harness.now
            probed += harness.queries.map(\.refund.id)
            harness.endQueries(outcome)
            #expect(try harness.run().queries.isEmpty)
        }
        #expect(probed.prefix(5).sorted() == ids, "each takes its turn")
        #expect(probed.suffix(5).sorted() == ids)
        #expect(try ids.map(harness.refund) == before)
        #expect(try harness.eventCount(.gatewayNeedsAttention) == 1)
        #expect(try incidents()["default"]?.code == "SYS002")
    }

    @Test func verifiedAnswerEndsTheIncident() throws {
        try harness.enqueue(5)
        try harness.query(.refusal)
        harness.advance(by: .seconds(15))
        try harness.query(.report(.settled))
        #expect(try harness.run().queries.count <= 4)
        #expect(harness.queries.count == 4)
        #expect(try incidents().isEmpty)
    }

    @Test(arguments: [1, 12])
    func refusedMerchantDelaysNoOtherAndIsReportedOnce(count: Int) throws {
        let refused = try (1...count).map { try harness.enqueue("X-\($0)", [(name: .merchantNo, value: "M-BAD")]) }
        let healthy = try harness.enqueue(12)
        let start = harness.now
        for _ in 1...8 {
            try harness.run()
            harness.endQueries { $0.merchantNo == "M-BAD" ? .refusal : .report(.settled) }
            try harness.run()
            try harness.runAtNextWake()
            if harness.now == start {
                for id in healthy { #expect(try harness.refund(id).state == .settled) }
            }
        }
        for id in refused { #expect(try harness.refund(id).attention == .misconfigured) }
        #expect(try harness.eventCount(.gatewayNeedsAttention) == 0)
        #expect(try harness.eventCount(.needsAttention) == 1)
        let restarted = try harness.restart()
        #expect(restarted.queries.count == count)
        for id in refused { #expect(try harness.refund(id).attention == .misconfigured, "also after a restart") }
        for _ in 1...6 {
            harness.endQueries(.refusal)
            try harness.run()
            try harness.runAtNextWake()
        }
        #expect(try harness.eventCount(.gatewayNeedsAttention) == 0)
        #expect(try harness.eventCount(.needsAttention) == 1)
        for id in refused { #expect(try harness.ledger(id).count == 1) }
    }

    @Test(arguments: [false, true])
    func refusedMerchantWithMoreRowsThanSlotsDelaysNoOther(isInsertedLater: Bool) throws {
        try harness.apply { $0 = $0.limited(inFlight: 16) }
        func answer(_ refund: Refund) -> QueryOutcome { refund.merchantNo == "M-BAD" ? .refusal : .report(.settled) }
        for number in 1...60 { try harness.enqueue("X-\(number)", [(name: .merchantNo, value: "M-BAD")]) }
        if isInsertedLater {
            try harness.query(.refusal)
            harness.advance(by: .seconds(3))
            try harness.run()
        }
        let start = harness.now
        try harness.fixture.execute(
            "INSERT INTO refund_queue (merchant_order_no) VALUES ('R-1'), ('R-2'), ('R-3'), ('R-4'), ('R-5'), ('R-6')"
        )
        for _ in 1...20 {
            try harness.run()
            harness.endQueries(answer)
        }
        #expect(try harness.status().states[.settled] == 6)
        #expect(harness.now == start, "without any wait")
        for _ in 1...300 where try harness.status().attention[.misconfigured] != 60 {
            try harness.proceed(answering: answer)
        }
        #expect(try harness.status().attention[.misconfigured] == 60)
        // Merchants take turns, so that no incident begins while others can be answered.
        #expect(try harness.eventCount(.gatewayNeedsAttention) == (isInsertedLater ? 1 : 0))
        #expect(try harness.eventCount(.needsAttention) == 1)
    }

    @Test(arguments: ["M-BAD", nil], [1, 12, 1_000])
    func backlogOfARefusedMerchantDelaysNoOther(merchant: String?, count: Int) throws {
        try harness.apply { $0 = $0.limited(rate: 20, inFlight: 16) }
        let bad = merchant.map { "'\($0)'" } ?? "NULL"
        try harness.fixture.execute(
            """
            WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < \(count))
            INSERT INTO refund_queue (merchant_order_no, merchant_no) SELECT 'X-' || i, \(bad) FROM n;
            WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12)
            INSERT INTO refund_queue (merchant_order_no, merchant_no) SELECT 'R-' || i, 'M-GOOD' FROM n
            """
        )
        let start = harness.now
        for _ in 1...400 where try harness.status().states[.settled] != 12 {
            try harness.proceed { $0.merchantNo == "M-GOOD" ? .report(.settled) : .refusal }
        }
        #expect(try harness.status().states[.settled] == 12)
        #expect(harness.now.duration(since: start) <= .seconds(3))
        for _ in 1...400 where harness.now.duration(since: start) < .seconds(400) {
            try harness.proceed { _ in .refusal }
        }
        let events = try harness.eventCount(.gatewayNeedsAttention) + harness.eventCount(.needsAttention)
        #expect(events == 1, "one cause")
        #expect(try harness.status().attention[.misconfigured] ?? 0 >= min(count, 12))
    }

    @Test func twoRefusedMerchantsDelayNoOtherAndAreReportedOnceEach() throws {
        try harness.apply { $0 = $0.limited(rate: 20, inFlight: 16) }
        for number in 1...40 {
            try harness.enqueue("X-\(number)", [(name: .merchantNo, value: "M-BAD\(number % 2)")])
        }
        let healthy = try harness.enqueue(5)
        let start = harness.now
        for _ in 1...1_000 where harness.now.duration(since: start) < .seconds(60) {
            try harness.proceed { $0.merchantNo == nil ? .report(.settled) : .refusal }
            if harness.now.duration(since: start) >= .seconds(2) {
                for id in healthy { #expect(try harness.refund(id).state == .settled) }
            }
        }
        #expect(try harness.status().attention[.misconfigured] == 40)
        #expect(try harness.eventCount(.gatewayNeedsAttention) == 0)
        #expect(try harness.eventCount(.needsAttention) == 2)
    }

    @Test func merchantThatIsNotRefusedIsProbedDuringAnIncidentBehindManyRefusedRefunds() throws {
        let later = try harness.enqueue("R-1", [(name: .merchantNo, value: "M-GOOD")])
        try harness.query(.report(.processing))
        for number in 1...30 { try harness.enqueue("X-\(number)", [(name: .merchantNo, value: "M-BAD")]) }
        // A restart forgets that the other merchant was answered, and its refund is not due yet.
        _ = try harness.restart()
        harness.endQueries(.refusal)
        try harness.run()
        #expect(try incidents().count == 1)
        let start = harness.now
        for _ in 1...20 where try harness.refund(later).state != .settled {
            try harness.proceed { $0.id == later ? .report(.settled) : .refusal }
        }
        #expect(try harness.refund(later).state == .settled)
        #expect(harness.now.duration(since: start) <= .seconds(45))
    }

    @Test func wrongPublicKeyIsAnIncidentWithASingleRefundToo() throws {
        try harness.enqueue(1)
        let start = harness.now
        while try incidents().isEmpty, harness.now.duration(since: start) < .seconds(3_600) {
            try harness.query(.unverified)
            try harness.runAtNextWake()
            harness.endQueries(.unverified)
            try harness.run()
        }
        #expect(try incidents()["default"]?.code == "UNVERIFIED")
        #expect(harness.now.duration(since: start) < .seconds(20 * 60))
        #expect(try harness.refund(1).state == .pending)
        #expect(try harness.eventCount(.gatewayNeedsAttention) == 1)
    }

    @Test func unreachableGatewayIsReportedOnceAndStatusKeepsTheLastVerifiedAnswer() throws {
        try harness.enqueue(1)
        try harness.query(.report(.processing))
        let verified = harness.now
        for _ in 1...15 {
            try harness.runAtNextWake()
            harness.endQueries(.unreachable)
            try harness.run()
        }
        #expect(try incidents()["default"]?.kind == .unreachable)
        #expect(try harness.eventCount(.gatewayNeedsAttention) == 1)
        #expect(try harness.status().sightings["default"]?.lastVerified == verified)
        #expect(try harness.status().sightings["default"]?.lastError == "no answer")
        _ = try harness.restart()
        harness.endQueries(.unreachable)
        try harness.run()
        #expect(try harness.status().sightings["default"]?.lastVerified == verified, "also after a restart")
        #expect(try harness.eventCount(.gatewayNeedsAttention) == 1)
    }

    @Test func incidentSurvivesARestartWithoutBeingReportedAgain() throws {
        try harness.enqueue(3)
        try harness.query(.refusal)
        harness.advance(by: .seconds(15))
        #expect(try harness.restart().queries.count == 1)
        harness.endQueries(.refusal)
        try harness.run()
        #expect(try harness.eventCount(.gatewayNeedsAttention) == 1)
    }

    @Test func gatewaysThatLeaveTheConfigurationLeaveNothingBehind() throws {
        try harness.apply { settings in
            settings.gateways["other"] = settings.gateways["default"]
            settings.gateways["third"] = settings.gateways["default"]
        }
        for name in ["other", "third"] {
            for number in 1...12 { try harness.enqueue("R-\(number)", [(name: .gateway, value: name)]) }
        }
        try harness.run()
        harness.endQueries { $0.gateway == "other" ? .refusal : .unreachable }
        try harness.run()
        #expect(try incidents().keys.sorted() == ["other"])
        #expect(try harness.status().breakers.keys.sorted() == ["other", "third"])
        harness.advance(by: .seconds(15))
        #expect(try harness.run().queries.count == 2)
        try harness.apply { $0.gateways = ["default": $0.gateways["default"]!] }
        #expect(try incidents().isEmpty)
        #expect(try harness.status().breakers.isEmpty)
        harness.endQueries(.refusal)
        try harness.run()
        #expect(try incidents().isEmpty, "their answers concern nobody any more")
        #expect(harness.state.gateways.values.flatMap(\.inFlight).isEmpty)
    }

    @Test func gatewayThatIsGoneAtTheNextStartLeavesNothingBehind() throws {
        try harness.apply { $0.gateways["other"] = $0.gateways["default"] }
        try harness.enqueue("R-1", [(name: .gateway, value: "other")])
        try harness.query(.refusal)
        #expect(try incidents().count == 1)
        try harness.apply { $0.gateways["other"] = nil }
        _ = try harness.restart()
        #expect(try incidents().isEmpty)
    }
}
