import RefundCore
import Testing

/// An operator's verdict on a refund that needs attention.
struct ResolveTests {
    private let now = enqueued.advanced(by: hour)

    @Test(arguments: [RefundState.pending, .processing], Attention.allCases)
    func resolvingAsSettledEndsTheRefundWithItsOperatorAndReason(state: RefundState, attention: Attention) {
        var machine = RefundStateMachine(.sample(state, attention))
        let transitions = machine.resolved(as: .settled, reason: "on the statement", actor: "ada", at: now)
        #expect(transitions.changes == [Change(state, .settled, nil, .settled)])
        #expect(transitions.first?.reason == "on the statement")
        #expect(transitions.first?.actor == "ada")
        #expect(transitions.first?.at == now)
        #expect(transitions.first?.evidence == nil, "no answer of the gateway says so")
        #expect(machine.refund.attention == nil)
        #expect(machine.refund.nextQueryAt == nil)
        #expect(machine.refund.failure == nil)
    }

    @Test(arguments: [RefundState.pending, .processing], Attention.allCases)
    func failureMessageOfAResolvedRefundIsTheReasonAndNamesNobody(state: RefundState, attention: Attention) {
        var machine = RefundStateMachine(.sample(state, attention))
        let transitions = machine.resolved(as: .failed, reason: "card closed", actor: "ada", at: now)
        #expect(transitions.changes == [Change(state, .failed, nil, .failed)])
        #expect(transitions.first?.actor == "ada")
        #expect(transitions.first?.reason == "card closed")
        #expect(machine.refund.failure == Failure(code: "resolved", message: "card closed"))
        #expect(machine.refund.nextQueryAt == nil)
    }

    @Test(arguments: [RefundState.pending, .processing], Verdict.allCases)
    func refundThatNeedsNoAttentionIsNotResolved(state: RefundState, verdict: Verdict) {
        let before = Refund.sample(state)
        var machine = RefundStateMachine(before)
        #expect(machine.resolved(as: verdict, reason: "impatient", actor: "ada", at: now).isEmpty)
        #expect(machine.refund == before)
    }
}
