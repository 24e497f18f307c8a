import RefundCore
import Testing

struct UndeliverableTests {
    private let now = enqueued.advanced(by: hour)

    @Test(arguments: RefundState.allCases)
    func deadWebhookIsALedgerRowWithoutAnEvent(state: RefundState) {
        var machine = RefundStateMachine(.sample(state))
        let transitions = machine.webhooksChanged(dead: 1, at: now)
        #expect(transitions.changes == [Change(state, state, .undeliverable)])
        #expect(machine.refund.state == state)
        #expect(machine.webhooksChanged(dead: 2, at: now).isEmpty)
    }

    @Test(arguments: RefundState.allCases)
    func itEndsWithTheLastDeadWebhook(state: RefundState) {
        var machine = RefundStateMachine(.sample(state, .undeliverable))
        #expect(machine.webhooksChanged(dead: 1, at: now).isEmpty)
        #expect(machine.webhooksChanged(dead: 0, at: now).changes == [Change(state, state)])
        #expect(machine.refund.attention == nil)
    }

    @Test(arguments: [Attention.mismatch, .misconfigured, .unknownOrder, .overdue])
    func graverReasonIsNotTouched(attention: Attention) {
        var machine = RefundStateMachine(.sample(.processing, attention))
        #expect(machine.webhooksChanged(dead: 1, at: now).isEmpty)
        #expect(machine.webhooksChanged(dead: 0, at: now).isEmpty)
        #expect(machine.refund.attention == attention)
    }

    @Test func verdictClearsItInItsOwnRow() {
        var machine = RefundStateMachine(.sample(.processing, .undeliverable))
        let transitions = machine.answered(.says(.settled), age: hour)
        #expect(transitions.changes == [Change(.processing, .settled, nil, .settled)])
    }

    @Test func finalRefundIsNotQueriedAgainForIt() {
        var machine = RefundStateMachine(.sample(.settled))
        _ = machine.webhooksChanged(dead: 1, at: now)
        #expect(machine.refund.nextQueryAt == nil)
        _ = machine.webhooksChanged(dead: 0, at: now)
        #expect(machine.refund.nextQueryAt == nil)
    }
}
