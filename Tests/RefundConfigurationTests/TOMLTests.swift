import RefundConfiguration
import Testing

struct TOMLTests {
    @Test(arguments: [
        ("[gateway]\nurl = \n", 2, 7),
        ("[gateway]\nurl = \"https://host\n", 2, 20),
        ("[gateway]\nurl = \"a\"\nurl = \"b\"\n", 3, 7),
        ("[gateway]\n\n[gateway]\n", 3, 1),
        ("[gateway\nurl = 1\n", 1, 9),
        ("[gateway]\nmax_in_flight = 99999999999999999999\n", 2, 37),
        ("[gateway]\n  ü = 1\n", 2, 3),
    ])
    func syntaxErrorsNameLineAndColumn(text: String, line: Int, column: Int) throws {
        let problems = try Sample.problems(text)
        #expect(problems.count == 1)
        #expect(problems.first?.hasPrefix("FILE:\(line):\(column): is not valid TOML: ") == true, "\(problems)")
    }

    // Each is an error of the file or of a key, and none of them a trap.
    @Test(arguments: [
        "a = 1979-05-27T07:32:00Z", "a = 1979-05-27T07:32:00.999999-07:00", "a = 07:32:00", "a = 1979-05-27",
        "a = 9999-99-99", "a = 25:61:61", "a = 0xFFFFFFFFFFFFFFFFFF", "a = 9223372036854775807",
        "a = 9223372036854775808",
        "a = -9223372036854775809", "a = 1e400", "a = -1e400", "a = nan", "a = -nan", "a = inf", "a = 1_000",
        "a = 1__0",
        "a = 0b2", "a = 0o9", "a = [1, \"two\", 3.0, true, [], {}]", "a = {b = {c = {d = {e = 1}}}}", "a = {", "a = [",
        "a = \"\\ud800\"", "a = \"\\U00110000\"", "a = \"\\x00\"", "a = '''", "a", "= 1", "[]", "[[]]", "[a]]",
        "a.b = 1\na = 2",
        "[a]\nb = 1\n[a.b]", "\u{feff}a = 1", "\"\" = 1", "'' = {}", "a = tru", "\r", "a = 1\r\nb = 2\r", "\u{7f}",
        "#\u{1}",
        "[gateway]\nurl = {a = [{b = [{c = 1}]}]}", "[gateways.x.y.z]\na = 1", "[[gateways.x]]", "[gateway.url]",
    ])
    func oddTOMLIsRefused(text: String) throws {
        let problems = try Sample.problems(text)
        #expect(!problems.isEmpty)
        #expect(problems.allSatisfy { $0.hasPrefix("FILE:") && !$0.contains("\n") })
    }

    @Test(arguments: [100, 255, 256, 257, 100_000])
    func deeplyNestedValuesAreRefused(depth: Int) throws {
        for (open, close) in [("[", "]"), ("{a=", "}")] {
            for end in [String(repeating: close, count: depth), ""] {
                let value = String(repeating: open, count: depth) + (open == "[" ? "" : "1") + end
                let problems = try Sample.problems(Sample.text(gateway: ["url": value]))
                #expect(problems.count == 1)
            }
        }
    }

    // A table in a table for every dot: taken as long as a stack can hold it, whether or not the file goes wrong later.
    @Test(arguments: [10, 9_997, 9_998, 400_000])
    func deeplyDottedNamesAreRefused(dots: Int) throws {
        let name = String(repeating: "a.", count: dots) + "a"
        for text in ["[\(name)]", "\(name) = 1", "[[\(name)]]", "\(name) = 1\n= wrong", "[x]\n\(name) = 1\n= wrong"] {
            let problems = try Sample.problems(Sample.text() + text)
            #expect(problems.count == 1)
            let isRefusedUnread =
                problems == [
                    "FILE: has more than 10000 dots outside of comments; keep only the settings of refundd in it"
                ]
            // The address that every sample has brings three dots with it.
            #expect(isRefusedUnread == (dots + 3 > 10_000))
        }
    }

    @Test func dotsInCommentsDoNotCount() throws {
        let text = Sample.text(adding: "  # " + String(repeating: ".", count: 20_000))
        #expect(try Sample.problems(text).isEmpty)
    }

    @Test(arguments: ["app_id = \"abc\\u0000def\"", "\"app_id\\u0000\" = \"abc\"", "app_id = \"abc\\U00000000def\""])
    func escapedNULsAreRefused(line: String) throws {
        let problems = try Sample.problems("[gateway]\n\(line)\n")
        #expect(problems == ["FILE:2: has a NUL character, written as an escape; remove it"])
    }
}
