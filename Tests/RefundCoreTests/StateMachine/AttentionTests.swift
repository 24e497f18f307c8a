import RefundCore
import Testing

struct AttentionTests {
    private let old = enqueued.advanced(by: hours(72))

    @Test func gravestComesFirst() {
        let order: [Attention] = [.mismatch, .misconfigured, .unknownOrder, .overdue, .undeliverable]
        #expect(Attention.allCases.sorted { $0.gravity > $1.gravity } == order)
        #expect(Set(Attention.allCases.map(\.gravity)).count == Attention.allCases.count)
        #expect(Attention.allCases.allSatisfy { $0.gravity > 0 })
        #expect(
            Attention.allCases.map(\.rawValue).sorted() == [
                "misconfigured", "mismatch", "overdue", "undeliverable", "unknown_order",
            ]
        )
    }

    @Test func everyReasonIsRememberedApart() {
        #expect(Set(Attention.allCases.map { NotifiedReasons($0).rawValue }).count == Attention.allCases.count)
    }

    @Test(arguments: [RefundState.pending, .processing])
    func refundWithoutAVerdictIsOverdueInItsTime(state: RefundState) {
        var machine = RefundStateMachine(.sample(state))
        #expect(machine.aged(at: old.advanced(by: .milliseconds(-1))).isEmpty)
        let transitions = machine.aged(at: old)
        #expect(transitions.changes == [Change(state, state, .overdue, .needsAttention)])
        #expect(transitions.first?.reason == "no verdict for 72h")
        #expect(transitions.first?.evidence == nil)
        #expect(machine.aged(at: old).isEmpty)
    }

    @Test func whatTheRowLacksIsMisconfiguredUntilItIsThere() {
        var machine = RefundStateMachine(.sample())
        let transitions = machine.checked(trouble: "no gateway \"other\"", at: enqueued)
        #expect(transitions.changes == [Change(.pending, .pending, .misconfigured, .needsAttention)])
        #expect(transitions.first?.reason == "no gateway \"other\"")
        #expect(machine.refund.lastError == "no gateway \"other\"")
        #expect(machine.checked(trouble: "no gateway \"other\"", at: enqueued).isEmpty)
        #expect(machine.checked(trouble: nil, at: enqueued).changes == [Change(.pending, .pending)])
        #expect(machine.refund.lastError == nil)
        let again = machine.checked(trouble: "no gateway \"other\"", at: enqueued)
        #expect(again.changes == [Change(.pending, .pending, .misconfigured)], "an event reported it before")
        #expect(
            machine.checked(trouble: nil, at: old).changes == [
                Change(.pending, .pending), Change(.pending, .pending, .overdue, .needsAttention),
            ]
        )
    }

    @Test func rowThatLacksNothingIsLeftAlone() {
        var machine = RefundStateMachine(.sample(.processing, .overdue))
        #expect(machine.checked(trouble: nil, at: old).isEmpty)
        #expect(machine.refund.attention == .overdue)
    }

    @Test func graverReasonTakesTheLessersPlace() {
        var machine = RefundStateMachine(.sample(expected: .twelveFifty))
        var raised: [Change] = []
        raised += machine.webhooksChanged(dead: 1, at: old).changes
        raised += machine.aged(at: old).changes
        raised += machine.answered(.unknownOrder, age: hours(72)).changes
        raised += machine.checked(trouble: "no such gateway", at: old).changes
        raised += machine.answered(.says(.settled), age: hours(72)).changes
        #expect(
            raised == [
                Change(.pending, .pending, .undeliverable),
                Change(.pending, .pending, .overdue, .needsAttention),
                Change(.pending, .pending, .unknownOrder, .needsAttention),
                Change(.pending, .pending, .misconfigured, .needsAttention),
                Change(.pending, .processing, .misconfigured, .processing),
                Change(.processing, .processing, .mismatch, .needsAttention),
            ]
        )
        #expect(machine.checked(trouble: "no such gateway", at: old).isEmpty)
        #expect(machine.aged(at: old).isEmpty)
        #expect(machine.webhooksChanged(dead: 2, at: old).isEmpty)
        #expect(machine.refund.attention == .mismatch)
    }

    @Test func refundThatCannotBeQueriedIsPostponedWithoutAnAttempt() {
        var machine = RefundStateMachine(.sample(attempts: 3))
        machine.postponed(at: enqueued, draw: 0)
        #expect(machine.refund.nextQueryAt == enqueued.advanced(by: .seconds(3_240)))
        #expect(machine.refund.attempts == 3)
        #expect(machine.refund.lastQueryAt == nil)
    }

    @Test func clockSetBackMakesNothingOverdue() {
        var machine = RefundStateMachine(.sample())
        #expect(machine.aged(at: Timestamp(milliseconds: .min)).isEmpty)
        #expect(machine.answered(.unknownOrder, age: hours(-1_000)).isEmpty)
    }
}
