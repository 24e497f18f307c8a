import RefundCore
import RefundTestSupport
import Testing

struct FinalStateTests {
    static let final: [RefundState] = [.settled, .failed, .abandoned]
    static let outcomes: [QueryOutcome] =
        QueryOutcome.fruitless + [.unknownOrder] + GatewayVerdict.allCases.map { .says($0, "1", "EUR") }

    @Test func exactlyThreeStatesAreFinal() {
        #expect(RefundState.allCases.filter(\.isFinal) == Self.final)
    }

    @Test(arguments: final, outcomes)
    func lateAnswerIsIgnored(state: RefundState, outcome: QueryOutcome) {
        let before = Refund.sample(state, expected: .twelveFifty)
        var machine = RefundStateMachine(before)
        #expect(machine.answered(outcome, age: hours(1_000)).isEmpty)
        #expect(machine.refund == before)
    }

    @Test(arguments: final)
    func everyOtherEventIsIgnoredToo(state: RefundState) {
        let before = Refund.sample(state, .undeliverable)
        let now = enqueued.advanced(by: hours(1_000))
        var machine = RefundStateMachine(before)
        #expect(machine.checked(trouble: "no such gateway", at: now).isEmpty)
        #expect(machine.checked(trouble: nil, at: now).isEmpty)
        #expect(machine.aged(at: now).isEmpty)
        #expect(machine.abandoned(reason: "lost", actor: "ada", at: now).isEmpty)
        for verdict in Verdict.allCases {
            #expect(machine.resolved(as: verdict, reason: "seen", actor: "ada", at: now).isEmpty)
        }
        machine.postponed(at: now, draw: 0.5)
        #expect(machine.refund == before)
    }

    @Test(arguments: [RefundState.pending, .processing], Attention.reasonsAndNone)
    func abandoningEndsARefundWithItsOperatorAndReason(state: RefundState, attention: Attention?) {
        var machine = RefundStateMachine(.sample(state, attention))
        let now = enqueued.advanced(by: hour)
        let transitions = machine.abandoned(reason: "entered twice", actor: "ada", at: now)
        #expect(transitions.changes == [Change(state, .abandoned, nil, .abandoned)])
        #expect(transitions.first?.reason == "entered twice")
        #expect(transitions.first?.actor == "ada")
        #expect(transitions.first?.at == now)
        #expect(machine.refund.attention == nil)
        #expect(machine.refund.nextQueryAt == nil)
        #expect(machine.refund.failure == nil)
    }
}
