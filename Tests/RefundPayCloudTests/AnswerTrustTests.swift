import RefundCore
import RefundCrypto
import RefundPayCloud
import RefundTestSupport
import Testing

struct AnswerTrustTests {
    private static let members =
        #"{"code":"0","msg":"SUCCESS","psn":"P-1","data":{"merchant_order_no":"R-1","trans_status":2}}"#

    private func outcome(of answer: String, keys: [RSAPublicKey]) throws -> QueryOutcome {
        GatewayAnswer.outcome(of: Array(answer.utf8), for: try query(), verifiedBy: keys)
    }

    private func outcome(of answer: String) throws -> QueryOutcome {
        try outcome(of: answer, keys: [SignedAnswer.gatewayPublicKey])
    }

    @Test func eitherOfTwoKeysVerifies() throws {
        let keys = [SignedAnswer.gatewayPublicKey, SignedAnswer.wrongPublicKey]
        for signer in [SignedAnswer.gatewayKey, SignedAnswer.wrongKey] {
            let answer = try SignedAnswer.text(Self.members, signedWith: signer)
            #expect(try outcome(of: answer, keys: keys).kind == "report")
            #expect(try outcome(of: answer, keys: keys.reversed()).kind == "report")
        }
    }

    @Test func thirdKeyVerifiesNothing() throws {
        let keys = [SignedAnswer.gatewayPublicKey, SignedAnswer.wrongPublicKey]
        let answer = try SignedAnswer.text(Self.members, signedWith: SignedAnswer.appKey)
        let reason = "the gateway's answer is signed by none of the configured public keys"
        #expect(try outcome(of: answer, keys: keys) == .unverified(reason: reason))
        #expect(try outcome(of: answer, keys: []) == .unverified(reason: reason))
    }

