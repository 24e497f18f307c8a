import RefundCore
import RefundHTTP
import Testing

/// The core settles, fails and verifies refunds of a gateway that it knows nothing about.
struct ToyGatewayTests {
    private static let now = Timestamp(milliseconds: 1_795_316_646_123)
    private let gateway = ToyGateway(url: "https://toy.example/refunds", secret: Array("secret".utf8))

    private func refund(expected: Money? = nil) -> Refund {
        var refund = Refund(id: 1, merchantOrderNo: "R-1", createdAt: Self.now)
        refund.expected = expected
        return refund
    }

    private func outcome(of lines: [String]) throws -> QueryOutcome {
        let query = try #require(RefundQuery(refund(), merchantNo: "M-1"))
        return gateway.outcome(of: gateway.signed(["refund R-1"] + lines), for: query)
    }

    private func machine(after outcome: QueryOutcome, expected: Money? = nil) -> (Refund, [Transition]) {
        var machine = RefundStateMachine(refund(expected: expected), policy: PollingPolicy())
        let transitions = machine.queryAnswered(outcome, sentAt: Self.now, at: Self.now, draw: 0.5)
        return (machine.refund, transitions)
    }

    @Test func requestIsSignedInTheGatewaysOwnWay() throws {
        let query = try #require(RefundQuery(refund(), merchantNo: "M-1"))
        let request = gateway.request(for: query, at: Self.now)
        let text = String(decoding: request.body, as: UTF8.self)
        #expect(text.hasPrefix("merchant M-1\nrefund R-1\ntime 2026-11-22T03:04:06.123Z\nsignature "))
        #expect(text.split(separator: " ").last?.count == 65)
    }

    @Test(arguments: [
        ("queued", GatewayVerdict.processing, RefundState.processing, 1), ("sent", .processing, .processing, 2),
        ("paid", .settled, .settled, 3), ("rejected", .failed, .failed, 4),
    ])
    func statusWordDecidesTheRefund(word: String, verdict: GatewayVerdict, state: RefundState, number: Int) throws {
        let (refund, transitions) = machine(after: try outcome(of: ["status \(word)", "reason card closed"]))
        #expect(refund.state == state)
        #expect(transitions.map(\.verdict) == [verdict] && transitions.map(\.transStatus) == [number])
        #expect(refund.failure == (state == .failed ? Failure(code: "rejected", message: "card closed") : nil))
    }

    @Test func amountIsComparedAndKeptAsAPlainDecimal() throws {
        let expected = Money(amount: "12.50", currency: "EUR")
        let paid = try outcome(of: ["status paid", "amount 1.25E+1 EUR"])
        #expect(machine(after: paid, expected: expected).0.state == .settled)
        #expect(machine(after: paid).0.transaction?.amount == "12.5")
        let other = try outcome(of: ["status paid", "amount 12.49 EUR"])
        #expect(machine(after: other, expected: expected).0.attention == .mismatch)
    }

    @Test func unprovenOrForeignAnswerDecidesNothing() throws {
        let query = try #require(RefundQuery(refund(), merchantNo: "M-1"))
        let paid = gateway.signed(["refund R-1", "status paid"])
        let forged = String(decoding: paid, as: UTF8.self).replacing("status paid", with: "status sent")
        let other = ToyGateway(url: gateway.url, secret: Array("other".utf8))
        let outcomes = [
            gateway.outcome(of: Array(forged.utf8), for: query), other.outcome(of: paid, for: query),
            gateway.outcome(of: Array("refund R-1\nstatus paid\n".utf8), for: query),
            gateway.outcome(of: gateway.signed(["refund R-2", "status paid"]), for: query),
            try outcome(of: ["status paid", "status rejected"]), try outcome(of: ["status lost"]),
        ]
        #expect(
            outcomes.map(\.kind) == Array(repeating: "unverified", count: 3)
                + Array(repeating: "inconclusive", count: 3)
        )
        for outcome in outcomes { #expect(machine(after: outcome).0.state == .pending) }
    }

    @Test func ledgerIsVerifiedWithTheGatewaysOwnReader() throws {
        let paid = try outcome(of: ["status paid", "amount 12.5 EUR", "trace 7"])
        let (refund, transitions) = machine(after: paid)
        let transition = try #require(transitions.first)
        var row = LedgerRow(sequence: 1, at: Self.now, from: "pending", to: "settled", actor: "refundd")
        row.transStatus = transition.transStatus.map(Int64.init)
        row.verdict = transition.verdict?.rawValue
        (row.code, row.psn) = (transition.evidence?.code, transition.evidence?.psn)
        row.response = transition.evidence?.response
        let body = EventBody.refund(.settled, transition, sequence: 1, refund, merchantNo: "M-1")
        let event = LoggedEvent(
            position: 1,
            at: Self.now,
            subject: .init(type: "refund.settled", refundID: 1, sequence: 1, state: "settled"),
            webhookID: nil,
            body: Array(body.utf8)
        )
        let history = RefundHistory(refund: refund, ledger: [row], events: [event], webhooks: [])
        let query = try #require(RefundQuery(refund, merchantNo: ""))
        let check = LedgerCheck(history) { answer, _ in
            gateway.outcome(of: answer, for: query)
        } endpoint: { _ in
            ""
        }
        #expect(check.problems == [] && check.answers == 1)
    }
}
