import RefundCore
import Testing

/// What is wrong with a history, whose answers are taken for what a test says they are.
struct LedgerCheckTests {
    @Test(arguments: History.sound)
    func historyThatRefunddWritesHasNoProblem(sound: History) {
        #expect(sound.problems() == [])
    }

    @Test(arguments: Damage.ledger + Damage.states + Damage.columns + Damage.events + Damage.bodies)
    func whatIsWrongWithALedgerIsReported(damage: Damage) {
        #expect(damage.problems().contains(damage.problem), "\(damage.problems())")
    }

    @Test(arguments: WrongAnswer.all)
    func verdictThatItsAnswerDoesNotProveIsFound(wrong: WrongAnswer) {
        let problems = History.settled.problems(answer: wrong.outcome)
        #expect(problems.contains { $0.contains(wrong.problem) }, "\(problems)")
    }

    @Test(arguments: [History.settled, .failed, .processing])
    func answerThatNoKeyVerifiesIsTheOnlyProblem(history: History) {
        let problems = history.problems(answer: .unverified(reason: "signed by none of the configured public keys"))
        #expect(problems.allSatisfy { $0.contains("has an answer that does not prove it") }, "\(problems)")
        #expect(problems.count == history.history.ledger.filter { $0.response == [1] }.count)
    }

    @Test func everyStoredAnswerIsReadAgain() {
        #expect(answers(in: .settled) == 2)
        #expect(answers(in: .abandoned) == 0)
    }

    private func answers(in history: History) -> Int {
        LedgerCheck(history.history) { _, _ in
            history.outcome
        } endpoint: { _ in
            "hooks.example"
        }.answers
    }

    @Test func answersBeforeAnOperatorsVerdictNeedNotAgreeWithIt() {
        var history = History.resolved
        history.history.ledger[2].response = [1]
        history.history.ledger[2].transStatus = 2
        history.history.ledger[2].verdict = "settled"
        history.history.ledger[2].code = "0"
        history.history.ledger[2].psn = "P-1"
        #expect(history.problems() == [])
    }
}

/// A change to a sound history, and the problem that it must lead to.
struct Damage: Sendable, CustomTestStringConvertible {
    let problem: String
    let history: History
    let change: @Sendable (inout RefundHistory) -> Void

    init(_ problem: String, of history: History = .settled, _ change: @escaping @Sendable (inout RefundHistory) -> Void)
    {
        self.problem = problem
        self.history = history
        self.change = change
    }

    var testDescription: String { problem }

    func problems() -> [String] {
        var changed = history
        change(&changed.history)
        return changed.problems()
    }

    static let ledger = [
        Damage("its ledger has row 3 in place of row 2") { $0.ledger[1].sequence = 3 },
        Damage("its ledger has row 2 in place of row 1") { $0.ledger.removeFirst() },
        Damage("row 2 of its ledger starts from state pending, but the row before it ends in processing") {
            $0.ledger[1].from = "pending"
        },
        Damage("row 1 of its ledger starts from state processing, but the row before it ends in pending") {
            $0.ledger[0].from = "processing"
        },
        Damage("its state is settled, but its ledger ends in processing") { $0.ledger.removeLast() },
        Damage("its state is processing, but its ledger ends in settled") { $0.refund.state = .processing },
        Damage("its state is settled, but its ledger ends in pending") { $0.ledger = [] },
        Damage("its attention is overdue, but its ledger ends in null") { $0.refund.attention = .overdue },
        Damage("its attention is null, but its ledger ends in mismatch", of: .mismatched) { $0.refund.attention = nil },
    ]

