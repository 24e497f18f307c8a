import RefundCore
import RefundPayCloud
import RefundTestSupport
import Testing

struct AnswerCodeTests {
    private static let report = #""data":{"merchant_order_no":"R-1","trans_status":2}"#

    @Test(arguments: [#""0""#, "0"])
    func zeroIsSuccess(code: String) throws {
        let answer = try SignedAnswer.text(#"{"code":\#(code),\#(Self.report)}"#)
        let outcome = outcome(of: answer, for: try query())
        #expect(outcome.report == GatewayReport(.settled))
        #expect(outcome.evidence?.code == "0")
    }

    @Test(arguments: [
        #""00""#, #""SUCCESS""#, #""200""#, #""000""#, "200", #""-0""#, "-0", "0e0", #""E04112""#, #""e04111""#,
        #""E0411""#,
        #""E041110""#, #""SYS001""#, #""SYS0020""#, #""sys002""#, #""e07303""#, #""ET007""#, #""119""#, "119",
        #""CLI004""#,
    ])
    func anyOtherCodeDecidesNothing(code: String) throws {
        let answer = try SignedAnswer.text(#"{"code":\#(code),"msg":"does not exist",\#(Self.report)}"#)
        let text = code.filter { $0 != "\"" }
        #expect(
            outcome(of: answer, for: try query())
                == .inconclusive(reason: "the gateway answered \(text): does not exist")
        )
    }

    @Test(arguments: [
        #""0 ""#, #"" 0""#, #""""#, "null", "true", "{}", #"["0"]"#, "0.0", "1e+9", #""٠""#, #""E04111 ""#,
        #""E07303\n""#,
        #""E07303&msg=x""#, #""E0730300000000000000000000000000000""#,
    ])
    func malformedCodeDecidesNothing(code: String) throws {
        let answer = try SignedAnswer.text(#"{"code":\#(code),\#(Self.report)}"#)
        #expect(
            outcome(of: answer, for: try query())
                == .inconclusive(reason: "code in the gateway's answer is missing or malformed")
        )
    }

    @Test func missingCodeDecidesNothing() throws {
        let answer = try SignedAnswer.text(#"{"msg":"SUCCESS",\#(Self.report)}"#)
        #expect(outcome(of: answer, for: try query()).kind == "inconclusive")
    }

    @Test(arguments: ["E04111", "E04110", "ET002", "ET003", "M010"])
    func unknownOrderIsNotFound(code: String) throws {
        let answer = try SignedAnswer.text(#"{"code":"\#(code)","msg":"[\#(code)]No order","psn":"P-2"}"#)
        let evidence = Evidence(code: code, psn: "P-2", response: Array(answer.utf8))
        #expect(outcome(of: answer, for: try query()) == .notFound(message: "No order", evidence))
    }

    @Test(arguments: ["SYS002", "SYS011", "E07303", "E07", "E07999"])
    func signedRefusalIsVerified(code: String) throws {
        let answer = try SignedAnswer.text(#"{"code":"\#(code)","msg":"does not exist"}"#)
        #expect(
            outcome(of: answer, for: try query())
                == .credentialsRefused(code: code, message: "does not exist", isVerified: true)
        )
    }

    @Test(arguments: ["SYS002", "SYS011", "E07303"])
    func refusalIsHeededThoughItDoesNotVerify(code: String) throws {
        let members = #"{"code":"\#(code)","msg":"[\#(code)]no","data":null}"#
        let answers = [
            members, members.dropLast() + #","sign":""}"#, members.dropLast() + #","sign":"AAAA"}"#,
            members.dropLast() + #","sign":7}"#, try SignedAnswer.text(members, signedWith: SignedAnswer.wrongKey),
        ]
        for answer in answers {
            #expect(
                outcome(of: answer, for: try query())
                    == .credentialsRefused(code: code, message: "no", isVerified: false)
            )
        }
    }

    @Test(arguments: ["0", "E04111", "E04112", "SYS003", "ET002", "E07303&x=y"])
    func noOtherCodeIsHeededUnlessItVerifies(code: String) throws {
        let answer = #"{"code":"\#(code)","msg":"E07303 SYS002",\#(Self.report)}"#
        #expect(outcome(of: answer, for: try query()).kind == "unverified")
    }

    @Test func messagesAreShortAndOnOneLine() throws {
        let words = String(repeating: "x", count: 100_000)
        let answer = try SignedAnswer.text(#"{"code":"E04112","msg":"a\nb\#(words)"}"#)
        let problem = try #require(outcome(of: answer, for: try query()).problem)
        #expect(problem.hasPrefix("the gateway answered E04112: a bxxx"))
        #expect(problem.count < 300)
    }

    @Test(arguments: ["null", #""""#, "[]"])
    func missingMessageIsReported(message: String) throws {
        let answer = try SignedAnswer.text(#"{"code":"E04112","msg":\#(message)}"#)
        #expect(
            outcome(of: answer, for: try query())
                == .inconclusive(reason: "the gateway answered E04112: no message")
        )
    }

    @Test(arguments: [
        "null", "true", "2", #""""#, #"" ""#, #""x""#, "[]", #"[{"merchant_order_no":"R-1","trans_status":2}]"#,
        #""[]""#, #""{}{}""#, #""{\"merchant_order_no\":\"R-1\",\"trans_status\":2}{\"trans_status\":2}""#,
        #""{\"merchant_order_no\":\"R-1\",\"trans_status\":2}&msg=x""#,
        #""{\"merchant_order_no\":\"R-1\",\"trans_status\":0,\"trans_status\":2}""#,
        #""\"{}\"""#, #""{\"merchant_order_no\":\"R-1\",\"trans_status\":2""#,
    ])
    func successWithoutOneObjectDecidesNothing(data: String) throws {
        let outcome = outcome(of: try SignedAnswer.text(data: data), for: try query())
        #expect(outcome.kind == "inconclusive")
        #expect(outcome.problem?.contains("data") == true)
    }

    @Test func successWithoutDataDecidesNothing() throws {
        let answer = try SignedAnswer.text(#"{"code":"0","msg":"SUCCESS"}"#)
        #expect(
            outcome(of: answer, for: try query()) == .inconclusive(reason: "the gateway's answer has no data")
        )
    }
}
