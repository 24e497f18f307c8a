import RefundCore
import RefundTestSupport
import Testing

struct ReportTests {
    static let open: [RefundState] = [.pending, .processing]

    /// What each verdict makes of an open refund without an expected amount.
    static let verdicts: [(GatewayVerdict, RefundState, EventType)] = [
        (.processing, .processing, .processing), (.settled, .settled, .settled), (.failed, .failed, .failed),
    ]

    @Test(arguments: verdicts)
    func verifiedReportMovesAPendingRefund(verdict: GatewayVerdict, state: RefundState, event: EventType) {
        var machine = RefundStateMachine(.sample())
        let transitions = machine.answered(.says(verdict), age: .seconds(5))
        #expect(transitions.changes == [Change(.pending, state, nil, event)])
        #expect(machine.refund.state == state)
        #expect(transitions.first?.verdict == verdict)
        #expect(transitions.first?.transStatus == GatewayReport(verdict).transaction.status)
        #expect(transitions.first?.evidence == .sample)
        #expect(transitions.first?.actor == "refundd")
        #expect(transitions.first?.at == enqueued.advanced(by: .seconds(5)))
    }

    @Test(arguments: [(GatewayVerdict.failed, RefundState.failed, EventType.failed), (.settled, .settled, .settled)])
    func verdictEndsAProcessingRefund(verdict: GatewayVerdict, end: RefundState, event: EventType) {
        var machine = RefundStateMachine(.sample(.processing))
        let transitions = machine.answered(.says(verdict), age: .seconds(5))
        #expect(transitions.changes == [Change(.processing, end, nil, event)])
        #expect(machine.refund.nextQueryAt == nil)
    }

    @Test func processingRefundThatGoesOnHasNoLedgerRow() {
        var machine = RefundStateMachine(.sample(.processing, attempts: 1))
        #expect(machine.answered(.says(.processing), age: .seconds(5)).isEmpty)
        #expect(machine.refund.transaction?.status == 0)
        #expect(machine.refund.nextQueryAt == enqueued.advanced(by: .seconds(15)))
    }

    @Test(arguments: open)
    func reportIsKeptWithItsNumbers(state: RefundState) {
        var report = GatewayReport(.settled, "1200", "JPY")
        report.transaction.transNo = "4112"
        report.transaction.origTransNo = "4111"
        report.transaction.endAt = enqueued
        var refund = Refund.sample(state)
        refund.lastError = "no answer within 10 s"
        var machine = RefundStateMachine(refund)
        _ = machine.answered(.report(report, .sample), age: .seconds(5))
        #expect(machine.refund.transaction == report.transaction)
        #expect(machine.refund.lastError == nil)
        #expect(machine.refund.transNo == nil, "the application's column is never filled in")
    }

    @Test func failedRefundKeepsTheGatewaysFailure() {
        var report = GatewayReport(.failed)
        report.failure = Failure(code: "TS-D2012", message: "insufficient funds")
        var machine = RefundStateMachine(.sample(.processing))
        _ = machine.answered(.report(report, .sample), age: .seconds(5))
        #expect(machine.refund.failure == report.failure)
    }

    @Test(arguments: open, QueryOutcome.fruitless)
    func anythingElseChangesOnlyTheQuerysOwnColumns(state: RefundState, outcome: QueryOutcome) {
        var before = Refund.sample(state, attempts: 2)
        before.transaction = GatewayTransaction(status: 0)
        var machine = RefundStateMachine(before)
        #expect(machine.answered(outcome, age: .seconds(60)).isEmpty)
        var expected = before
        expected.attempts = 3
        expected.lastQueryAt = enqueued.advanced(by: .seconds(59))
        expected.lastError = outcome.problem
        expected.isLastQueryVerified = outcome.isVerified
        expected.updatedAt = enqueued.advanced(by: .seconds(60))
        expected.nextQueryAt = enqueued.advanced(by: .seconds(80))
        #expect(machine.refund == expected)
        #expect(machine.refund.lastError?.isEmpty == false)
    }

    @Test(arguments: open, QueryOutcome.fruitless)
    func noAgeMakesAVerdictOfNoAnswer(state: RefundState, outcome: QueryOutcome) {
        var machine = RefundStateMachine(.sample(state))
        for days in 0..<1_000 { _ = machine.answered(outcome, age: hours(24 * days)) }
        #expect(machine.refund.state == state)
        #expect(machine.refund.nextQueryAt != nil)
        #expect(machine.refund.attempts == 1_000)
    }

    @Test(arguments: open)
    func deferredQueryLeavesTheRefundAsDueAsItWas(state: RefundState) {
        var before = Refund.sample(state, attempts: 2)
        before.nextQueryAt = enqueued.advanced(by: .seconds(5))
        before.isLastQueryVerified = true
        var machine = RefundStateMachine(before)
        let now = enqueued.advanced(by: .seconds(60))
        let outcome = QueryOutcome.slowedDown(reason: "HTTP 429", retryAfter: nil)
        machine.querySpared(outcome, sentAt: enqueued.advanced(by: .seconds(59)), at: now)
        var expected = before
        expected.lastQueryAt = enqueued.advanced(by: .seconds(59))
        expected.lastError = "HTTP 429"
        expected.isLastQueryVerified = false
        expected.updatedAt = now
        #expect(machine.refund == expected)
    }

    @Test func attemptsNeverOverflow() {
        var machine = RefundStateMachine(.sample(.processing, attempts: .max))
        _ = machine.answered(.says(.processing), age: .seconds(60))
        #expect(machine.refund.attempts == .max)
    }

    @Test(arguments: [(0.0, 4_500), (0.5, 5_000), (1.0, 5_500)])
    func drawDecidesTheJitter(draw: Double, wait: Int64) {
        var machine = RefundStateMachine(.sample())
        _ = machine.answered(.unreachable(reason: "no answer"), age: .zero, draw: draw)
        #expect(machine.refund.nextQueryAt == enqueued.advanced(by: .milliseconds(wait)))
    }

    @Test(
        arguments: QueryOutcome.fruitless + [.unknownOrder, .says(.processing), .says(.settled, "1", "EUR")]
    )
    func whetherTheLastAnswerVerifiedIsKept(outcome: QueryOutcome) {
        for wasVerified in [false, true] {
            var refund = Refund.sample()
            refund.isLastQueryVerified = wasVerified
            var machine = RefundStateMachine(refund)
            _ = machine.answered(outcome, age: hour)
            #expect(machine.refund.isLastQueryVerified == outcome.isVerified)
        }
    }

    @Test func onlyWhatTheGatewaysSignatureProvesIsVerified() {
        #expect(QueryOutcome.fruitless.map(\.isVerified) == [true, true, false, false, false, false])
        #expect(QueryOutcome.unknownOrder.isVerified)
        #expect(QueryOutcome.says(.failed).isVerified)
    }
}
