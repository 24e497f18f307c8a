import RefundCore
import RefundPayCloud
import RefundTestSupport
import Testing

/// Whatever happens to the bytes of a signed answer, nothing is believed that the gateway did not sign.
struct AnswerMutationTests {
    private static let bodies = [
        #"{"merchant_order_no":"R-1","trans_no":"T-1","trans_status":0,"trans_amount":"12.5","price_currency":"JPY"}"#,
        #"{ "trans_status" : 2 , "merchant_order_no":"R-1","trans_amount": 1.00, "x":[null,{"y":"\u6b8b \\ \""}] }"#,
    ]
    /// Bytes that mean something in an answer, so that mutants stay close to well-formed ones.
    private static let alphabet =
        Array(#"{}[]":,\ 0123456789eE+-.tfnudR8csign_ABC=&/?"#.utf8) + [0x00, 0x0A, 0x80, 0xC3, 0xEF, 0xBB, 0xBF, 0xFF]

    @Test(arguments: [1, 2, 3] as [UInt64], [false, true])
    func mutatedAnswerIsNeverBelievedUnlessItSaysTheSame(seed: UInt64, isString: Bool) throws {
        var random = SplitMix64(seed: seed)
        for data in Self.bodies {
            let text = try SignedAnswer.text(data: isString ? JSONWriter.quoted(data) : data)
            let original = Array(text.utf8)
            let signed = SigningString.bytes(of: try JSONObject(parsing: original))
            let report = try #require(outcome(of: original).report)
            for _ in 0..<700 {
                var body = original
                for _ in 0..<Int.random(in: 1...3, using: &random) { Self.mutate(&body, using: &random) }
                guard let believed = try outcome(of: body).report else { continue }
                #expect(SignedAnswer.signingStrings(of: body).contains(signed))
                #expect(believed == report)
            }
        }
    }

    @Test func mutationsThatChangeNothingAreBelieved() throws {
        let text = try SignedAnswer.text(data: Self.bodies[0])
        #expect(try outcome(of: Array(text.replacing(#","psn""#, with: "\n,\t\"psn\"").utf8)).report != nil)
        #expect(try outcome(of: Array(text.replacing(#""SUCCESS""#, with: #""\u0053UCCESS""#).utf8)).report != nil)
    }

    @Test(arguments: [4, 5] as [UInt64])
    func mutatedRefusalNeverBecomesAnUnknownOrder(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let original = Array(try SignedAnswer.text(#"{"code":"E07303","msg":"[E07303]no","psn":"P-1"}"#).utf8)
        for _ in 0..<1_000 {
            var body = original
            Self.mutate(&body, using: &random)
            let kind = try outcome(of: body).kind
            #expect(kind != "report" && kind != "not_found")
        }
    }

    private func outcome(of body: [UInt8]) throws -> QueryOutcome {
        GatewayAnswer.outcome(of: body, for: try query(), verifiedBy: [SignedAnswer.gatewayPublicKey])
    }

    private static func mutate(_ body: inout [UInt8], using random: inout SplitMix64) {
        let index = Int.random(in: 0..<body.count, using: &random)
        let byte = alphabet[Int.random(in: 0..<alphabet.count, using: &random)]
        switch Int.random(in: 0..<6, using: &random) {
        case 0: body[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 1: body[index] = byte
        case 2: body.insert(byte, at: index)
        case 3: body.remove(at: index)
        case 4: body.swapAt(index, Int.random(in: 0..<body.count, using: &random))
        default:
            let piece = body[index..<min(body.count, index + Int.random(in: 1...30, using: &random))]
            body.insert(contentsOf: Array(piece), at: Int.random(in: 0...body.count, using: &random))
        }
    }
}