    @Test(arguments: ["null", #""""#, "7", "true", "{}", "[]"])
    func signOfAnotherTypeIsNone(sign: String) throws {
        let answer = Self.members.dropLast() + #","sign":\#(sign)}"#
        #expect(try outcome(of: String(answer)) == .unverified(reason: "the gateway's answer is not signed"))
    }

    @Test func signIsNotFoundUnderAnotherName() throws {
        let answer = try SignedAnswer.text(Self.members)
        for name in ["SIGN", "Sign", "sign ", "signature"] {
            let renamed = answer.replacing(#""sign":"#, with: "\"\(name)\":")
            #expect(try outcome(of: renamed) == .unverified(reason: "the gateway's answer is not signed"))
        }
    }

    @Test func signInsideDataDoesNotCount() throws {
        let signed = try SignedAnswer.text(#"{"merchant_order_no":"R-1","trans_status":2}"#)
        #expect(try outcome(of: #"{"code":"0","data":\#(signed)}"#).kind == "unverified")
    }

    @Test func signIsStrictBase64() throws {
        let answer = try SignedAnswer.text(Self.members)
        let signature = String(try #require(answer.components(after: #""sign":""#)).prefix { $0 != "\"" })
        #expect(signature.count == 344)
        let urlSafe = signature.replacing("+", with: "-").replacing("/", with: "_")
        let bad = [
            signature + "=", String(signature.dropLast()), String(signature.dropLast(2)), " " + signature,
            signature + "\\n", signature.prefix(76) + "\\r\\n" + signature.dropFirst(76), "=", "%%%%",
            urlSafe == signature ? "-_-_" : urlSafe,
        ]
        for text in bad {
            let changed = answer.replacing(signature, with: text)
            #expect(
                try outcome(of: changed) == .unverified(reason: "sign in the gateway's answer is not base64")
            )
        }
    }

    @Test(arguments: ["AAAA", "AA==", String(repeating: "A", count: 344), String(repeating: "A", count: 100_000)])
    func wrongSignatureOfAnyLengthVerifiesNothing(signature: String) throws {
        let answer = Self.members.dropLast() + #","sign":"\#(signature)"}"#
        #expect(try outcome(of: String(answer)).kind == "unverified")
    }

    @Test func membersThatAreNotSignedMayCome() throws {
        let answer = try SignedAnswer.text(Self.members)
        for extra in [#""reserved":null"#, #""sub_msg":"""#, #""SIGN":"x""#] {
            #expect(try outcome(of: "{\(extra),\(answer.dropFirst())").kind == "report")
        }
    }

    @Test func orderAndBlanksDoNotMatter() throws {
        let answer = try SignedAnswer.text(Self.members)
        let sign = try #require(answer.components(after: #""sign":"#)).dropLast()
        let other = """
            {"sign" : \(sign) ,
             "data":{"merchant_order_no":"R-1","trans_status":2},\t"psn":"P-1", "msg":"SUCCESS","code":"0"}

            """
        #expect(try outcome(of: other).kind == "report")
    }

    /// Values are joined unescaped, so members can be cut out of one signing string in more than one way.
    @Test func anotherReadingOfASignedStringIsNotBelieved() throws {
        let data = #"{"merchant_order_no":"R-1","trans_status":2}"#
        let answer = try SignedAnswer.text(Self.members)
        let sign = try #require(answer.components(after: #""sign":"#)).dropLast()
        let quoted = JSONWriter.quoted(data)
        let readings = [
            #"{"code":\#(JSONWriter.quoted("0&data=\(data)&msg=SUCCESS")),"psn":"P-1","sign":\#(sign)}"#,
            #"{"code":"0","data":\#(JSONWriter.quoted("\(data)&msg=SUCCESS")),"psn":"P-1","sign":\#(sign)}"#,
            #"{"code":"0",\#(JSONWriter.quoted("data=\(data)&msg")):"SUCCESS","psn":"P-1","sign":\#(sign)}"#,
            #"{\#(JSONWriter.quoted("code=0&data")):\#(quoted),"msg":"SUCCESS","psn":"P-1","sign":\#(sign)}"#,
        ]
        let signed = SigningString.bytes(of: try JSONObject(parsing: answer))
        for reading in readings {
            #expect(SigningString.bytes(of: try JSONObject(parsing: reading)) == signed)
            #expect(try outcome(of: reading).kind == "inconclusive")
        }
    }

    @Test(arguments: ["code", "data", "sign", "msg", "c\\u006fde"])
    func repeatedMemberIsNotBelieved(name: String) throws {
        let answer = try SignedAnswer.text(Self.members)
        for changed in [#"{"\#(name)":"0",\#(answer.dropFirst())"#, #"\#(answer.dropLast()),"\#(name)":"E07303"}"#] {
            let outcome = try outcome(of: changed)
            let shown = name == "c\\u006fde" ? "code" : name
            #expect(outcome.kind == "unverified")
            #expect(outcome.problem?.contains("member \"\(shown)\" is repeated") == true)
        }
    }

    @Test func repeatedMemberInsideDataIsNotBelieved() throws {
        let answer = try SignedAnswer.text(Self.members)
        let changed = answer.replacing(#""trans_status":2"#, with: #""trans_status":0,"trans_status":2"#)
        let outcome = try outcome(of: changed)
        #expect(outcome.kind == "unverified")
        #expect(outcome.problem?.contains(#"member "trans_status" is repeated"#) == true)
    }

    @Test func longNameThatStandsTwiceStillMakesAShortReason() throws {
        let name = String(repeating: "n", count: 10_000)
        let outcome = try outcome(of: #"{"\#(name)":1,"\#(name)":2}"#)
        #expect(outcome.kind != "report")
        #expect(try #require(outcome.problem).count <= 301)
    }
}

extension String {
    /// What follows the first occurrence of a text.
    fileprivate func components(after text: String) -> Substring? {
        firstRange(of: text).map { self[$0.upperBound...] }
    }
}
