import RefundCore
import RefundPayCloud
import RefundTestSupport
import Testing

struct UnreadableAnswerTests {
    private func outcome(of body: [UInt8]) throws -> QueryOutcome {
        GatewayAnswer.outcome(of: body, for: try query(), verifiedBy: [SignedAnswer.gatewayPublicKey])
    }

    @Test(arguments: [
        "<html><body><h1>503 Service Unavailable</h1></body></html>", "OK", "success", "null", "0", "true", "[]",
        #""x""#,
        "{", "}", "{]", #"{"code":"0""#, #"{"code":}"#, #"{"code":"0",}"#, #"{'code':'0'}"#, "{code:0}",
        #"{"code":01}"#,
        #"{"code":"0"}x"#, #"{"code":"0"}{"code":"0"}"#, #"[{"code":"0"}]"#, " ", "\u{FEFF}\u{FEFF}{}",
        #"{"code":+0}"#, #"{"code":.5}"#, #"{"code":NaN}"#,
    ])
    func whatIsNotAnObjectIsNoAnswer(body: String) throws {
        let outcome = try outcome(of: Array(body.utf8))
        #expect(outcome.kind == "unreachable")
        #expect(outcome.problem?.hasPrefix("the gateway's answer is not a JSON object: ") == true)
    }

    @Test func emptyBodyIsNoAnswer() throws {
        #expect(try outcome(of: []) == .unreachable(reason: "the gateway's answer is empty"))
    }

    @Test func reasonShowsHowTheBodyBegins() throws {
        let page = "<html>\n" + String(repeating: "<p>\"x\"</p>", count: 10_000)
        let problem = try #require(try outcome(of: Array(page.utf8)).problem)
        #expect(problem.contains(#"expected an object at byte 0 of "<html> <p>\"x\"</p>"#))
        #expect(problem.count <= 301)
    }

    @Test(arguments: [
        [0xFF], [0x7B, 0x22, 0xC3, 0x28, 0x22, 0x7D], [0xED, 0xA0, 0x80], [0x00], [0x1F, 0x8B, 0x08, 0x00],
    ])
    func whatIsNotUTF8IsNoAnswer(body: [UInt8]) throws {
        #expect(try outcome(of: body).kind == "unreachable")
    }

    @Test func invalidByteInASignedAnswerIsNoAnswer() throws {
        let data = #"{"merchant_order_no":"R-1","trans_status":2}"#
        var body = Array(try SignedAnswer.text(data: data).utf8)
        body.insert(0x80, at: 9)
        #expect(try outcome(of: body).kind == "unreachable")
    }

    @Test func truncatedAnswerIsNoAnswer() throws {
        let body = Array(try SignedAnswer.text(data: #"{"merchant_order_no":"R-1","trans_status":2}"#).utf8)
        #expect(try outcome(of: body).kind == "report")
        for length in body.indices.dropFirst() {
            #expect(try outcome(of: Array(body[..<length])).kind == "unreachable")
        }
    }

    @Test(arguments: [("[", "]"), (#"{"a":"#, "}")])
    func deepNestingIsNoAnswer(open: String, close: String) throws {
        for depth in [65, 1_000, 30_000] {
            let nested = String(repeating: open, count: depth) + "0" + String(repeating: close, count: depth)
            #expect(try outcome(of: Array(#"{"code":"0","data":\#(nested)}"#.utf8)).kind == "unreachable")
        }
    }

    @Test func deepNestingInsideSignedDataDecidesNothing() throws {
        let nested = String(repeating: "[", count: 30_000) + String(repeating: "]", count: 30_000)
        let data = JSONWriter.quoted(#"{"merchant_order_no":"R-1","trans_status":2,"x":\#(nested)}"#)
        #expect(try outcome(of: Array(try SignedAnswer.text(data: data).utf8)).kind == "inconclusive")
    }

    @Test func hugeNumbersAreOnlyText() throws {
        let digits = String(repeating: "9", count: 50_000)
        for number in [digits, "-" + digits, "1e" + digits, "0." + digits] {
            let data = #"{"merchant_order_no":"R-1","trans_status":\#(number)}"#
            let outcome = try outcome(of: Array(try SignedAnswer.text(data: data).utf8))
            #expect(outcome.kind == "inconclusive")
            #expect(try #require(outcome.problem).count < 200)
        }
    }

    @Test func hugeNumberAsCodeDecidesNothing() throws {
        let answer = try SignedAnswer.text(#"{"code":1\#(String(repeating: "0", count: 50_000))}"#)
        #expect(try outcome(of: Array(answer.utf8)).kind == "inconclusive")
    }
}
