import RefundCore
import RefundCrypto
import RefundPayCloud
import RefundTestSupport
import Testing

/// Answers whose packaging is unusual but whose signed text is clear.
struct AnswerWrappingTests {
    private static let data = #"{"merchant_order_no":"R-1","trans_status":2,"trans_error_msg":"%"}"#

    /// An answer with the member `data` as it stands on the wire; `signed` is the text that the gateway signs for it.
    private func answer(data wire: String, signedAs signed: String) throws -> String {
        let text = Array("code=0&data=\(signed)&psn=P-1".utf8)
        let signature = Base64.encoded(try SignedAnswer.gatewayKey.signature(of: text))
        return #"{"code":"0","data":\#(wire),"psn":"P-1","sign":"\#(signature)"}"#
    }

    private func verdict(of answer: String) throws -> GatewayVerdict? {
        outcome(of: answer, for: try query()).report?.verdict
    }

    @Test func byteOrderMarkBeforeAnAnswerIsIgnored() throws {
        let answer = "\u{FEFF}" + (try SignedAnswer.text(data: Self.data))
        let outcome = outcome(of: answer, for: try query())
        #expect(outcome.report?.verdict == .settled)
        #expect(outcome.evidence?.response == Array(answer.utf8), "the evidence is the response as it arrived")
    }

    @Test func byteOrderMarkInsideDataIsIgnored() throws {
        #expect(try verdict(of: SignedAnswer.text(data: JSONWriter.quoted("\u{FEFF}" + Self.data))) == .settled)
    }

    @Test(arguments: ["\u{0}", "\u{1}", "\t", "\n", "\r\n", "\u{8}", "\u{1F}", "\u{7F}"])
    func rawControlCharactersInsideDataAreRead(character: String) throws {
        let data = Self.data.replacing("%", with: character)
        #expect(try verdict(of: SignedAnswer.text(data: JSONWriter.quoted(data))) == .settled)
        #expect(try verdict(of: answer(data: data, signedAs: data)) == .settled)
    }

    @Test(arguments: ["\u{0}", "\n", "\u{1F}"])
    func rawControlCharactersInTheEnvelopeAreRead(character: String) throws {
        let answer = try SignedAnswer.text(#"{"code":"0","msg":"a\n","data":\#(Self.data)}"#)
        #expect(try verdict(of: answer.replacing(#"a\n"#, with: "a\n")) == .settled)
        let inner = Self.data.replacing("%", with: character)
        let raw = "\"" + inner.replacing(#"""#, with: #"\""#) + "\""
        #expect(try verdict(of: self.answer(data: raw, signedAs: inner)) == .settled)
    }

    @Test(arguments: [#"\ud800"#, #"\udc00"#, #"\ud800\ud800"#, #"\ud83dx"#, #"\ud800\n"#, #"\uDBFF\u0041"#])
    func unpairedSurrogatesInsideDataAreRead(escape: String) throws {
        let data = Self.data.replacing("%", with: escape)
        #expect(try verdict(of: SignedAnswer.text(data: JSONWriter.quoted(data))) == .settled)
        #expect(try verdict(of: answer(data: data, signedAs: data)) == .settled)
    }

    /// Java encodes an unpaired surrogate as a question mark, most others as U+FFFD, and signs that.
    @Test(arguments: ["?", "\u{FFFD}"])
    func unpairedSurrogatesInTheEnvelopeAreReadAsTheyWereSigned(replacement: String) throws {
        let inner = Self.data.replacing("%", with: "x" + replacement)
        let wire = JSONWriter.quoted(inner).replacing("x" + replacement, with: #"x\ud800"#)
        #expect(try verdict(of: answer(data: wire, signedAs: inner)) == .settled)
    }

    @Test func tolerantReadingBelievesNothingThatWasNotSigned() throws {
        let inner = Self.data.replacing("%", with: "x?")
        let answer = try answer(data: JSONWriter.quoted(inner), signedAs: inner)
        for other in [#"x\ud800?"#, "x", "x\n?", "x\u{0}", #"x\ufffd"#, "x?\u{FEFF}"] {
            #expect(try verdict(of: answer.replacing("x?", with: other)) == nil)
        }
        #expect(outcome(of: answer.replacing("x?", with: "x\u{0}"), for: try query()).kind == "unverified")
    }

    @Test func surrogatesThatMakeTwoNamesOneAreRefused() throws {
        let data = #"{"merchant_order_no":"R-1","trans_status":2,"\ud800":1,"\ud801":2}"#
        let outcome = outcome(of: try SignedAnswer.text(data: JSONWriter.quoted(data)), for: try query())
        #expect(outcome.kind == "inconclusive")
    }

    @Test func orderNumberWithASurrogateIsNotOurs() throws {
        for order in [#"R-1\ud800"#, #"R-\ud8001"#, "R-1\u{0}", "\u{FEFF}R-1"] {
            let data = #"{"merchant_order_no":"\#(order)","trans_status":2}"#
            let outcome = outcome(of: try SignedAnswer.text(data: JSONWriter.quoted(data)), for: try query())
            #expect(outcome.kind == "inconclusive")
        }
    }
}