    static let states = [
        Damage("row 2 of its ledger has the unknown state paid") { $0.ledger[1].to = "paid" },
        Damage("row 1 of its ledger has the unknown attention curious") { $0.ledger[0].attention = "curious" },
        Damage("row 1 of its ledger has no actor") { $0.ledger[0].actor = "" },
        Damage("row 3 of its ledger leaves the final state settled") {
            $0.ledger.append(LedgerRow(sequence: 3, at: enqueued, from: "settled", to: "failed", actor: "alice"))
        },
        Damage("row 3 of its ledger has attention after the final state settled") {
            $0.ledger.append(LedgerRow(sequence: 3, at: enqueued, from: "settled", to: "settled", actor: "refundd"))
            $0.ledger[2].attention = "overdue"
        },
        Damage("row 2 of its ledger goes back to pending", of: .mismatched) { $0.ledger[1].to = "pending" },
        Damage("row 2 of its ledger ends the refund and has attention") { $0.ledger[1].attention = "mismatch" },
        Damage("row 1 of its ledger abandons the refund without an operator", of: .abandoned) {
            $0.ledger[0].actor = "refundd"
        },
        Damage("row 1 of its ledger is the verdict of alice without a reason", of: .abandoned) {
            $0.ledger[0].reason = nil
        },
        Damage("row 3 of its ledger is the verdict of alice without a reason", of: .resolved) {
            $0.ledger[2].reason = ""
        },
        Damage("row 2 of its ledger is the verdict of alice on a refund that needed no attention") {
            $0.ledger[1].actor = "alice"
        },
        Damage("row 1 of its ledger is by alice, but operators only end refunds") { $0.ledger[0].actor = "alice" },
        Damage("row 1 of its ledger enters processing without an answer of the gateway") {
            ($0.ledger[0].actor, $0.ledger[0].response) = ("alice", nil)
        },
        Damage("row 1 of its ledger enters processing, but its answer has verdict settled") {
            $0.ledger[0].response = [1]
        },
        Damage("row 2 of its ledger enters settled without an answer of the gateway") { $0.ledger[1].response = nil },
        Damage("row 1 of its ledger enters processing without an answer of the gateway") {
            $0.ledger[0].response = nil
        },
        Damage("row 2 of its ledger has trans_status 3, but its answer has 2") { $0.ledger[1].transStatus = 3 },
        Damage("row 2 of its ledger has verdict failed, but its answer has settled") {
            $0.ledger[1].verdict = "failed"
        },
        Damage("row 2 of its ledger has code none, but its answer has 0") { $0.ledger[1].code = nil },
        Damage("row 2 of its ledger has psn P-9, but its answer has P-1") { $0.ledger[1].psn = "P-9" },
    ]

    static let columns = [
        Damage("it differs from the answer of row 2 in trans_amount") { $0.refund.transaction?.amount = "12.51" },
        Damage("it differs from the answer of row 2 in trans_end_at") { $0.refund.transaction?.endAt = enqueued },
        Damage("it differs from the answer of row 2 in gateway_trans_no") { $0.refund.transaction?.transNo = "T-9" },
        Damage("it differs from the answer of row 2 in orig_trans_no") { $0.refund.transaction?.origTransNo = "T-9" },
        Damage("it differs from the answer of row 2 in pay_channel_trans_no") {
            $0.refund.transaction?.payChannelTransNo = "CH-9"
        },
        Damage("it differs from the answer of row 2 in trans_status, trans_amount, trans_currency") {
            $0.refund.transaction = nil
        },
        Damage("its failure_code or failure_message differs from its ledger", of: .failed) {
            $0.refund.failure?.code = "TS-D2012"
        },
        Damage("its failure_code or failure_message differs from its ledger", of: .failed) {
            $0.refund.failure = nil
        },
        Damage("its failure_code or failure_message differs from its ledger", of: .given(up: "failed")) {
            $0.refund.failure?.message = "the bank refused it"
        },
        Damage("its failure_code or failure_message differs from its ledger") {
            $0.refund.failure = Failure(code: "closed", message: nil)
        },
    ]

    static let events = [
        Damage("row 2 of its ledger has no event refund.settled") { $0.events.removeLast() },
        Damage("row 1 of its ledger has no event refund.processing") { $0.events.removeFirst() },
        Damage("row 2 of its ledger has no event refund.needs_attention", of: .mismatched) { $0.events.removeLast() },
        Damage("event 9 reports row 2 after an event of row 2") {
            var copy = $0.events[1]
            copy.position = 9
            $0.events.append(copy)
        },
        Damage("event 7 reports row 1 after an event of row 2") {
            $0.events.reverse()
            $0.events[0].position = 6
            $0.events[1].position = 7
        },
        Damage("event 9 (refund.settled) reports no row of its ledger") {
            var copy = $0.events[1]
            copy.position = 9
            copy.subject.sequence = 3
            $0.events.append(copy)
        },
        Damage("event 8 is refund.failed, row 2 is refund.settled") { $0.events[1].subject.type = "refund.failed" },
        Damage("event 8 has state failed, row 2 has settled") { $0.events[1].subject.state = "failed" },
        Damage("event 8 is of 2026-09-21T14:13:20.123Z, row 2 of 2026-09-21T14:13:20.124Z") {
            $0.ledger[1].at = Timestamp(milliseconds: enqueued.milliseconds + 1)
        },
    ]

