import RefundCore
import RefundTestSupport
import Testing

struct UnknownOrderTests {
    private let justBefore = hours(72) - .milliseconds(1)

    @Test(arguments: [RefundState.pending, .processing])
    func unknownOrderIsNotReportedBeforeItsTime(state: RefundState) {
        var machine = RefundStateMachine(.sample(state))
        #expect(machine.answered(.unknownOrder, age: justBefore).isEmpty)
        #expect(machine.refund.state == state)
        #expect(machine.refund.isUnknownOrder)
        #expect(machine.refund.lastError == "the gateway has no such order (E04111: no such order)")
    }

    @Test(arguments: [RefundState.pending, .processing])
    func orderStillUnknownAtItsTimeNeedsAttention(state: RefundState) throws {
        var machine = RefundStateMachine(.sample(state))
        let transitions = machine.answered(.unknownOrder, age: hours(72))
        #expect(transitions.changes == [Change(state, state, .unknownOrder, .needsAttention)])
        let transition = try #require(transitions.first)
        #expect(transition.evidence == .noSuchOrder)
        #expect(transition.transStatus == nil)
        #expect(transition.reason == "the gateway has no such order after 72h")
        #expect(machine.refund.nextQueryAt == enqueued.advanced(by: hours(73)), "it is asked for on and on")
    }

    @Test func ageAloneReportsAnOrderThatWasUnknownAtTheLastQuery() {
        var machine = RefundStateMachine(.sample())
        _ = machine.answered(.unknownOrder, age: hours(71))
        let transitions = machine.aged(at: enqueued.advanced(by: hours(72)))
        #expect(transitions.changes == [Change(.pending, .pending, .unknownOrder, .needsAttention)])
    }

    @Test func oldOrderThatTurnsUpIsOverdueInstead() {
        var machine = RefundStateMachine(.sample())
        _ = machine.answered(.unknownOrder, age: hours(72))
        let transitions = machine.answered(.says(.processing), age: hours(73))
        #expect(
            transitions.changes == [
                Change(.pending, .processing, nil, .processing),
                Change(.processing, .processing, .overdue, .needsAttention),
            ]
        )
    }

    @Test func orderThatTurnsUpWhileProcessingClearsInSilence() {
        var refund = Refund.sample(.processing, .unknownOrder)
        refund.notified = [NotifiedReasons(.unknownOrder)]
        var machine = RefundStateMachine(refund)
        let transitions = machine.answered(.says(.processing), age: hour)
        #expect(transitions.changes == [Change(.processing, .processing)])
        #expect(machine.refund.attention == nil)
    }

    @Test(arguments: [(GatewayVerdict.settled, RefundState.settled), (.failed, .failed)])
    func verdictClearsItInItsOwnRow(verdict: GatewayVerdict, end: RefundState) {
        var machine = RefundStateMachine(.sample())
        _ = machine.answered(.unknownOrder, age: hours(72))
        let event: EventType = end == .settled ? .settled : .failed
        #expect(machine.answered(.says(verdict), age: hours(73)).changes == [Change(.pending, end, nil, event)])
    }

    @Test func silentGatewayAfterwardsLeavesTheReasonStanding() {
        var machine = RefundStateMachine(.sample())
        _ = machine.answered(.unknownOrder, age: hours(72))
        for outcome in QueryOutcome.fruitless { #expect(machine.answered(outcome, age: hours(80)).isEmpty) }
        #expect(machine.refund.attention == .unknownOrder)
    }

    @Test func reasonThatReturnsIsNotReportedAgain() {
        var machine = RefundStateMachine(.sample())
        _ = machine.answered(.unknownOrder, age: hours(72))
        _ = machine.answered(.says(.processing), age: hours(73))
        #expect(
            machine.answered(.unknownOrder, age: hours(74)).changes == [
                Change(.processing, .processing, .unknownOrder)
            ]
        )
        #expect(
            machine.answered(.says(.processing), age: hours(75)).changes == [
                Change(.processing, .processing), Change(.processing, .processing, .overdue),
            ]
        )
    }
}
