import RefundCore
import Testing

struct JSONReaderTests {
    /// Values of a member that RFC 8259 allows, with what they are read as.
    static let values: [(text: String, value: JSONValue)] = [
        (#""""#, .string("")), (#""a b""#, .string("a b")), (#""é€😀""#, .string("é€😀")),
        (#""\"\\\/\b\f\n\r\t""#, .string("\"\\/\u{8}\u{C}\n\r\t")), (#""\u0000""#, .string("\0")),
        (#""\u00e9\u00E9""#, .string("éé")), (#""\uD83D\uDE00""#, .string("😀")),
        (#""\ud800\udc00""#, .string("\u{10000}")),
        (#""\uDBFF\uDFFF""#, .string("\u{10FFFF}")), (#""\uFFFF""#, .string("\u{FFFF}")),
        ("\"\u{7F}\u{2028}\"", .string("\u{7F}\u{2028}")), (#""\\u0041""#, .string("\\u0041")),
        ("true", .bool(true)), ("false", .bool(false)), ("null", .null),
        ("[]", .array("[]")), ("[ ]", .array("[ ]")), ("[1,[2],{}]", .array("[1,[2],{}]")),
        ("{}", .object("{}")), ("{ \"b\" : [1 ,2]\n}", .object("{ \"b\" : [1 ,2]\n}")),
        (#"{"a":"\u0041"}"#, .object(#"{"a":"\u0041"}"#)),
    ]
    static let numbers = [
        "0", "-0", "1", "-1", "10", "1.0", "1.00", "0.5", "1e5", "1E5", "1e+5", "1e-5", "1.5e10", "0e0", "-0.0e-0",
        "123456789012345678901234567890.123456789012345678901234567890", "1e999999999",
    ]
    static let noValues = [
        "", "01", "-", "+1", ".5", "1.", "1.e5", "1e", "1e+", "00", "-01", "0x10", "1_000", "1,000", "NaN", "Infinity",
        "-Infinity", "tru", "True", "TRUE", "nul", "nil", "undefined", "'a'", "a", "[1,]", "[,]", "[", "]", "[1 2]",
        "[1}", "{", "}", "{,}", #"{"a"}"#, #"{"a":}"#, #"{"a":1,}"#, #"{a:1}"#, #"{1:1}"#, #"{"a":1 "b":2}"#,
        #"{"a" 1}"#, #"{"a"::1}"#, #"{null:1}"#, #"""#, #""\"#, #""\""#, #""\x""#, #""\u""#, #""\u123""#, #""\u12G4""#,
        #""\U0041""#, #""\a""#, #""\'""#, "\"\n\"", "\"\t\"", "\"\0\"", "\"\u{1F}\"", "1 // one", "/**/1", "\u{A0}1",
        "\u{FEFF}1", #""\u００４１""#,
    ]

    @Test(arguments: values)
    func valueIsReadAsItStands(text: String, value: JSONValue) throws {
        #expect(try JSONObject(parsing: "{\"m\":\(text)}")["m"] == value)
        #expect(try JSONObject(parsing: " {\n\"m\"\t:\r\(text) , \"n\" : 1 } ")["m"] == value)
    }

    @Test(arguments: numbers)
    func numberKeepsEveryDigitAsWritten(text: String) throws {
        #expect(try JSONObject(parsing: "{\"m\":\(text)}")["m"] == .number(text))
        #expect(try JSONObject(parsing: "{\"m\":[\(text)]}")["m"] == .array("[\(text)]"))
    }

    @Test(arguments: noValues)
    func anythingElseIsRefusedAtEveryDepth(text: String) {
        #expect(throws: JSONError.self) { try JSONObject(parsing: "{\"m\":\(text)}") }
        #expect(throws: JSONError.self) { try JSONObject(parsing: "{\"m\":[\(text)") }
        #expect(throws: JSONError.self) { try JSONObject(parsing: "{\"m\":{\"n\":\(text)}}") }
    }

    @Test(arguments: [
        "", " ", "null", "1", "[]", #""{}""#, "{}{}", "{} 1", "{},", "{}}", "[{}]", "\u{FEFF}{}", "{}\0", "\0{}",
        "{}\u{B}",
    ])
    func onlyOneObjectIsADocument(text: String) {
        #expect(throws: JSONError.self) { try JSONObject(parsing: text) }
    }

    @Test(arguments: ["{}", " {} ", "\n\r\t {\n\r\t }\n\r\t "])
    func blanksAroundTheObjectAreFine(text: String) throws {
        #expect(try JSONObject(parsing: text).members.isEmpty)
    }

    @Test func membersKeepTheirOrder() throws {
        let object = try JSONObject(parsing: #"{"b":1,"a":2,"":3,"B":4}"#)
        #expect(object.members.map(\.name) == ["b", "a", "", "B"])
        #expect(object[""] == .number("3"))
        #expect(object["c"] == nil)
    }

    @Test(arguments: [
        #"{"a":1,"a":1}"#, #"{"a":1,"b":2,"a":3}"#, #"{"a":1,"\u0061":2}"#, #"{"m":{"a":1,"a":2}}"#,
        #"{"m":[[{"a":1,"a":2}]]}"#, #"{"":1,"":2}"#, #"{"é":1,"\u00e9":2}"#,
    ])
    func nameThatStandsTwiceIsRefusedAtAnyDepth(text: String) throws {
        let error = try #require(throws: JSONError.self) { try JSONObject(parsing: text) }
        #expect(error.problem.contains("is repeated"))
        #expect(error.isRepeatedName)
    }

    @Test func namesThatOnlyLookAlikeAreDifferentNames() throws {
        let object = try JSONObject(parsing: #"{"\u00e9":1,"e\u0301":2,"K":3,"\u212a":4,"a":5,"A":6}"#)
        #expect(object.members.count == 6)
        #expect(object["\u{E9}"] == .number("1"))
        #expect(object["e\u{301}"] == .number("2"))
        #expect(object["\u{212A}"] == .number("4"))
    }

    @Test(arguments: [
        #""\ud800""#, #""\udc00""#, #""\ud800x""#, #""\ud800\n""#, #""\ud800\u0041""#, #""\ud800\ud800""#,
        #""\udc00\ud800""#, #""\ud83d\ude0""#, #""\ud83d\\ude00""#,
    ])
    func unpairedSurrogatesAreRefused(text: String) {
        #expect(throws: JSONError.self) { try JSONObject(parsing: "{\"m\":\(text)}") }
        #expect(throws: JSONError.self) { try JSONObject(parsing: "{\(text):1}") }
    }

    @Test(arguments: [
        (#""\ud800""#, "?"), (#""\udc00x""#, "?x"), (#""\ud800\u0041""#, "?A"), (#""\ud800\ud800""#, "??"),
        (#""\ud800\ud83d\ude00""#, "?😀"), (#""\udc00\ud800\n""#, "??\n"), (#""\ud83d\\ude00""#, "?\\ude00"),
        ("\"a\nb\u{0}\u{1F}\"", "a\nb\u{0}\u{1F}"),
    ])
    func tolerantReadingAcceptsSurrogatesAndControlCharacters(text: String, value: String) throws {
        let object = try JSONObject(parsing: "\u{FEFF} {\"m\":\(text)}", .tolerant(surrogate: "?"))
        #expect(object["m"] == .string(value))
    }

    @Test(arguments: [
        #"{"m":"\ud800"#, #"{"m":"\ud800\u00"}"#, #"{"\ud800":1,"\udc00":2}"#, #"{"m":1,"m":2}"#, "\u{FEFF}\u{FEFF}{}",
        "{\u{1}}", #"{"m":\ud800}"#, "{}\u{FEFF}", "{\u{FEFF}}", #"{'m':1}"#, #"{"m":01}"#,
    ])
    func tolerantReadingRefusesEverythingElse(text: String) {
        #expect(throws: JSONError.self) { try JSONObject(parsing: text, .tolerant(surrogate: "?")) }
    }

    @Test(
        arguments: [
            [0xFF], [0x80], [0xC3], [0xC0, 0x80], [0xE2, 0x82], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80],
            [0xF8, 0x88],
        ] as [[UInt8]]
    )
    func bytesThatAreNotUTF8AreRefused(bytes: [UInt8]) {
        #expect(throws: JSONError.self) { try JSONObject(parsing: Array(#"{"m":""#.utf8) + bytes + Array(#""}"#.utf8)) }
    }

    @Test(arguments: ["[", "{\"a\":"])
    func nestingEndsAtSixtyFourLevels(open: String) throws {
        let close = open == "[" ? "]" : "}"
        func nested(_ levels: Int) -> String {
            "{\"m\":" + String(repeating: open, count: levels) + "1" + String(repeating: close, count: levels) + "}"
        }
        #expect(throws: Never.self) { try JSONObject(parsing: nested(63)) }
        let error = try #require(throws: JSONError.self) { try JSONObject(parsing: nested(64)) }
        #expect(error.problem.contains("64"))
        #expect(throws: JSONError.self) { try JSONObject(parsing: nested(1_000_000)) }
        #expect(throws: Never.self) { try JSONObject(parsing: "{\"m\":[" + "[],".repeated(1_000) + "[]]}") }
    }

    @Test(arguments: [
        ("", 0), ("  x", 2), ("{", 1), (#"{"a""#, 4), (#"{"a" 1}"#, 5), (#"{"a":1,}"#, 7), (#"{"a":1}x"#, 7),
        (#"{"a":tru}"#, 5), ("{\"a\":\"é\n\"}", 8), (#"{"a":1.}"#, 7), (#"{"a":[1 2]}"#, 8),
    ])
    func errorSaysWhere(text: String, offset: Int) throws {
        let error = try #require(throws: JSONError.self) { try JSONObject(parsing: text) }
        #expect(error.offset == offset, "\(error)")
        #expect(error.description == "\(error.problem) at byte \(offset)")
        #expect(!error.isRepeatedName)
    }

    @Test func noMutilatedTextTraps() {
        let text = Array(#"{"a":"\ud83d\ude00é","b":[1.5e-3,{"c":null}],"d":true,"e":-0,"f":"\"\\"}"#.utf8)
        #expect(throws: Never.self) { try JSONObject(parsing: text) }
        for end in 0..<text.count {
            #expect(throws: JSONError.self) { try JSONObject(parsing: Array(text[..<end])) }
        }
        var random = SplitMix64(seed: 11)
        for _ in 0..<20_000 {
            var bytes = text
            for _ in 0...Int.random(in: 0..<3, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            guard let object = try? JSONObject(parsing: bytes) else { continue }
            #expect(!object.members.isEmpty)
        }
    }
}

extension String {
    fileprivate func repeated(_ count: Int) -> String {
        String(repeating: self, count: count)
    }
}
