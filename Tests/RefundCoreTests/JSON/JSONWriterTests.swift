import RefundCore
import Testing

struct JSONWriterTests {
    @Test func valuesAreSeparatedAndNamed() {
        var json = JSONWriter()
        json.object { json in
            json.string("s", "x")
            json.string("none", nil)
            json.number("n", -1)
            json.number("m", nil as Int?)
            json.bool("t", true)
            json.bool("f", false)
            json.raw("r", #"{"a": 1}"#)
            json.object("o") { _ in }
            json.array("l") { json in
                json.number(nil, 1)
                json.string(nil, "a")
                json.string(nil, nil)
                json.object { $0.bool("b", true) }
                json.array { _ in }
            }
            json.string("last", "")
        }
        #expect(
            json.text == #"{"s":"x","none":null,"n":-1,"m":null,"t":true,"f":false,"r":{"a": 1},"o":{},"#
                + #""l":[1,"a",null,{"b":true},[]],"last":""}"#
        )
    }

    @Test(arguments: [Int64.min, .max, 0])
    func wholeNumbersAreWrittenInFull(number: Int64) {
        var json = JSONWriter()
        json.number(nil, number)
        #expect(json.text == "\(number)")
    }

    @Test(arguments: [
        ("", #""""#), ("a\"b", #""a\"b""#), (#"a\b"#, #""a\\b""#), ("\n\r\t", #""\n\r\t""#), ("\r\n", #""\r\n""#),
        ("\0\u{1F}\u{7F}", #""\u0000\u001f\u007f""#), ("é€😀/", #""é€😀/""#), ("\u{2028}", "\"\u{2028}\""),
    ])
    func textIsQuoted(text: String, quoted: String) {
        #expect(JSONWriter.quoted(text) == quoted)
    }

    @Test func namesAreQuotedToo() {
        var json = JSONWriter()
        json.object { $0.number("a\"\n", 1) }
        #expect(json.text == #"{"a\"\n":1}"#)
    }

    @Test func everyTextSurvivesWritingAndReading() throws {
        var random = SplitMix64(seed: 5)
        for _ in 0..<2_000 {
            let scalars = (0..<Int.random(in: 0...20, using: &random)).compactMap { _ in
                Unicode.Scalar(UInt32.random(in: 0...(Bool.random(using: &random) ? 0x80 : 0x10FFFF), using: &random))
            }
            let text = String(String.UnicodeScalarView(scalars))
            let object = try JSONObject(parsing: "{\"m\":\(JSONWriter.quoted(text))}")
            guard case .string(let read)? = object["m"] else {
                Issue.record("not a string")
                continue
            }
            #expect(read.unicodeScalars.elementsEqual(text.unicodeScalars))
        }
    }
}
