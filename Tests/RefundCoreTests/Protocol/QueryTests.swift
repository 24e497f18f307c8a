import RefundCore
import RefundTestSupport
import Testing

struct QueryTests {
    @Test(arguments: [("R-1", "4112"), ("R-1", nil), (nil, "4112")] as [(String?, String?)])
    func queryHasTheNumbersOfItsRow(order: String?, trans: String?) throws {
        var refund = Refund(id: 1, merchantOrderNo: order, createdAt: enqueued)
        refund.transNo = trans
        let query = try #require(RefundQuery(refund, merchantNo: "3121"))
        #expect(query.merchantOrderNo == order)
        #expect(query.transNo == trans)
        #expect(query.merchantNo == "3121")
    }

    @Test func rowWithoutNumbersCannotBeQueried() {
        #expect(RefundQuery(Refund(id: 1, createdAt: enqueued), merchantNo: "3121") == nil)
    }

    @Test func everyOutcomeButAReportSaysWhatWasWrong() {
        #expect(QueryOutcome.says(.processing).problem == nil)
        for outcome in QueryOutcome.fruitless + [.unknownOrder] { #expect(outcome.problem?.isEmpty == false) }
        let refused = QueryOutcome.credentialsRefused(code: "SYS002", message: "signature refused", isVerified: true)
        #expect(refused.problem == "the gateway refuses our credentials (SYS002: signature refused)")
    }

    @Test func everyKindOfOutcomeHasItsOwnName() {
        let kinds = (QueryOutcome.fruitless + [.unknownOrder, .says(.processing)]).map(\.kind)
        #expect(
            Set(kinds) == [
                "report", "not_found", "inconclusive", "credentials_refused", "unverified", "slowed_down",
                "unreachable",
            ]
        )
    }
}
