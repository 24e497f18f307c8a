import RefundCore
import RefundTestSupport
import Testing

struct MismatchTests {
    /// What a gateway may say of a refund that must amount to 12.50 EUR.
    static let different: [(amount: String?, currency: String?)] = [
        ("12.51", "EUR"), ("1250", "EUR"), ("12.5", "USD"), ("12.50", "eur"), (nil, "EUR"), ("12.50", nil), (nil, nil),
        ("-12.50", "EUR"), ("12,50", "EUR"), ("", "EUR"), ("12.50", ""), ("NaN", "EUR"),
    ]
    static let same = ["12.50", "12.5", "12.500", "012.50", "12.5000000000000000000000000000", "1.25E+1"]

    private func machine(_ state: RefundState = .pending) -> RefundStateMachine {
        RefundStateMachine(.sample(state, expected: .twelveFifty))
    }

    @Test(arguments: different)
    func settledReportOfAnotherAmountIsAMismatch(amount: String?, currency: String?) {
        var machine = machine()
        let transitions = machine.answered(.says(.settled, amount, currency), age: .seconds(5))
        #expect(
            transitions.changes == [
                Change(.pending, .processing, nil, .processing),
                Change(.processing, .processing, .mismatch, .needsAttention),
            ]
        )
        #expect(transitions.last?.evidence == .sample)
        #expect(transitions.last?.verdict == .settled)
        #expect(transitions.last?.reason == machine.refund.lastError)
        #expect(machine.refund.lastError?.contains("expected 12.50 EUR") == true)
    }

    @Test func messageSaysWhatIsMissing() {
        var machine = machine(.processing)
        _ = machine.answered(.says(.settled), age: .seconds(5))
        #expect(
            machine.refund.lastError
                == "the gateway says settled with no amount and no currency, expected 12.50 EUR"
        )
    }

    @Test func messageQuotesAnUnreadableAmount() {
        var machine = machine(.processing)
        var report = GatewayReport(.settled, nil, "EUR")
        report.unreadableAmount = "\"+12.50\""
        _ = machine.answered(.report(report, .sample), age: .seconds(5))
        #expect(
            machine.refund.lastError
                == "the gateway says settled with the unreadable amount \"+12.50\" EUR, expected 12.50 EUR"
        )
    }

    @Test(arguments: same)
    func amountsAreComparedAsDecimals(amount: String) {
        var machine = machine(.processing)
        let transitions = machine.answered(.says(.settled, amount, "EUR"), age: .seconds(5))
        #expect(transitions.changes == [Change(.processing, .settled, nil, .settled)])
    }

    @Test func withoutAnExpectationEveryAmountSettles() {
        var machine = RefundStateMachine(.sample())
        #expect(machine.answered(.says(.settled), age: .seconds(5)).changes.first?.to == .settled)
    }

    @Test func mismatchIsQueriedAtTheSlowIntervalHoweverYoung() {
        var machine = machine()
        _ = machine.answered(.says(.settled, "1", "EUR"), age: .seconds(5))
        #expect(machine.refund.nextQueryAt == enqueued.advanced(by: .seconds(3_605)))
        _ = machine.answered(.unreachable(reason: "no answer"), age: hour)
        #expect(machine.refund.nextQueryAt == enqueued.advanced(by: hours(2)))
    }

    @Test func secondMismatchIsNotReported() {
        var machine = machine()
        _ = machine.answered(.says(.settled, "1", "EUR"), age: .seconds(5))
        #expect(machine.answered(.says(.settled, "2", "EUR"), age: hour).isEmpty)
        #expect(machine.refund.state == .processing)
        #expect(machine.refund.transaction?.amount == "2")
        #expect(machine.refund.lastError?.contains("settled with 2 EUR") == true)
    }

    @Test func mismatchStandsUntilAMatchingAnswer() {
        var machine = machine()
        _ = machine.answered(.says(.settled, "1", "EUR"), age: .seconds(5))
        #expect(machine.answered(.says(.processing), age: hour).isEmpty)
        #expect(machine.answered(.unknownOrder, age: hours(72)).isEmpty)
        #expect(machine.refund.attention == .mismatch)
        let transitions = machine.answered(.says(.settled, "12.5", "EUR"), age: hours(73))
        #expect(transitions.changes == [Change(.processing, .settled, nil, .settled)])
        #expect(machine.refund.lastError == nil)
    }

    @Test func closedRefundFailsWhateverItsAmount() {
        var machine = machine()
        _ = machine.answered(.says(.settled, "1", "EUR"), age: .seconds(5))
        let transitions = machine.answered(.says(.failed, "1", "EUR"), age: hour)
        #expect(transitions.changes == [Change(.processing, .failed, nil, .failed)])
    }
}
