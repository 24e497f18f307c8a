import RefundCore
import Testing

struct AttentionAdviceTests {
    private func refund(_ number: String, _ change: (inout Refund) -> Void = { _ in }) -> Refund {
        var refund = Refund(id: 7, merchantOrderNo: number, createdAt: Timestamp(milliseconds: 0))
        change(&refund)
        return refund
    }

    @Test(arguments: [
        ("R-1001", "R-1001"), ("A_b-2", "A_b-2"), ("-x", "--id 7"), ("a|b", "--id 7"), ("a*", "--id 7"),
        ("a@b", "--id 7"), ("$(reboot)", "--id 7"), ("", "--id 7"),
    ])
    func commandsQuoteNothingThatAShellActsOn(number: String, argument: String) {
        #expect(refund(number).argument == argument)
    }

    @Test func commandsNameAnAbandonedRefundByItsRowSinceItsNumberMayBeUsedAgain() {
        #expect(refund("R-1001") { $0.state = .abandoned }.argument == "--id 7")
    }

    @Test(arguments: Attention.allCases) func everyReasonHasACauseAndACommand(reason: Attention) throws {
        let advice = try #require(AttentionAdvice(on: refund("R-1001") { $0.attention = reason }))
        #expect(!advice.cause.isEmpty && !advice.text.isEmpty && !reason.phrase.isEmpty)
        #expect(advice.commands.allSatisfy { $0.hasPrefix("refundd ") || $0.hasPrefix("systemctl ") })
        #expect(!advice.commands.isEmpty)
    }
}
