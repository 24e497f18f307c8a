import RefundCore
import RefundPayCloud
import RefundTestSupport
import Testing

struct AnswerDataTests {
    private func answered(_ data: String, order: String? = "R-1", transNo: String? = nil) throws -> QueryOutcome {
        outcome(of: try SignedAnswer.text(data: data), for: try query(order: order, transNo: transNo))
    }

    @Test(arguments: [
        #"{"merchant_order_no":"R-1","trans_status":2}"#,
        #""{\"merchant_order_no\":\"R-1\",\"trans_status\":2}""#,
        #"" \n\t{ \"merchant_order_no\" : \"R-1\" , \"trans_status\" : \"2\" } ""#,
        "{ \"trans_status\" : 2 ,\n \"merchant_order_no\" : \"R-1\" }",
        #"{"merchant_order_no":"R-1","trans_status":2,"new":{"a":[1,{"b":null}]},"other":true,"x":""}"#,
        #""{\"merchant_order_no\":\"R-1\",\"trans_status\":2,\"raw\":\"{\\\"trans_status\\\":1}\"}""#,
        #"{"merchant_order_no":"\u0052-1","trans_status":2}"#,
    ])
    func dataIsReadAsObjectAndAsString(data: String) throws {
        #expect(try answered(data).report == GatewayReport(.settled))
    }

    @Test(arguments: TransStatus.allCases, ["%", #""%""#])
    func everyKnownStatusIsRead(status: TransStatus, form: String) throws {
        let value = form.replacing("%", with: String(status.rawValue))
        #expect(
            try answered(#"{"merchant_order_no":"R-1","trans_status":\#(value)}"#).report?.transaction.status
                == status.rawValue
        )
    }

    @Test(arguments: [
        "4", "-1", "1.5", "2.0", "2e0", "-0", "10", "22", #""2 ""#, #"" 2""#, #""+2""#, #""02""#, #""٢""#, #""0x2""#,
        "99999999999999999999999999", #""succeeded""#,
    ])
    func unknownStatusDecidesNothing(status: String) throws {
        let outcome = try answered(#"{"merchant_order_no":"R-1","trans_status":\#(status)}"#)
        #expect(outcome.kind == "inconclusive")
        #expect(outcome.problem?.hasPrefix("unknown trans_status ") == true)
    }

    @Test(arguments: ["true", "false", "null", "{}", "[2]", #"{"a":2}"#, #""""#, #"" ""#])
    func statusOfAnotherTypeIsNone(status: String) throws {
        let outcome = try answered(#"{"merchant_order_no":"R-1","trans_status":\#(status)}"#)
        #expect(outcome == .inconclusive(reason: "the gateway's answer has no trans_status"))
    }

    @Test func missingStatusDecidesNothing() throws {
        #expect(
            try answered(#"{"merchant_order_no":"R-1"}"#)
                == .inconclusive(reason: "the gateway's answer has no trans_status")
        )
    }

    @Test func statusBesideDataIsNotRead() throws {
        let answer = try SignedAnswer.text(
            #"{"code":"0","data":{"merchant_order_no":"R-1"},"merchant_order_no":"R-1","trans_status":2}"#
        )
        #expect(outcome(of: answer, for: try query()).kind == "inconclusive")
    }

    @Test func numbersBesideDataAreNotRead() throws {
        let answer = try SignedAnswer.text(#"{"code":"0","data":{"trans_status":2},"merchant_order_no":"R-1"}"#)
        #expect(outcome(of: answer, for: try query()).kind == "inconclusive")
    }

    @Test(arguments: [
        (#"{"merchant_order_no":"R-2","trans_status":2}"#, "is about merchant_order_no \"R-2\" instead of \"R-1\""),
        (#"{"merchant_order_no":"r-1","trans_status":2}"#, "is about merchant_order_no \"r-1\" instead of \"R-1\""),
        (#"{"merchant_order_no":"R-1 ","trans_status":2}"#, "is about merchant_order_no \"R-1 \" instead of \"R-1\""),
        (#"{"merchant_order_no":"","trans_status":2}"#, "does not repeat merchant_order_no \"R-1\""),
        (#"{"merchant_order_no":null,"trans_status":2}"#, "does not repeat merchant_order_no \"R-1\""),
        (#"{"merchant_order_no":["R-1"],"trans_status":2}"#, "does not repeat merchant_order_no \"R-1\""),
        (#"{"Merchant_order_no":"R-1","trans_status":2}"#, "does not repeat merchant_order_no \"R-1\""),
        (#"{"trans_no":"R-1","trans_status":2}"#, "does not repeat merchant_order_no \"R-1\""),
        (#"{"trans_status":2}"#, "does not repeat merchant_order_no \"R-1\""),
        ("{}", "does not repeat merchant_order_no \"R-1\""),
    ])
    func dataOfAnotherOrderDecidesNothing(data: String, reason: String) throws {
        #expect(try answered(data) == .inconclusive(reason: "the gateway's answer " + reason))
    }

    /// U+212A, the sign of kelvin, is equivalent to the letter K and so equal to it as a `String`.
    @Test func equivalentOrderNumberIsAnother() throws {
        #expect("\u{212A}-1" == "K-1")
        let data = "{\"merchant_order_no\":\"\u{212A}-1\",\"trans_status\":2}"
        #expect(try answered(data, order: "K-1").kind == "inconclusive")
    }

    @Test(arguments: [
        (#"{"merchant_order_no":"R-1","trans_no":"T-1","trans_status":2}"#, true),
        (#"{"merchant_order_no":"R-1","trans_no":"T-2","trans_status":2}"#, false),
        (#"{"merchant_order_no":"R-2","trans_no":"T-1","trans_status":2}"#, false),
        (#"{"merchant_order_no":"R-1","trans_status":2}"#, false),
        (#"{"trans_no":"T-1","trans_status":2}"#, false),
    ])
    func bothNumbersMustBeRepeated(data: String, isReport: Bool) throws {
        #expect((try answered(data, order: "R-1", transNo: "T-1").report != nil) == isReport)
    }

    @Test(arguments: [
        (#"{"trans_no":"411","trans_status":2}"#, true),
        (#"{"trans_no":411,"trans_status":2}"#, true),
        (#"{"trans_no":"411","merchant_order_no":"R-9","trans_status":2}"#, true),
        (#"{"trans_no":411.0,"trans_status":2}"#, false),
        (#"{"trans_no":4.11e2,"trans_status":2}"#, false),
        (#"{"trans_no":"412","trans_status":2}"#, false),
        (#"{"merchant_order_no":"411","trans_status":2}"#, false),
    ])
    func transactionNumberMustBeRepeatedExactly(data: String, isReport: Bool) throws {
        #expect((try answered(data, order: nil, transNo: "411").report != nil) == isReport)
    }

    @Test func anyTransactionNumberIsTakenWhereNoneIsKnown() throws {
        let report = try answered(#"{"merchant_order_no":"R-1","trans_no":"T-7","trans_status":0}"#).report
        #expect(report?.transaction.transNo == "T-7")
    }
}
