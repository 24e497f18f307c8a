import RefundCore
import Testing

/// What the failures and refusals of one refund or merchant say of its gateway.
extension GatewayHealthTests {
    @Test(arguments: noAnswers + [unverified])
    func refundThatFailsWhileAnotherIsAnsweredIsKnownToFailAlone(outcome: QueryOutcome) {
        var health = GatewayHealth()
        _ = health.answered(outcome, refund: 1, others: [], at: later(0))
        #expect(!health.isFailingAlone(1, at: later(1)))
        _ = health.answered(.says(.processing), refund: 2, others: [], at: later(1))
        #expect(health.isFailingAlone(1, at: later(7_200)))
        #expect(!health.isFailingAlone(1, at: later(7_201)), "an answer does not speak for others for ever")
        #expect(health.answersOthers(than: 3, at: later(2)))
        _ = health.answered(.says(.processing), refund: 1, others: [], at: later(2))
        #expect(!health.isFailingAlone(1, at: later(3)))
    }

    @Test func gatewayAnswersOthersUntilAnotherOfThemFails() {
        var health = GatewayHealth(lastVerified: later(0))
        #expect(health.answersOthers(than: 1, at: later(7_199)), "also after a restart")
        #expect(!health.answersOthers(than: 1, at: later(7_200)))
        _ = health.answered(.says(.processing), refund: 1, others: [], at: later(7_200))
        #expect(!health.answersOthers(than: 1, at: later(7_201)), "its own answer is not another's")
        #expect(health.answersOthers(than: 2, at: later(7_201)))
        _ = health.answered(Self.noAnswers[0], refund: 1, others: [], at: later(7_202))
        #expect(!health.answersOthers(than: 2, at: later(7_203)))
    }

    @Test func refundKnownToBeRefusedAloneRaisesNoIncidentHoweverRarelyOthersAreAnswered() {
        var health = GatewayHealth()
        expectIncident(health.answered(Self.refused, refund: 1, others: [], at: later(0)))
        #expect(health.answered(.says(.settled), refund: 2, others: [], at: later(15)) == .recovered)
        for hour in 1...10 {
            #expect(health.answered(Self.refused, refund: 1, others: [], at: later(hour * 3_600)) == .none)
        }
        expectIncident(health.answered(Self.refused, refund: 3, others: [], at: later(36_001)))
    }

    @Test func merchantKnownToBeRefusedAloneRaisesNoIncidentHoweverManyRefundsItHas() {
        var health = GatewayHealth()
        func refuse(_ refund: Int64, at now: Timestamp) -> GatewayHealth.Change {
            health.answered(Self.refused, refund: refund, merchant: "M-2", others: [], at: now)
        }
        expectIncident(refuse(1, at: later(0)))
        #expect(health.refusedMerchants == ["M-2"])
        #expect(health.answered(.says(.settled), refund: 2, others: [], at: later(1)) == .recovered)
        #expect(health.refusedMerchants.isEmpty)
        for refund in 3...300 { #expect(refuse(Int64(refund), at: later(refund * 60)) == .none) }
        #expect(health.answered(.says(.settled), refund: 4, merchant: "M-2", others: [], at: later(20_000)) == .none)
        expectIncident(refuse(4, at: later(20_001)))
    }

    @Test func refundThatWasAnsweredAgainMayRaiseAnIncidentAgain() {
        var health = GatewayHealth()
        expectIncident(health.answered(Self.refused, refund: 1, others: [], at: later(1)))
        #expect(health.answered(.says(.processing), refund: 1, others: [], at: later(16)) == .recovered)
        expectIncident(health.answered(Self.refused, refund: 1, others: [], at: later(17)))
    }

    @Test func newCredentialsMakeARefusalAnIncidentAgain() {
        var health = GatewayHealth()
        _ = health.answered(Self.refused, refund: 1, others: [], at: later(0))
        _ = health.answered(.says(.processing), refund: 2, others: [], at: later(1))
        #expect(health.isRefusedAlone(1, of: "M-1", at: later(2)))
        #expect(health.isRefusedAlone(3, of: "M-1", at: later(2)))
        health.forgetAnswers()
        #expect(!health.isRefusedAlone(1, of: "M-1", at: later(2)))
        #expect(!health.isRefusedAlone(3, of: "M-1", at: later(2)))
    }
}
