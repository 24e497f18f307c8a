import RefundCore
import RefundCrypto
import RefundPayCloud
import RefundTestSupport
import Testing

struct GatewayRequestTests {
    private static let now = Timestamp(milliseconds: 1_735_873_100_708)

    private func request(order: String?, transNo: String? = nil) throws -> GatewayRequest {
        GatewayRequest(try query(order: order, transNo: transNo), appID: "wz715fc0d10ee9d156", at: Self.now)
    }

    @Test func queryByOrderNumberIsTheVectors() throws {
        let vector = try #require(SigningVectors.requests.first { $0.name == "generated-app-key-refund-query" })
        let request = try request(order: "TEST_REFUND_1735873100708")
        #expect(request.signingString == Array(vector.canonical.utf8))
        let signature = try SignedAnswer.appKey.signature(of: request.signingString)
        #expect(Base64.encoded(signature) == vector.signature)
        let body = "\(vector.rawJSON.dropLast()),\"sign\":\"\(vector.signature)\"}"
        #expect(String(decoding: request.body(signature: signature), as: UTF8.self) == body)
    }

    @Test func queryByTransactionNumberIsTheVectors() throws {
        let vector = try #require(SigningVectors.requests.first { $0.name == "refund-query-empty-and-null-excluded" })
        let request = try request(order: nil, transNo: "41125010300000123456")
        #expect(request.signingString == Array(vector.canonical.utf8))
    }

    @Test func ofBothNumbersOnlyTheOrderNumberIsSent() throws {
        let body = try request(order: "R-1", transNo: "T-1").body(signature: [1])
        let object = try JSONObject(parsing: body)
        #expect(object["merchant_order_no"] == .string("R-1"))
        #expect(object["trans_no"] == nil)
    }

    @Test(arguments: [("R-1", nil), (nil, "T-1"), ("_-|*@aZ09", "T-1")] as [(String?, String?)])
    func everyValueIsAStringThatIsNotEmpty(order: String?, transNo: String?) throws {
        let body = try request(order: order, transNo: transNo).body(signature: [1, 2, 3])
        let members = try JSONObject(parsing: body).members
        #expect(members.count == 10)
        for member in members {
            guard case .string(let text) = member.value else {
                Issue.record("\(member.name) is not a string")
                continue
            }
            #expect(!text.isEmpty)
        }
        #expect(members.last?.name == "sign")
    }

    @Test func emptyMerchantNumberIsLeftOut() throws {
        var query = try query()
        query.merchantNo = ""
        let request = GatewayRequest(query, appID: "A", at: Self.now)
        #expect(try JSONObject(parsing: request.body(signature: [1]))["merchant_no"] == nil)
    }

    @Test func textIsEscapedInTheBodyOnly() throws {
        let request = GatewayRequest(try query(), appID: "a\"\\\n返", at: Self.now)
        #expect(String(decoding: request.signingString, as: UTF8.self).hasPrefix("app_id=a\"\\\n返&charset=UTF-8&"))
        let object = try JSONObject(parsing: request.body(signature: [1]))
        #expect(SigningString.bytes(of: object) == request.signingString)
    }

    @Test(arguments: [Int64.min, -1, 0, Int64.max])
    func oddClockIsOnlyText(milliseconds: Int64) throws {
        let now = Timestamp(milliseconds: milliseconds)
        let body = GatewayRequest(try query(), appID: "A", at: now).body(signature: [1])
        #expect(try JSONObject(parsing: body)["timestamp"] == .string(String(milliseconds)))
    }
}
