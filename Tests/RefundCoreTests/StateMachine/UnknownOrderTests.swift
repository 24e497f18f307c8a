import RefundCore
import Testing

struct UnknownOrderTests {
    private let justBefore = 72 * hour - .milliseconds(1)

    @Test(arguments: [RefundState.pending, .processing])
    func anUnknownOrderIsNoNewsBeforeItsTime(state: RefundState) {
        var machine = RefundStateMachine(.sample(state))
        #expect(machine.answered(.unknownOrder, age: justBefore).isEmpty)
        #expect(machine.refund.state == state)
        #expect(machine.refund.isUnknownOrder)
        #expect(machine.refund.lastError == "the gateway has no such order (E04111: no such order)")
    }

    @Test(arguments: [RefundState.pending, .processing])
    func anOrderStillUnknownAtItsTimeNeedsAttention(state: RefundState) throws {
        var machine = RefundStateMachine(.sample(state))
        let transitions = machine.answered(.unknownOrder, age: 72 * hour)
        #expect(transitions.changes == [Change(state, state, .unknownOrder, .needsAttention)])
        let transition = try #require(transitions.first)
        #expect(transition.evidence == .noSuchOrder)
        #expect(transition.transStatus == nil)
        #expect(transition.reason == "the gateway has no such order after 72h")
        #expect(machine.refund.nextQueryAt == enqueued.advanced(by: 73 * hour), "it is asked for on and on")
    }

    @Test func ageAloneTellsOfAnOrderThatWasUnknownAtTheLastQuery() {
        var machine = RefundStateMachine(.sample())
        _ = machine.answered(.unknownOrder, age: 71 * hour)
        let transitions = machine.aged(at: enqueued.advanced(by: 72 * hour))
        #expect(transitions.changes == [Change(.pending, .pending, .unknownOrder, .needsAttention)])
    }

    @Test func anOldOrderThatTurnsUpIsOverdueInstead() {
        var machine = RefundStateMachine(.sample())
        _ = machine.answered(.unknownOrder, age: 72 * hour)
        let transitions = machine.answered(.says(.inProgress), age: 73 * hour)
        #expect(
            transitions.changes == [
                Change(.pending, .processing, nil, .processing),
                Change(.processing, .processing, .overdue, .needsAttention),
            ]
        )
    }

    @Test func anOrderThatTurnsUpWhileProcessingClearsInSilence() {
        var refund = Refund.sample(.processing, .unknownOrder)
        refund.told = [ToldAttentions(.unknownOrder)]
        var machine = RefundStateMachine(refund)
        let transitions = machine.answered(.says(.inProgress), age: hour)
        #expect(transitions.changes == [Change(.processing, .processing)])
        #expect(machine.refund.attention == nil)
    }

    @Test(arguments: [(TransStatus.succeeded, RefundState.settled), (.closed, .failed), (.cancelled, .failed)])
    func aVerdictClearsItInItsOwnRow(status: TransStatus, end: RefundState) {
        var machine = RefundStateMachine(.sample())
        _ = machine.answered(.unknownOrder, age: 72 * hour)
        let event: EventType = end == .settled ? .settled : .failed
        #expect(machine.answered(.says(status), age: 73 * hour).changes == [Change(.pending, end, nil, event)])
    }

    @Test func aSilentGatewayAfterwardsLeavesTheReasonStanding() {
        var machine = RefundStateMachine(.sample())
        _ = machine.answered(.unknownOrder, age: 72 * hour)
        for outcome in QueryOutcome.fruitless { #expect(machine.answered(outcome, age: 80 * hour).isEmpty) }
        #expect(machine.refund.attention == .unknownOrder)
    }

    @Test func aReasonThatReturnsIsNotToldAgain() {
        var machine = RefundStateMachine(.sample())
        _ = machine.answered(.unknownOrder, age: 72 * hour)
        _ = machine.answered(.says(.inProgress), age: 73 * hour)
        #expect(
            machine.answered(.unknownOrder, age: 74 * hour).changes == [
                Change(.processing, .processing, .unknownOrder)
            ]
        )
        #expect(
            machine.answered(.says(.inProgress), age: 75 * hour).changes == [
                Change(.processing, .processing), Change(.processing, .processing, .overdue),
            ]
        )
    }
}
