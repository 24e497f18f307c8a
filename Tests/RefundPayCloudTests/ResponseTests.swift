import RefundCore
import RefundTestSupport
import Testing

@testable import RefundHTTP
@testable import RefundPayCloud

/// What the status and the header fields of a response add to its body.
struct ResponseTests {
    // Friday, 3 January 2025, 02:58:20.708 GMT.
    private static let sentAt = Timestamp(milliseconds: 1_735_873_100_708)
    private static let refusal = #"{"code":"SYS002","msg":"[SYS002]the timestamp is outside the window"}"#

    private func outcome(
        _ status: Int,
        _ headers: [String] = [],
        _ body: String = "",
        duration: Duration = .zero
    ) throws -> QueryOutcome {
        var head = ResponseHead()
        for line in ["HTTP/1.1 \(status) X"] + headers { head.add(line.utf8) }
        let response = HTTPResponse(
            status: status,
            head: head,
            body: Array(body.utf8),
            duration: duration
        )
        let query = try query()
        return QueryOutcome(response, sentAt: Self.sentAt, clockWindow: GatewayClient.clockWindow) {
            GatewayAnswer.outcome(of: $0, for: query, appID: "wz1", verifiedBy: [SignedAnswer.gatewayPublicKey])
        }
    }

    // MARK: - Status

    @Test func unexpectedStatusShowsHowTheBodyBegins() throws {
        let page = "<html>\r\n  <title>Access\tdenied</title>\n" + String(repeating: "<p>x</p>", count: 1_000)
        let problem = try #require(try outcome(403, [], page).problem)
        let start = #"the gateway answered HTTP 403 instead of 200: "<html> <title>Access denied</title> <p>x</p>"#
        #expect(problem.hasPrefix(start))
        #expect(problem.count < 200)
        #expect(try outcome(502).problem == "the gateway answered HTTP 502 instead of 200")
        #expect(try outcome(503, [], "\u{0}\u{FFFD}\n").problem?.contains("\\u0000") == false)
    }

    @Test func redirectionShowsItsPlaceWithoutTokens() throws {
        let problem = try outcome(302, ["Location: https://login.example/in?token=t0psecret#x"]).problem
        #expect(
            problem
                == #"the gateway answered HTTP 302 instead of 200, redirecting to "https://login.example/in""#
        )
    }

    @Test(arguments: [400, 401, 403, 429, 500, 503])
    func refusalIsARefusalWithAnyStatus(status: Int) throws {
        let message = "the timestamp is outside the window"
        #expect(
            try outcome(status, [], Self.refusal)
                == .credentialsRefused(code: "SYS002", message: message, isVerified: false)
        )
        #expect(
            try outcome(status, [], SignedAnswer.text(Self.refusal))
                == .credentialsRefused(code: "SYS002", message: message, isVerified: true)
        )
    }

    @Test(arguments: [201, 400, 401, 403, 500, 503])
    func verdictCountsOnlyWithStatus200(status: Int) throws {
        let settled = try SignedAnswer.text(data: #"{"merchant_order_no":"R-1","trans_status":2}"#)
        #expect(try outcome(200, [], settled).report?.verdict == .settled)
        #expect(try outcome(status, [], settled).kind == "unreachable")
        #expect(try outcome(status, [], SignedAnswer.text(#"{"code":"E04111","msg":"no"}"#)).kind == "unreachable")
    }

    @Test(arguments: ["<html>login</html>", #"{"error":"SYS002"}"#, #"{"message":"E07303"}"#, #"["SYS002"]"#])
    func pageThatIsNoEnvelopeSaysNothingAboutCredentials(body: String) throws {
        for status in [200, 401, 403] { #expect(try outcome(status, [], body).kind != "credentials_refused") }
    }

    @Test(arguments: ["SYS003", "E04111", "ET002"])
    func unsignedAnswerShowsItsCode(code: String) throws {
        #expect(
            try outcome(200, [], #"{"code":"\#(code)","msg":"[\#(code)]no"}"#)
                == .unverified(reason: "the gateway's answer is not signed; it says \(code): no")
        )
    }

    // MARK: - Clock

    @Test(arguments: [
        ("Fri, 03 Jan 2025 03:40:20 GMT", -2_519, "42m behind"), ("Fri, 03 Jan 2025 03:13:22 GMT", -901, "15m behind"),
        ("Fri, 03 Jan 2025 02:43:19 GMT", 901, "15m ahead of"),
        ("Thu, 02 Jan 2025 02:58:20 GMT", 86_400, "24h ahead of"),
    ])
    func dateThatIsFarOffIsAHintWhereNothingIsVerified(date: String, seconds: Int, words: String) throws {
        let note = "(this machine's clock is \(words) the response's date)"
        for (status, body) in [(200, #"{"code":"0"}"#), (200, "<html>"), (400, ""), (503, "")] {
            let outcome = try outcome(status, ["Date: \(date)"], body)
            #expect(try outcome.kind == self.outcome(status, [], body).kind)
            #expect(outcome.clockOffset?.components.seconds == Int64(seconds))
            #expect(outcome.problem?.hasSuffix(note) == true)
        }
        let refused = try outcome(200, ["Date: \(date)"], Self.refusal)
        #expect(refused.kind == "credentials_refused" && refused.problem?.contains(note) == true)
    }

    @Test func verifiedAnswerIsBelievedWhateverItsDate() throws {
        let date = ["Date: Fri, 03 Jan 2020 02:58:20 GMT"]
        let settled = try SignedAnswer.text(data: #"{"merchant_order_no":"R-1","trans_status":2}"#)
        #expect(try outcome(200, date, settled) == outcome(200, [], settled))
        let unknown = try SignedAnswer.text(#"{"msg":"no","code":"E04111"}"#)
        #expect(try outcome(200, date, unknown) == outcome(200, [], unknown))
        let other = try outcome(200, date, SignedAnswer.text(#"{"msg":"no","code":"SYS999"}"#))
        #expect(other.kind == "inconclusive" && other.clockOffset == nil)
        #expect(other.problem?.contains("ahead of the response's date") == true)
    }

    @Test(arguments: ["Age: 0", "Age: 86400", "age:"])
    func cachedResponseIsNoHint(age: String) throws {
        let outcome = try outcome(502, ["Date: Fri, 03 Jan 2020 02:58:20 GMT", age])
        #expect(outcome == .unreachable(reason: "the gateway answered HTTP 502 instead of 200"))
    }

    @Test(arguments: [
        "Fri, 03 Jan 2025 03:13:20 GMT", "Fri, 03 Jan 2025 02:43:21 GMT", "Fri, 03 Jan 2025 02:58:20 GMT",
        "", "yesterday", "2020-01-03 02:58:20", "Fri, 31 Feb 2020 02:58:20 GMT", "Fri, 03 Jan 2020 02:58:20 CET",
        "Fri, 03 Jan 99999 02:58:20 GMT", "1577890000", "-1",
    ])
    func dateThatIsCloseOrUnreadableIsNoHint(date: String) throws {
        #expect(try outcome(400, ["Date: \(date)"]).clockOffset == nil)
    }

    @Test func durationOfAnExchangeIsNoClockOffset() throws {
        let outcome = try outcome(400, ["Date: Fri, 03 Jan 2025 03:58:20 GMT"], duration: .seconds(3_600))
        #expect(outcome.clockOffset == nil)
    }
}
