import Testing

@testable import RefundCore

struct ClockSkewTests {
    private let start = Timestamp(milliseconds: 1_790_000_000_000)

    private func later(_ seconds: Int) -> Timestamp { start.advanced(by: .seconds(seconds)) }

    private func failure(_ minutes: Int?) -> QueryOutcome {
        .unreachable(reason: "HTTP 400", clockOffset: minutes.map { .seconds(60 * $0) })
    }

    @Test(arguments: [(60, "1h ahead of"), (-42, "42m behind")])
    func severalDatesInARowShowThatTheClockIsWrong(minutes: Int, words: String) {
        var clock = ClockSkew()
        for second in [0, 5] {
            #expect(clock.judge(failure(minutes), at: later(second)) == failure(minutes))
        }
        let message = "this machine's clock is \(words) the gateway's; set the clock. The last query: HTTP 400"
        let refusal = QueryOutcome.credentialsRefused(code: "CLOCK", message: message, isVerified: false)
        #expect(clock.judge(failure(minutes), at: later(10)) == refusal)
        #expect(clock.judge(failure(minutes), at: later(10)) == refusal, "until something else is answered")
    }

    @Test func oneDateIsNotEnoughHoweverOftenItComes() {
        var clock = ClockSkew()
        for second in 0..<100 {
            // Frozen in a cache: the older it is, the further ahead our clock seems.
            let outcome = QueryOutcome.unreachable(reason: "HTTP 502", clockOffset: .seconds(3_600 + 5 * second))
            #expect(clock.judge(outcome, at: later(5 * second)) == outcome)
        }
    }

    @Test(arguments: [
        QueryOutcome.inconclusive(reason: "SYS999"), .unreachable(reason: "timeout"), .unverified(reason: "no sign"),
        .slowedDown(reason: "HTTP 429", retryAfter: nil),
        .unreachable(reason: "HTTP 400", clockOffset: .seconds(-3_600)),
    ])
    func anythingElseBetweenStartsAgain(between: QueryOutcome) {
        var clock = ClockSkew()
        for second in [0, 5] { _ = clock.judge(failure(60), at: later(second)) }
        #expect(clock.judge(between, at: later(10)) == between)
        for second in [15, 20] { #expect(clock.judge(failure(60), at: later(second)) == failure(60)) }
        #expect(clock.judge(failure(60), at: later(25)).kind == "credentials_refused")
    }

    @Test func wrongClockRaisesOneIncidentAndAVerifiedAnswerEndsIt() {
        var health = GatewayHealth()
        let changes = (0..<5).map { second in
            health.answered(failure(60), refund: Int64(second), others: [], at: later(15 * second))
        }
        let incidents = changes.count { if case .incident = $0 { true } else { false } }
        #expect(incidents == 1)
        #expect(health.incident?.code == "CLOCK")
        #expect(health.answered(.inconclusive(reason: "SYS999"), refund: 1, others: [], at: later(90)) == .recovered)
    }
}
