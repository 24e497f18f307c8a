import RefundCore
import RefundPayCloud
import RefundTestSupport
import Testing

struct AnswerFieldTests {
    private func report(_ fields: String) throws -> GatewayReport? {
        let data = #"{"merchant_order_no":"R-1","trans_status":1,\#(fields)}"#
        return outcome(of: try SignedAnswer.text(data: data), for: try query()).report
    }

    @Test(arguments: [
        (#""81""#, "81"), (#""12.50""#, "12.50"), ("12.50", "12.50"), ("1200", "1200"), ("1E+3", "1000"),
        ("1.2E+3", "1200"), (#""1E+2""#, "100"), ("12.5e0", "12.5"), (#""12500E-3""#, "12.5"), ("0E-8", "0"),
        ("0.10000000000000000000000000001", "0.10000000000000000000000000001"), ("-12.5", "-12.5"),
    ])
    func amountsAreKeptAsPlainDecimals(value: String, text: String) throws {
        #expect(try report(#""trans_amount":\#(value)"#)?.transaction.amount == text)
    }

    @Test(arguments: [
        (#""twelve""#, "twelve"), ("1E+1000000", "1E+1000000"),
        ("1e-99999999999999999999", "1e-99999999999999999999"), (#""1E""#, "1E"), (#""1,200""#, "1,200"),
        (#""0x10""#, "0x10"), (#""1200\u0000""#, "1200 "), (#""∞""#, "∞"), (#""١٢""#, "١٢"), (#""+5""#, "+5"),
        (#""1200 JPY""#, "1200 JPY"),
    ])
    func unreadableAmountIsKeptOnlyForMessages(value: String, text: String) throws {
        let report = try #require(try report(#""trans_amount":\#(value)"#))
        #expect(report.transaction == GatewayReport(.failed).transaction)
        #expect(report.unreadableAmount == "\"\(text)\"")
    }

    @Test(arguments: [("true", #""true""#), ("[12.5]", #""[12.5]""#), (#"{"a":1}"#, #""{\"a\":1}""#)])
    func amountOfAnotherTypeIsUnreadable(value: String, text: String) throws {
        let report = try #require(try report(#""trans_amount":\#(value)"#))
        #expect(report.transaction.amount == nil)
        #expect(report.unreadableAmount == text)
    }

    @Test(arguments: ["null", #""""#, #""  ""#])
    func blankAmountIsNone(value: String) throws {
        #expect(try report(#""trans_amount":\#(value)"#) == GatewayReport(.failed))
    }

    /// SQLite's text functions end at U+0000 and JSON's strings do not: row, ledger and event must not differ.
    @Test func controlCharactersReachNeitherRowNorEvent() throws {
        let names = ["price_currency", "trans_no", "orig_trans_no", "pay_channel_trans_no", "trans_error_code"]
        for name in names + ["trans_error_msg"] {
            let report = try #require(try report(#""\#(name)":"a\u0000b\u001f\u2028c""#))
            let texts = [
                report.transaction.currency, report.transaction.transNo, report.transaction.origTransNo,
                report.transaction.payChannelTransNo, report.failure?.message,
                report.failure?.code == "closed" ? nil : report.failure?.code,
            ]
            #expect(texts.compactMap { $0 } == ["a b  c"], "\(name)")
        }
        let answer = try SignedAnswer.text(
            #"{"code":"0","psn":"P\u00001","data":{"merchant_order_no":"R-1","trans_status":2}}"#
        )
        #expect(outcome(of: answer, for: try query()).evidence?.psn == "P 1")
    }

    @Test func echoedOrderAmountIsNotTheAmount() throws {
        #expect(try report(#""order_amount":"81""#) == GatewayReport(.failed))
    }

    @Test(arguments: [
        "price_currency", "trans_end_time", "trans_no", "orig_trans_no", "pay_channel_trans_no",
        "trans_error_code", "trans_error_msg",
    ])
    func blankAndOddValuesAreNone(name: String) throws {
        for value in ["null", #""""#, #""  ""#, #""\u3000\n""#, "true", "{}", #"["x"]"#, #"{"x":"1"}"#] {
            #expect(try report(#""\#(name)":\#(value)"#) == GatewayReport(.failed))
        }
    }

    @Test(
        arguments: [
            (#""2025-01-03 02:58:21""#, Timestamp(milliseconds: 1_735_873_101_000)),
            (#""2025-01-03T02:58:21Z""#, nil), (#""2025-01-03""#, nil), (#""2025-02-30 00:00:00""#, nil),
            (#""soon""#, nil), ("1735873101000", nil),
        ] as [(String, Timestamp?)]
    )
    func endIsReadInTheDocumentedFormOnly(value: String, end: Timestamp?) throws {
        let report = try #require(try report(#""trans_end_time":\#(value)"#))
        #expect(report.transaction.endAt == end)
    }

    @Test func identifierThatIsTooLongIsLeftOut() throws {
        let longest = String(repeating: "9", count: 512)
        #expect(try report(#""orig_trans_no":"\#(longest)""#)?.transaction.origTransNo == longest)
        #expect(try report(#""orig_trans_no":"\#(longest)9""#) == GatewayReport(.failed))
        #expect(try report(#""orig_trans_no":\#(longest)9"#) == GatewayReport(.failed))
    }

    @Test func longMessageIsCut() throws {
        let words = String(repeating: "返", count: 513)
        let message = try report(#""trans_error_msg":"\#(words)""#)?.failure?.message
        #expect(message == String(words.dropLast()) + "…")
    }

    @Test func characterOfBoundlessLengthIsCut() throws {
        let text = "e" + String(repeating: "\u{301}", count: 10_000)
        #expect(text.count == 1)
        let message = try #require(try report(#""trans_error_msg":"\#(text)""#)?.failure?.message)
        #expect(message.unicodeScalars.count == 513)
    }

    @Test func messageStaysOnOneLine() throws {
        #expect(try report(#""trans_error_msg":"a\r\nb\u0000c\u001b[2J""#)?.failure?.message == "a  b c [2J")
    }

    @Test func psnIsTextOrNumber() throws {
        let data = #"{"merchant_order_no":"R-1","trans_status":2}"#
        for (psn, text) in [(#""P-1""#, "P-1"), ("173", "173"), ("null", nil), ("[]", nil), (#""""#, nil)]
            as [(String, String?)]
        {
            let answer = try SignedAnswer.text(#"{"code":"0","psn":\#(psn),"data":\#(data)}"#)
            let evidence = try #require(outcome(of: answer, for: try query()).evidence)
            #expect(evidence == Evidence(code: "0", psn: text, response: Array(answer.utf8)))
        }
    }
}
