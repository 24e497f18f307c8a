import RefundCore
import RefundStoreSQLite
import Testing

@testable import RefundDaemon

struct EngineAttentionTests {
    @Test func refundOfAnUnknownGatewayIsToldOnceAndNeverAsked() throws {
        let harness = try EngineHarness()
        let id = try harness.enqueue("R-1", [(name: .gateway, value: "nowhere")])
        #expect(try harness.run().queries.isEmpty)
        #expect(try harness.refund(id).attention == .misconfigured)
        #expect(try harness.webhooks(id).map { $0.text("type") } == ["refund.needs_attention"])
        harness.advance(by: .seconds(2 * 3_600))
        try harness.run()
        #expect(try harness.transitions(id).count == 1)
        #expect(try harness.refund(id).attempts == 0)
    }

    @Test func configuringTheGatewayClearsTheAttentionAndAsks() throws {
        let harness = try EngineHarness()
        let id = try harness.enqueue("R-1", [(name: .gateway, value: "nowhere")])
        try harness.run()
        var settings = EngineHarness.settings
        settings.gateways["nowhere"] = settings.gateways["default"]
        try harness.engine.reconfigure(settings, at: harness.now)
        #expect(try harness.run().queries.map(\.refund.id) == [id])
        #expect(try harness.refund(id).attention == nil)
        #expect(try harness.transitions(id).map { $0.text("attention") } == ["misconfigured", nil])
    }

    @Test func refundWithoutAnyMerchantNumberIsTold() throws {
        let harness = try EngineHarness { $0.gateways["default"]?.merchantNo = nil }
        let bare = try harness.enqueue("R-1")
        let named = try harness.enqueue("R-2", [(name: .merchantNo, value: "M-7")])
        try harness.run()
        #expect(harness.cycle.queries.map(\.refund.id) == [named])
        #expect(try harness.refund(bare).attention == .misconfigured)
    }

    @Test func callbackWithoutASecretIsToldAndAskedAllTheSame() throws {
        let harness = try EngineHarness { $0.webhooks.hasSecret = false }
        let id = try harness.enqueue("R-1", [(name: .callbackURL, value: "https://shop.example/x")])
        #expect(try harness.run().queries.map(\.refund.id) == [id])
        #expect(try harness.refund(id).attention == .misconfigured)
        harness.answerAll(.report(.settled))
        try harness.run()
        #expect(try harness.refund(id).state == .settled)
        #expect(try harness.refund(id).attention == nil)
    }

    @Test func ageIsToldEvenWhenTheGatewayNeverAnswers() throws {
        let harness = try EngineHarness()
        let id = try harness.enqueue("R-1")
        try harness.run()
        harness.advance(by: .seconds(72 * 3_600 + 1))
        try harness.run()
        #expect(try harness.refund(id).attention == .overdue)
        harness.answerAll(.report(.settled))
        try harness.run()
        #expect(try harness.refund(id).state == .settled)
        #expect(try harness.transitions(id).map { $0.text("attention") } == ["overdue", nil])
    }

    @Test func credentialRefusalChangesNoRowAndIsToldOnce() throws {
        let harness = try EngineHarness()
        let ids = try (1...5).map { try harness.enqueue("R-\($0)") }
        try harness.run()
        harness.answerAll(.refusal)
        try harness.run()
        #expect(harness.cycle.queries.isEmpty)
        for id in ids {
            #expect(try harness.refund(id).attempts == 0)
            #expect(try harness.refund(id).lastError == nil)
        }
        #expect(try harness.store.read { try $0.status(at: harness.now) }.troubles["default"]?.code == "SYS002")
        // Asked with one refund every 15 s, a different one each time.
        var probed: [Int64] = []
        for _ in 1...3 {
            harness.advance(by: .seconds(15))
            try harness.run()
            probed += harness.cycle.queries.map(\.refund.id)
            harness.answerAll(.refusal)
            try harness.run()
            #expect(harness.cycle.queries.isEmpty)
        }
        #expect(Set(probed).count == 3)
        let events = try harness.eventCount(.gatewayNeedsAttention)
        #expect(events == 1)
        harness.advance(by: .seconds(15))
        try harness.run()
        harness.answerAll(.report(.processing))
        try harness.run()
        #expect(harness.cycle.queries.count == 4)
        #expect(try harness.store.read { try $0.status(at: harness.now) }.troubles.isEmpty)
    }

    @Test func gatewayTroubleSurvivesARestartWithoutBeingToldAgain() throws {
        let harness = try EngineHarness()
        for number in 1...3 { try harness.enqueue("R-\(number)") }
        try harness.run()
        harness.answerAll(.refusal)
        try harness.run()
        let cycle = try harness.firstCycleAfterARestart()
        #expect(cycle.queries.count == 1)
        #expect(
            try harness.eventCount(.gatewayNeedsAttention) == 1
        )
    }
}
