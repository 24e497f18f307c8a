import TOML
import Testing

struct TOMLReadingTests {
    private static func value(_ text: String) throws -> TOMLValue? {
        try TOMLReader.read("a = \(text)")["a"]
    }

    @Test(arguments: [
        ("'wz\"\\n'", "wz\"\\n"),
        ("\"\\b\\t\\n\\f\\r\\\"\\\\\\u00e9\\U0001F600\"", "\u{8}\t\n\u{c}\r\"\\é😀"),
        ("\"\"\"\nab\\\n  \\\r\n\n  c\"\"\"", "abc"),
        ("\"\"\"a\n\tb\r\n\"\"\"", "a\n\tb\r\n"),
        ("'''\r\na\\b'''", "a\\b"),
        ("\"\"\"a\"\"b\"\"\"\"\"", "a\"\"b\"\""),
        ("''''a''''", "'a'"),
        ("\"é\" # ü", "é"),
        ("\"a\\u0000b\"", "a\u{0}b"),
        ("\"\"", ""),
    ])
    func stringIsReadInEveryNotation(text: String, expected: String) throws {
        guard case .string(let string) = try Self.value(text) else {
            Issue.record("not a string")
            return
        }
        #expect(Array(string.utf8) == Array(expected.utf8))
    }

    @Test(arguments: [
        ("16", 16), ("+16", 16), ("-1", -1), ("0", 0), ("1_0", 10), ("0x1F", 31), ("0o17", 15), ("0b1010", 10),
        ("0xdead_beef", 0xdead_beef), ("9223372036854775807", .max), ("-9223372036854775808", .min),
    ])
    func integerIsReadInEveryNotation(text: String, expected: Int) throws {
        #expect(try Self.value(text) == .integer(expected))
    }

    @Test(arguments: [
        ("1.5", 1.5), ("+1.5", 1.5), ("1e3", 1_000), ("1E+3", 1_000), ("15e-1", 1.5), ("1_000.5", 1_000.5), ("0.0", 0),
        ("-1.5", -1.5), ("1e400", .infinity), ("inf", .infinity), ("-inf", -.infinity),
    ])
    func floatIsReadInEveryNotation(text: String, expected: Double) throws {
        #expect(try Self.value(text) == .float(expected))
    }

    @Test(arguments: ["nan", "+nan", "-nan"])
    func notANumberIsRead(text: String) throws {
        guard case .float(let number) = try Self.value(text) else {
            Issue.record("not a float")
            return
        }
        #expect(number.isNaN)
    }

    @Test(arguments: [
        "1979-05-27T07:32:00Z", "1979-05-27T07:32:00.999999-07:00", "1979-05-27 07:32:00", "1979-05-27", "07:32:00",
        "07:32:00.5", "9999-99-99",
    ])
    func dateOrTimeIsRecognised(text: String) throws {
        #expect(try Self.value(text) == .dateTime)
        #expect(try Self.value("\(text) # then") == .dateTime)
    }

    @Test(arguments: [
        "a.b = true\n a . \"c\" = 3 # both", "a = { b = true, 'c'=3 }\r\n",
        "\u{feff}\t[ a ] # dotted\r\nb = true\r\nc = 3", "[a]\nb = true\nc = 3\n", "\"a\".b = true\n'a'.c = 3",
    ])
    func tableIsReadInEveryNotation(text: String) throws {
        #expect(try TOMLReader.read(text) == ["a": .table(["b": .boolean(true), "c": .integer(3)])])
    }

    @Test func headerMayFollowThatOfItsSubtable() throws {
        let document = try TOMLReader.read("[a.b]\nc = 1\n[a]\nd = 2\n[e]")
        #expect(document == ["a": .table(["b": .table(["c": .integer(1)]), "d": .integer(2)]), "e": .table([:])])
    }

    @Test func arrayMayHaveLinesCommentsAndALastComma() throws {
        let array = try Self.value("[ # soon\r\n  '1s'\n , # later\n\n\t\"2s\",\n]")
        #expect(array == .array([.string("1s"), .string("2s")]))
    }

    @Test(arguments: [1, 16, 17, 100_000])
    func nestingIsBounded(depth: Int) throws {
        for (open, close) in [("[", "]"), ("{a=", "}")] {
            let unclosed = String(repeating: open, count: depth) + "1"
            let closed = unclosed + String(repeating: close, count: depth)
            #expect(throws: TOMLError.self) { try Self.value(unclosed) }
            if depth <= 16 {
                #expect(try Self.value(closed) != nil)
            } else {
                #expect(throws: TOMLError.self) { try Self.value(closed) }
            }
        }
    }

    @Test(arguments: [1, 15, 16, 400_000])
    func partsOfAKeyAreBounded(dots: Int) throws {
        let name = String(repeating: "a.", count: dots) + "a"
        for text in ["[\(name)]", "\(name) = 1", "x = {\(name) = 1}"] {
            if dots < 16 {
                #expect(try TOMLReader.read(text).count == 1)
            } else {
                #expect(throws: TOMLError.self) { try TOMLReader.read(text) }
            }
        }
    }
}
