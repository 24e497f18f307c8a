import RefundCore
import RefundPayCloud
import RefundSimulator
import Testing

struct ScenarioTests {
    private typealias Content = ScriptedAnswer.Content

    struct Row: Sendable {
        let name: String
        let scenario: Scenario
        /// What each query is answered with, where each comes one second after the one before.
        let answers: [ScriptedAnswer.Content]
    }

    @Test(arguments: rows)
    func everyQueryIsAnsweredAsTheScenarioSays(row: Row) {
        for (index, answer) in row.answers.enumerated() {
            let progress = Progress(queries: index + 1, elapsed: .seconds(index))
            #expect(row.scenario.answer(at: progress).content == answer, "\(row.name), query \(index + 1)")
        }
    }

    @Test
    func faultEndsAfterItsQueriesAndTheScenarioGoesOn() {
        let scenario = changed {
            $0.fault = .http503
            $0.faultForQueries = 2
        }
        let answers = (1...3).map { scenario.answer(at: Progress(queries: $0, elapsed: .zero)) }
        #expect(
            answers == [
                ScriptedAnswer(content: .status(.inProgress), fault: .http503),
                ScriptedAnswer(content: .status(.succeeded), fault: .http503),
                ScriptedAnswer(content: .status(.succeeded)),
            ]
        )
    }

    @Test
    func faultWithoutACountLastsForEver() {
        let scenario = changed { $0.fault = .unsigned }
        #expect(scenario.answer(at: Progress(queries: .max, elapsed: .seconds(1_000_000))).fault == .unsigned)
    }

    static let rows: [Row] = [
        Row(name: "standard", scenario: Scenario(), answers: [open, settled, settled]),
        Row(name: "at once", scenario: changed { $0.endsAt = .query(1) }, answers: [settled, settled]),
        Row(
            name: "after a time",
            scenario: changed { $0.endsAt = .elapsed(.seconds(2)) },
            answers: [open, open, settled, settled]
        ),
        Row(
            name: "accepted before it is in progress",
            scenario: changed { $0.statusWhileOpen = .created },
            answers: [.status(.created), settled]
        ),
        Row(
            name: "fails",
            scenario: changed { $0.ending = Scenario.defaultFailure },
            answers: [open, .status(.closed), .status(.closed)]
        ),
        Row(
            name: "cancelled",
            scenario: changed {
                $0.ending = .cancelled
                $0.endsAt = .query(3)
            },
            answers: [open, open, .status(.cancelled)]
        ),
        Row(name: "never ends", scenario: changed { $0.endsAt = .never }, answers: [open, open, open]),
        Row(
            name: "unknown at first",
            scenario: changed { $0.knownFrom = .query(3) },
            answers: [.unknownRefund, .unknownRefund, settled]
        ),
        Row(
            name: "unknown for a time, then open",
            scenario: changed {
                $0.knownFrom = .elapsed(.seconds(1))
                $0.endsAt = .query(3)
            },
            answers: [.unknownRefund, open, settled]
        ),
        Row(
            name: "unknown for ever",
            scenario: changed {
                $0.knownFrom = .never
                $0.endsAt = .query(1)
            },
            answers: [.unknownRefund, .unknownRefund, .unknownRefund]
        ),
    ]

    private static let open = Content.status(.inProgress)
    private static let settled = Content.status(.succeeded)
}

/// The standard scenario with changes.
func changed(_ change: (inout Scenario) -> Void) -> Scenario {
    var scenario = Scenario()
    change(&scenario)
    return scenario
}