    /// A body that was changed in the event log and in the outbox.
    private static func body(
        _ text: String,
        _ other: String,
        _ problem: String,
        of history: History = .settled
    ) -> Damage {
        Damage(problem, of: history) { history in
            let last = history.events.count - 1
            let body = String(decoding: history.events[last].body, as: UTF8.self).replacing(text, with: other)
            history.events[last].body = Array(body.utf8)
            history.webhooks[last].body = Array(body.utf8)
        }
    }

    private static func another(_ member: String, _ position: Int = 8) -> String {
        "event \(position) differs from the ledger, its answer and the refund in \(member)"
    }

    static let bodies = [
        body(#""refund_id":42"#, #""refund_id":43"#, another("refund_id")),
        body(#""state":"settled""#, #""state":"failed""#, another("state")),
        body(#""trans_status":2"#, #""trans_status":1"#, another("trans_status")),
        body(#""amount":"12.5""#, #""amount":"12.50""#, another("amount")),
        body(#""currency":"EUR","expected_amount""#, #""currency":"JPY","expected_amount""#, another("currency")),
        body("R-1001", "R-1002", another("merchant_order_no")),
        body(#""failure":null"#, #""failure":{"code":"x","message":null}"#, another("failure")),
        body(#""actor":"refundd""#, #""actor":"alice""#, another("actor")),
        body(#""reason":null"#, #""reason":"why""#, another("reason")),
        body(#""attempts":0"#, #""attempts":7"#, another("attempts")),
        body(#""expected_amount":"12.50""#, #""expected_amount":"12.5""#, another("expected_amount")),
        body(
            #""amount":"12.49","currency":"EUR","expected_amount":"12.50""#,
            #""amount":"12.50","currency":"EUR","expected_amount":"12.51""#,
            another("amount, expected_amount", 9),
            of: .resolved
        ),
        body("the bank", "nobody", another("failure, reason", 9), of: .given(up: "failed")),
        body(
            #""metadata":null"#,
            #""metadata":null,"amount":"1""#,
            "the body of event 8 is not formatted as refundd formats it"
        ),
        body(#","actor":"refundd""#, "", another("actor")),
        body(
            #"{"type":"refund.settled""#,
            #"{"type":"refund.failed""#,
            "the body of event 8 is not formatted as refundd formats it"
        ),
        body(#"{"type""#, #"{type""#, "the body of event 8 was not written by refundd"),
    ]
}

/// An answer that does not prove a refund settled, and what is said of it.
struct WrongAnswer: Sendable, CustomTestStringConvertible {
    let outcome: QueryOutcome
    let problem: String

    var testDescription: String { problem }

    static let all = [
        WrongAnswer(outcome: .unverified(reason: "forged"), problem: "has an answer that does not prove it: forged"),
        WrongAnswer(
            outcome: .inconclusive(reason: "about R-9"),
            problem: "has an answer that does not prove it: about R-9"
        ),
        WrongAnswer(outcome: .unreachable(reason: "no JSON"), problem: "has an answer that does not prove it: no JSON"),
        WrongAnswer(
            outcome: .credentialsRefused(code: "SYS002", message: "bad", isVerified: true),
            problem: "has an answer that does not prove it: the gateway refuses our credentials (SYS002: bad)"
        ),
        WrongAnswer(outcome: .unknownOrder, problem: "enters settled, but its answer says that there is no such order"),
        WrongAnswer(outcome: .says(.failed), problem: "enters settled, but its answer has verdict failed"),
        WrongAnswer(outcome: .says(.processing), problem: "enters settled, but its answer has verdict processing"),
        WrongAnswer(
            outcome: .says(.settled, "12.49", "EUR"),
            problem: "settles the refund although the gateway says settled with 12.49 EUR, expected 12.50 EUR"
        ),
        WrongAnswer(
            outcome: .says(.settled, "12.5", "USD"),
            problem: "settles the refund although the gateway says settled with 12.5 USD, expected 12.50 EUR"
        ),
    ]
}
