import RefundCore
import Testing

/// When a gateway may no longer be called healthy.
extension GatewayHealthTests {
    @Test func threeAnswersInARowThatDoNotVerifyAreALapse() {
        var health = GatewayHealth()
        for second in 0...1 {
            _ = health.answered(Self.unverified, refund: Int64(second), others: [], at: later(second))
            #expect(health.lapse(at: later(second))?.isBrief == (second == 0 ? nil : true))
        }
        _ = health.answered(Self.unverified, refund: 2, others: [], at: later(2))
        #expect(health.lapse(at: later(2)) == GatewayLapse(since: later(0), count: 3))
        #expect(health.incident == nil, "an incident takes longer")
        _ = health.answered(.says(.processing), refund: 1, others: [], at: later(3))
        #expect(health.lapse(at: later(3)) == nil)
    }

    @Test(arguments: noAnswers + [hint])
    func otherFailuresAreALapseAfterAMinute(outcome: QueryOutcome) {
        var health = GatewayHealth()
        for second in [0, 1, 59] { _ = health.answered(outcome, refund: 1, others: [], at: later(second)) }
        #expect(health.lapse(at: later(59))?.isBrief == true)
        #expect(health.lapse(at: later(60)) == GatewayLapse(since: later(0), count: 3))
    }

    @Test func twoFailuresAreABriefLapseHoweverLongAgo() {
        var health = GatewayHealth()
        for second in [0, 1] { _ = health.answered(Self.noAnswers[0], refund: 1, others: [], at: later(second)) }
        #expect(health.lapse(at: later(3_600)) == GatewayLapse(since: later(0), count: 2, isBrief: true))
    }

    @Test func refundThatFailsAloneMakesNoLapse() {
        var health = GatewayHealth()
        _ = health.answered(Self.unverified, refund: 1, others: [], at: later(0))
        _ = health.answered(.says(.processing), refund: 2, others: [], at: later(1))
        for second in 2...100 { _ = health.answered(Self.unverified, refund: 1, others: [], at: later(second)) }
        #expect(health.lapse(at: later(100)) == nil)
    }

    @Test func lapseIsReadAsItIsStored() {
        for isBrief in [false, true] {
            let lapse = GatewayLapse(since: later(0), count: 7, isBrief: isBrief)
            #expect(GatewayLapse(since: later(0), text: lapse.text) == lapse)
        }
    }

    @Test func pauseEndsALapse() {
        var health = GatewayHealth()
        for second in 0...3 { _ = health.answered(Self.unverified, refund: 1, others: [], at: later(second)) }
        health.resumed()
        #expect(health.lapse(at: later(100)) == nil)
    }
}
