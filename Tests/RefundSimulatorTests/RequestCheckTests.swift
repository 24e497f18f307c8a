import RefundCore
import RefundCrypto
import Testing

@testable import RefundSimulator

struct RequestCheckTests {
    @Test
    func queryInOrderIsAnswered() throws {
        #expect(try TestGateway().answer().code == "0")
        #expect(try TestGateway().answer(to: TestQuery(.trans("411"))).code == "0")
    }

    @Test(arguments: [
        TestQuery().with("timestamp", .string("1764000000000")),
        TestQuery().with("timestamp", .number("1764000900000")),
        TestQuery().with("timestamp", .number("1763999100000")),
        TestQuery(.order("Aa0_-|*@xxxxxxxxxxxxxxxxxxxxxxxx")),
        TestQuery().with("store_no", .string("4021000637")),
        TestQuery().with("trans_no", .string("")),
        TestQuery().with("extra", .number("-5")),
    ])
    func variantsInOrderAreAnswered(query: TestQuery) throws {
        #expect(try TestAnswer(TestGateway().reply(to: query.signed())).code == "0")
    }

    @Test(arguments: [
        ("app_id", nil as JSONValue?, "SYS011"),
        ("method", nil, "SYS011"),
        ("format", nil, "SYS011"),
        ("charset", nil, "SYS011"),
        ("sign_type", nil, "SYS011"),
        ("version", nil, "SYS011"),
        ("timestamp", nil, "SYS011"),
        ("version", .string(""), "SYS011"),
        ("sign_type", .string("RSA"), "SYS011"),
        ("extra", .bool(true), "SYS011"),
        ("extra", .null, "SYS011"),
        ("extra", .number("1.0"), "SYS011"),
        ("extra", .number("1e3"), "SYS011"),
        ("extra", .object("{}"), "SYS011"),
        ("extra", .array("[]"), "SYS011"),
        ("app_id", .string("somebody"), "SYS002"),
        ("timestamp", .number("1764000900001"), "SYS002"),
        ("timestamp", .number("1763999099999"), "SYS002"),
        ("timestamp", .number("1764000000"), "SYS002"),
        ("timestamp", .string("yesterday...."), "SYS002"),
        ("timestamp", .number("-764000000000"), "SYS002"),
    ])
    func errorBeforeAuthenticationIsUnsignedUnlessTheBookSigns(name: String, value: JSONValue?, code: String) throws {
        let body = try TestQuery().with(name, value).signed()
        var book = ScenarioBook()
        for isSigned in [false, true] {
            book.signsEarlyErrors = isSigned
            let answer = try TestAnswer(TestGateway(book).reply(to: body))
            #expect(answer.code == code)
            #expect(answer.members["msg"]?.text?.hasPrefix("[\(code)]") == true)
            #expect(answer.members["data"] == nil)
            #expect(answer.isSigned == isSigned)
            #expect((answer.members["sign"] != nil) == isSigned)
        }
    }

    @Test(arguments: [
        "", "x", "[]", "{}", "{\"a\":1}x", "{\"app_id\":\"a\",\"app_id\":\"b\"}", "{\"app_id\":\"\u{1}\"}",
    ])
    func bodyThatIsNotOneObjectIsMalformed(text: String) throws {
        #expect(try TestAnswer(TestGateway().reply(to: Array(text.utf8))).code == "SYS011")
    }

    @Test
    func wrongSignatureIsRefused() throws {
        let good = TestQuery()
        let urlSafe = try good.signed().map { byte in
            switch byte {
            case UInt8(ascii: "+"): UInt8(ascii: "-")
            case UInt8(ascii: "/"): UInt8(ascii: "_")
            default: byte
            }
        }
        let bodies = [
            good.unsigned(),
            good.with("sign", .string("")).unsigned(),
            good.with("sign", .string("????")).unsigned(),
            try good.signed(by: TestQuery.wrongKey),
            urlSafe,
            Array(String(decoding: try good.signed(), as: UTF8.self).replacing("R-1", with: "R-2").utf8),
        ]
        for body in bodies { #expect(try TestAnswer(TestGateway().reply(to: body)).code == "SYS002") }
    }

    @Test(arguments: [
        (TestQuery(method: "order.query"), "E07303"),
        (TestQuery().with("merchant_no", nil), "SYS011"),
        (TestQuery().with("merchant_order_no", nil), "SYS011"),
        (TestQuery(.order("R 1")), "E04111"),
        (TestQuery(.order("Ä")), "E04111"),
        (TestQuery(.order("Aa0_-|*@xxxxxxxxxxxxxxxxxxxxxxxxx")), "E04111"),
        (TestQuery(.trans("a.b")), "E04110"),
    ])
    func errorAfterAuthenticationIsSigned(query: TestQuery, code: String) throws {
        let answer = try TestGateway().answer(to: query)
        #expect(answer.code == code)
        #expect(answer.isSigned)
    }

    @Test
    func onlyAcceptedQueriesAdvanceTheScenario() throws {
        let gateway = try TestGateway()
        for _ in 1...3 { _ = try gateway.reply(to: TestQuery().signed(by: TestQuery.wrongKey)) }
        #expect(try gateway.answer().data()["trans_status"] == .number("0"))
        #expect(try gateway.answer().data()["trans_status"] == .number("2"))
        #expect(gateway.gateway.refunds.all.map(\.queries) == [2])
    }

    @Test
    func keysChangeWhileTheGatewayRuns() throws {
        let test = try TestGateway()
        let (app, other) = (try #require(TestQuery.appKey), try #require(TestQuery.wrongKey))
        let query = TestQuery()
        #expect(try TestAnswer(test.reply(to: query.signed(by: other))).code != "0")
        test.gateway.use(SimulatorKeys(app: [try app.publicKey, try other.publicKey], gateway: other))
        for key in [app, other] {
            let answer = try TestAnswer(test.reply(to: query.signed(by: key)))
            #expect(answer.code == "0", "either key of the application will do")
            #expect(!answer.isSigned, "the old key of the gateway verifies it no more")
        }
        test.gateway.use(SimulatorKeys(app: [try other.publicKey], gateway: other))
        #expect(try TestAnswer(test.reply(to: query.signed(by: app))).code != "0")
    }
}
