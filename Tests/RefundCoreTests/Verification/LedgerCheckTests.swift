import RefundCore
import Testing

/// What is wrong with a history, whose answers are taken for what a test says they are.
struct LedgerCheckTests {
    @Test(arguments: History.sound)
    func historyThatRefunddWritesHasNoProblem(sound: History) {
        #expect(sound.problems() == [])
    }

    @Test(arguments: Damage.ledger + Damage.states + Damage.events)
    func whatIsWrongWithALedgerIsSaid(damage: Damage) {
        #expect(damage.problems().contains(damage.problem), "\(damage.problems())")
    }

    @Test(arguments: WrongAnswer.all)
    func verdictThatItsAnswerDoesNotProveIsFound(wrong: WrongAnswer) {
        let problems = History.settled.problems(answer: wrong.outcome)
        #expect(problems.contains { $0.contains(wrong.problem) }, "\(problems)")
    }

    @Test func everyStoredAnswerIsReadAgain() {
        #expect(LedgerCheck(History.settled.history) { _, _ in History.settled.outcome }.answers == 2)
        #expect(LedgerCheck(History.abandoned.history) { _, _ in .says(.inProgress) }.answers == 0)
    }

    @Test func answersOfAPersonsVerdictNeedNotAgreeWithIt() {
        var history = History.resolved
        history.history.ledger[1].response = [1]
        history.history.ledger[1].transStatus = 2
        history.history.ledger[1].code = "0"
        history.history.ledger[1].psn = "P-1"
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
        Damage("its ledger has row 3 where row 2 belongs") { $0.ledger[1].sequence = 3 },
        Damage("its ledger has row 2 where row 1 belongs") { $0.ledger.removeFirst() },
        Damage("row 2 of its ledger goes on from state pending, the one before it ended with processing") {
            $0.ledger[1].from = "pending"
        },
        Damage("row 1 of its ledger goes on from state processing, the one before it ended with pending") {
            $0.ledger[0].from = "processing"
        },
        Damage("its state is settled, its ledger ends with processing") { $0.ledger.removeLast() },
        Damage("its state is processing, its ledger ends with settled") { $0.refund.state = .processing },
        Damage("its state is settled, its ledger ends with pending") { $0.ledger = [] },
        Damage("its attention is overdue, its ledger ends with null") { $0.refund.attention = .overdue },
        Damage("its attention is null, its ledger ends with mismatch", of: .mismatched) { $0.refund.attention = nil },
    ]

    static let states = [
        Damage("row 2 of its ledger has the unknown state paid") { $0.ledger[1].to = "paid" },
        Damage("row 1 of its ledger has the unknown attention curious") { $0.ledger[0].attention = "curious" },
        Damage("row 1 of its ledger names nobody who made the change") { $0.ledger[0].actor = "" },
        Damage("row 3 of its ledger leaves the final state settled") {
            $0.ledger.append(LedgerRow(sequence: 3, from: "settled", to: "failed", actor: "alice"))
        },
        Damage("row 3 of its ledger asks for attention after the final state settled") {
            $0.ledger.append(LedgerRow(sequence: 3, from: "settled", to: "settled", actor: "refundd"))
            $0.ledger[2].attention = "overdue"
        },
        Damage("row 2 of its ledger goes back to pending", of: .mismatched) { $0.ledger[1].to = "pending" },
        Damage("row 2 of its ledger ends the refund and asks for attention") { $0.ledger[1].attention = "mismatch" },
        Damage("row 1 of its ledger abandons the refund and names no person who did", of: .abandoned) {
            $0.ledger[0].actor = "refundd"
        },
        Damage("row 1 of its ledger is the verdict of alice and gives no reason", of: .abandoned) {
            $0.ledger[0].reason = nil
        },
        Damage("row 2 of its ledger is the verdict of alice and gives no reason", of: .resolved) {
            $0.ledger[1].reason = ""
        },
        Damage("row 2 of its ledger goes to settled without an answer of the gateway") { $0.ledger[1].response = nil },
        Damage("row 1 of its ledger goes to processing without an answer of the gateway") {
            $0.ledger[0].response = nil
        },
        Damage("row 2 of its ledger has trans_status 3, its answer has 2") { $0.ledger[1].transStatus = 3 },
        Damage("row 2 of its ledger has code none, its answer has 0") { $0.ledger[1].code = nil },
        Damage("row 2 of its ledger has psn P-9, its answer has P-1") { $0.ledger[1].psn = "P-9" },
        Damage("its trans_status, trans_amount or trans_currency is not what the answer of row 2 says") {
            $0.refund.report?.amount = "12.51"
        },
        Damage("its trans_status, trans_amount or trans_currency is not what the answer of row 2 says") {
            $0.refund.report = nil
        },
    ]

    static let events = [
        Damage("row 2 of its ledger has no event refund.settled") { $0.events.removeLast() },
        Damage("row 1 of its ledger has no event refund.processing") { $0.events.removeFirst() },
        Damage("row 2 of its ledger has no event refund.needs_attention", of: .mismatched) { $0.events.removeLast() },
        Damage("event 9 tells of row 2 after one of row 2") {
            var copy = $0.events[1]
            copy.position = 9
            $0.events.append(copy)
        },
        Damage("event 7 tells of row 1 after one of row 2") {
            $0.events.reverse()
            $0.events[0].position = 6
            $0.events[1].position = 7
        },
        Damage("event 9 (refund.settled) tells of no row of its ledger") {
            var copy = $0.events[1]
            copy.position = 9
            copy.subject.sequence = 3
            $0.events.append(copy)
        },
        Damage("event 8 is refund.failed, row 2 is refund.settled") { $0.events[1].subject.type = "refund.failed" },
        Damage("event 8 has state failed, row 2 has settled") { $0.events[1].subject.state = "failed" },
        Damage("event 8 says something else than its columns") { $0.events[1].told?.state = "failed" },
        Damage("event 8 says something else than its columns") { $0.events[1].told?.refundID = 43 },
        Damage("event 8 says something else than its columns") { $0.events[1].told = nil },
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
        WrongAnswer(outcome: .unknownOrder, problem: "goes to settled, its answer says there is no such order"),
        WrongAnswer(outcome: .says(.closed), problem: "goes to settled, its answer has trans_status 1"),
        WrongAnswer(outcome: .says(.inProgress), problem: "goes to settled, its answer has trans_status 0"),
        WrongAnswer(
            outcome: .says(.succeeded, "12.49", "EUR"),
            problem: "settles the refund although the gateway says settled with 12.49 EUR, expected 12.50 EUR"
        ),
        WrongAnswer(
            outcome: .says(.succeeded, "12.5", "USD"),
            problem: "settles the refund although the gateway says settled with 12.5 USD, expected 12.50 EUR"
        ),
    ]
}
