import RefundCore
import RefundPayCloud
import RefundTestSupport
import Testing

/// Signed answers that name another merchant, application or kind of transaction.
struct AnswerBindingTests {
    private func answered(data: String, envelope: String = "") throws -> QueryOutcome {
        let data = #"{"merchant_order_no":"R-1","trans_status":2\#(data)}"#
        return outcome(of: try SignedAnswer.text(#"{"code":"0","data":\#(data)\#(envelope)}"#), for: try query())
    }

    static let ours = [
        #","merchant_no":"312100007235""#, #","merchant_no":312100007235"#, #","merchant_no":null"#,
        #","merchant_no":"""#, #","app_id":"wz1""#, #","app_id":null"#, #","trans_type":3"#, #","trans_type":"3""#,
        #","trans_type":null"#, #","store_no":"4021000637""#,
    ]

    @Test(arguments: ours)
    func answerThatNamesUsSettles(members: String) throws {
        #expect(try answered(data: members).report?.verdict == .settled)
        #expect(try answered(data: "", envelope: members).report?.verdict == .settled)
    }

    static let foreign = [
        (#","merchant_no":"312100007236""#, #"merchant_no "312100007236" instead of "312100007235""#),
        (#","merchant_no":312100007236"#, #"merchant_no "312100007236" instead of "312100007235""#),
        (#","merchant_no":" 312100007235""#, #"merchant_no " 312100007235" instead of "312100007235""#),
        (#","merchant_no":["312100007235"]"#, #"merchant_no of an unexpected type instead of "312100007235""#),
        (#","app_id":"wz2""#, #"app_id "wz2" instead of "wz1""#),
        (#","app_id":"WZ1""#, #"app_id "WZ1" instead of "wz1""#),
        (#","app_id":{}"#, #"app_id of an unexpected type instead of "wz1""#),
        (#","trans_type":1"#, #"trans_type "1" instead of "3""#),
        (#","trans_type":"2""#, #"trans_type "2" instead of "3""#),
        (#","trans_type":33"#, #"trans_type "33" instead of "3""#),
        (#","trans_type":3.0"#, #"trans_type "3.0" instead of "3""#),
        (#","trans_type":true"#, #"trans_type of an unexpected type instead of "3""#),
    ]

    @Test(arguments: foreign)
    func answerThatNamesAnotherDecidesNothing(members: String, words: String) throws {
        let expected = QueryOutcome.inconclusive(reason: "the gateway's answer is about \(words)")
        #expect(try answered(data: members) == expected)
        #expect(try answered(data: "", envelope: members) == expected)
    }

    @Test func unknownOrderOfAnotherMerchantDecidesNothing() throws {
        let answer = try SignedAnswer.text(#"{"code":"E04111","msg":"no","merchant_no":"1"}"#)
        #expect(outcome(of: answer, for: try query()).kind == "inconclusive")
    }
}
