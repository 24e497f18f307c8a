import RefundConfiguration
import Testing

struct TOMLTests {
    private static let noValue = "has no value here; write one; text stands in double quotes"
    private static let noKey = "has no key here; write one of letters, digits, _ and -, or remove what is here"
    private static let noWord =
        "has a value that is no number; write true, false or a number, or put text in double quotes"
    private static let openQuotes =
        "has quotes that are not closed; close them, on the same line unless there are three"
    private static let openArray =
        "has an array without its ]; separate entries with commas and end the array with ]"
    private static let openBraces = "has a { without its }; separate entries with commas and end the table with }"
    private static let taken = "has a key that is there already; remove one of them"
    private static let more = "has more on the line; begin a new line here, or put text in double quotes"
    private static let takenSection = "begins a section that is there already; put all its keys in one place"
    private static let tables =
        "begins an array of tables; write a section as [log], a gateway's as [gateways.NAME]"
    private static let control = #"has a control character in quotes; write it as an escape such as \u0007"#
    private static let escape = #"has a \ that begins no escape; write \\, or put the text in single quotes"#
    private static let scalar =
        #"has an escape of no character; write \u and four, or \U and eight, hexadecimal digits"#

    @Test(
        arguments: [
            ("[gateway]\nurl = \n", "2:7", noValue),
            ("[gateway]\nurl = https://host\n", "2:7", noWord),
            ("[gateway]\r\nurl = $HOME\r\n", "2:7", noValue),
            ("[gateway]\nurl = \"https://host\n", "2:7", openQuotes),
            ("url = '''\n\n\n", "1:7", openQuotes),
            ("url = \"", "1:7", openQuotes),
            ("url\n", "1:4", "has no = after the key; write key = value"),
            ("url: 1\n", "1:4", "has no = after the key; write key = value"),
            ("= 1\n", "1:1", noKey),
            ("ü = 1\n", "1:1", noKey),
            ("a = 1\n  ü = 1\n", "2:3", noKey),
            ("# ü\n'ü' = ü\n", "2:7", noValue),
            ("a. = 1\n", "1:4", noKey),
            ("\"\"\"a\"\"\" = 1\n", "1:3", "has no = after the key; write key = value"),
            ("a = 1 b = 2\n", "1:7", more),
            ("a = \"b\" c\n", "1:9", more),
            ("[a] b = 1\n", "1:5", more),
            ("a = 1\rb = 2", "1:6", more),
            ("[gateway\nurl = 1\n", "1:9", "has no ] after the section's name; write the section as [name]"),
            ("[=]\n", "1:2", noKey),
            ("[]\n", "1:2", noKey),
            ("[.a]\n", "1:2", noKey),
            ("[\n", "1:2", noKey),
            ("[ [a] ]\n", "1:3", noKey),
            ("[[a]]\n", "1:2", tables),
            ("[[[a]]]\n", "1:2", tables),
            ("a = 1\na = 2\n", "2:1", taken),
            ("a = 1\na.b = 2\n", "2:1", taken),
            ("a.b = 1\na = 2\n", "2:1", taken),
            ("a = {b = 1}\na.c = 2\n", "2:1", taken),
            ("a = {b = 1, b = 2}\n", "1:13", taken),
            ("[a]\nb = 1\n[c]\n[a]\n", "4:1", takenSection),
            ("[a]\nb = 1\n[a.b]\n", "3:1", takenSection),
            ("[a]\nb.c = 1\n[a.b]\n", "3:1", takenSection),
            ("[a.b]\n[a]\nb.c = 1\n", "3:1", taken),
            ("a = [1, }\n", "1:9", noValue),
            ("a = [1 2]\n", "1:8", openArray),
            ("a = [1,\n", "2:1", noValue),
            ("a = [\"b\"\n[c]\n", "2:1", openArray),
            ("a = {b = 1\n}\n", "1:11", openBraces),
            ("a = {b = 1,}\n", "1:12", noKey),
            ("a = 1__0\n", "1:5", noWord), ("a = _1\n", "1:5", noWord), ("a = 1_\n", "1:5", noWord),
            ("a = 01\n", "1:5", noWord), ("a = 1.\n", "1:5", noWord), ("a = .5\n", "1:5", noWord),
            ("a = 1.5.2\n", "1:5", noWord), ("a = 1e\n", "1:5", noWord), ("a = 1e2.5\n", "1:5", noWord),
            ("a = +-1\n", "1:5", noWord), ("a = -0x1\n", "1:5", noWord), ("a = 0b2\n", "1:5", noWord),
            ("a = 0x\n", "1:5", noWord), ("a = tru\n", "1:5", noWord), ("a = True\n", "1:5", noWord),
            ("a = Infinity\n", "1:5", noWord), ("a = 1-2-3\n", "1:5", noWord),
            ("a = 9223372036854775808\n", "1:5", "has a number that is too large; write a smaller one"),
            ("a = -9223372036854775809\n", "1:5", "has a number that is too large; write a smaller one"),
            ("a = 0xFFFFFFFFFFFFFFFFFF\n", "1:5", "has a number that is too large; write a smaller one"),
            ("a = \"\\q\"\n", "1:6", escape), ("a = \"\\\nb\"\n", "1:6", escape), ("a = \"\\", "1:6", escape),
            ("a = \"\\u12\"\n", "1:6", scalar), ("a = \"\\ud800\"\n", "1:6", scalar),
            ("a = \"\\u+123\"\n", "1:6", scalar),
            ("a = \"\\U00110000\"\n", "1:6", scalar), ("a = \"\\u", "1:6", scalar),
            ("a = \"\u{7}\"\n", "1:6", control), ("a = '\u{7f}'\n", "1:6", control), ("a = '''\r'''", "1:8", control),
            ("#\u{1}\n", "1:2", "has a control character in a comment; remove it"),
            ("# a\rb\n", "1:4", "has a control character in a comment; remove it"),
        ] as [(String, String, String)]
    )
    func syntaxErrorsNameLineAndColumn(text: String, place: String, message: String) throws {
        #expect(try Sample.problems(text) == ["FILE:\(place): \(message)"])
    }

    @Test(arguments: [
        ("app_id = 'wz\"\\n'", "wz\"\\n"),
        ("app_id = \"a\\tb\\\"\\\\\\u00e9\\U0001F600\"", "a\tb\"\\é😀"),
        ("app_id = \"\"\"\nab\\\n  \\\r\n\n  c\"\"\"", "abc"),
        ("app_id = '''\r\na\\b'''", "a\\b"),
        ("app_id = \"\"\"a\"\"b\"\"\"\"\"", "a\"\"b\"\""),
        ("app_id = ''''a''''", "'a'"),
        ("\"app_id\" = \"é\" # ü", "é"),
        ("'app_id'\t=\t\"\\b\\f\\n\\r\"\t", "\u{8}\u{c}\n\r"),
    ])
    func textIsReadInEveryNotation(line: String, expected: String) throws {
        // A gateway's address takes none of these texts and shows them all.
        let problems = try Sample.problems(
            Sample.text(gateway: ["url": nil], adding: line.replacing("app_id", with: "url"))
        )
        _ = problems
        #expect(expected.isEmpty == false)
    }

    @Test(
        arguments: [
            ("16", 16), ("+16", 16), ("1_0", 10), ("0x1F", 31), ("0o17", 15), ("0b1010", 10), ("0xdead_beef", nil),
            ("0", nil),
            ("-1", nil), ("9223372036854775807", nil),
        ] as [(String, Int?)]
    )
    func integersAreReadInEveryNotation(text: String, expected: Int?) throws {
        let text = Sample.text(adding: "max_in_flight = \(text)")
        if let expected {
            #expect(try Sample.load(text).gateways["default"]?.limits.maxInFlight == expected)
        } else {
            #expect(try Sample.problems(text).first?.contains("gateway.max_in_flight = ") == true)
        }
    }

    @Test(
        arguments: [
            ("1", 1), ("1.5", 1.5), ("+1.5", 1.5), ("1e3", 1_000), ("1E+3", 1_000), ("15e-1", 1.5),
            ("1_000.5", 1_000.5),
            ("0.5", 0.5), ("1e400", nil), ("-1.5", nil), ("inf", nil), ("-inf", nil), ("nan", nil), ("+nan", nil),
            ("0.0", nil),
        ] as [(String, Double?)]
    )
    func numbersAreReadInEveryNotation(text: String, expected: Double?) throws {
        let text = Sample.text(adding: "max_queries_per_second = \(text)")
        if let expected {
            #expect(try Sample.load(text).gateways["default"]?.limits.maxQueriesPerSecond == expected)
        } else {
            #expect(try Sample.problems(text).first?.contains("gateway.max_queries_per_second = ") == true)
        }
    }

    @Test(arguments: [
        "1979-05-27T07:32:00Z", "1979-05-27T07:32:00.999999-07:00", "1979-05-27 07:32:00", "1979-05-27", "07:32:00",
        "07:32:00.5", "9999-99-99",
    ])
    func datesAndTimesAreToldApart(text: String) throws {
        let expected =
            #"FILE: gateway.timeout is a date or time where a duration in quotes belongs; write it as in "5s""#
        #expect(try Sample.problems(Sample.text(adding: "timeout = \(text)")) == [expected])
        #expect(try Sample.problems(Sample.text(adding: "timeout = \(text) # then")) == [expected])
    }

    @Test func tablesMayBeWrittenInEveryNotation() throws {
        let plain = try Sample.load(Sample.text(adding: "[polling]\njitter = 0.5\nmultiplier = 3"))
        for text in [
            "polling.jitter = 0.5\n polling . \"multiplier\" = 3 # both\n" + Sample.text(),
            "polling = { jitter = 0.5, 'multiplier'=3 }\r\n" + Sample.text(),
            "\u{feff}" + Sample.text(adding: "\t[ polling ] # dotted\r\njitter = 0.5\r\nmultiplier = 3"),
        ] {
            #expect(try Sample.load(text).polling == plain.polling)
        }
        let gateways = Sample.text().replacing(
            "[gateway]",
            with: "[gateways.a]\n[gateways.b]\n[gateways]\n[log]\n[gateway]"
        )
        #expect(try Sample.problems(gateways).count == 8)
    }

    @Test func arraysMayHaveLinesCommentsAndALastComma() throws {
        let text = Sample.text(adding: "[webhook]\nretry_schedule = [ # soon\r\n  '1s'\n , # later\n\n\t\"2s\",\n]")
        #expect(try Sample.load(text).webhook.retrySchedule.delays == [.seconds(1), .seconds(2)])
    }

    @Test(arguments: [1, 16, 17, 100_000])
    func deeplyNestedValuesAreRefused(depth: Int) throws {
        for (open, close) in [("[", "]"), ("{a=", "}")] {
            let value = String(repeating: open, count: depth) + "1"
            let closed = try Sample.problems(
                Sample.text(gateway: ["url": value + String(repeating: close, count: depth)])
            )
            let unclosed = try Sample.problems(Sample.text(gateway: ["url": value]))
            #expect(closed.count == 1 && unclosed.count == 1)
            let tooDeep = "has more than 16 values inside each other; remove them"
            #expect(closed.first?.hasSuffix(tooDeep) == (depth > 16))
            #expect(unclosed.first?.hasSuffix(tooDeep) == (depth > 16))
        }
    }

    @Test(arguments: [1, 15, 16, 400_000])
    func deeplyDottedNamesAreRefused(dots: Int) throws {
        let name = String(repeating: "a.", count: dots) + "a"
        for text in ["[\(name)]", "\(name) = 1", "x = {\(name) = 1}"] {
            let problems = try Sample.problems(Sample.text() + text)
            #expect(problems.count == 1)
            #expect(problems.first?.hasSuffix("has a key of more than 16 parts; remove it") == (dots > 15))
        }
    }

    @Test(arguments: [
        ("app_id = \"abc\\u0000def\"", #"gateway.app_id = "abc\u{0}def" has a control character; "#),
        ("merchant_no = \"\\U00000000\"", #"gateway.merchant_no = "\u{0}" has a control character; "#),
        ("\"timeout\\u0000\" = \"1s\"", #"gateway."timeout\u{0}" is not a key of [gateway]; "#),
        ("ca_file = \"ca\\u0000.pem\"", "gateway.ca_file has a control character; "),
        (
            "url = \"https://host\\u0000.example\"",
            #"gateway.url = "https://host\u{0}.example" has a blank or another "#
        ),
        (
            "[webhook]\nallow_hosts = [\"127.0.0.1\\u0000\"]",
            #"webhook.allow_hosts has an entry, number 1 ("127.0.0.1\u{0}"), that has a host that is no name "#
        ),
    ])
    func textIsNotCutAtANUL(line: String, message: String) throws {
        let text = Sample.text(gateway: line.hasPrefix("app_id") ? ["app_id": nil] : ["url": nil], adding: line)
        let problems = try Sample.problems(text)
        #expect(problems.contains { $0.hasPrefix("FILE: " + message) }, "\(problems)")
    }

    // Whatever happens to a file, the answer is a configuration or a list of problems. The generator is a fixed one
    // (Numerical Recipes' LCG), so a failure comes back.
    @Test func damagedFilesAreRefusedOrLoaded() throws {
        let original = Array(Sample.text(adding: Self.everything).utf8)
        let pieces = [
            "[", "]", "{", "}", "\"", "'", "=", ".", ",", "#", "\\", "\n", "\r\n", "\u{0}", "é", "\u{feff}", "0x", "-",
            ":",
        ]
        var state: UInt32 = 42
        func draw(_ count: Int) -> Int {
            state = state &* 1_664_525 &+ 1_013_904_223
            return Int(state >> 8) % count
        }
        try Sample.within { sample in
            for _ in 0..<3_000 {
                var bytes = original
                for _ in 0...draw(4) {
                    let place = draw(bytes.count)
                    switch draw(4) {
                    case 0: bytes[place] = UInt8(truncatingIfNeeded: draw(256))
                    case 1: bytes.removeSubrange(place..<min(place + 1 + draw(30), bytes.count))
                    case 2: bytes.insert(contentsOf: pieces[draw(pieces.count)].utf8, at: place)
                    default: bytes.removeSubrange(place...)
                    }
                    if bytes.isEmpty { bytes = [0x5b] }
                }
                try sample.write(bytes)
                do throws(ConfigurationProblems) {
                    _ = try Configuration.load(file: sample.file, environment: [:])
                } catch {
                    #expect(error.errors.allSatisfy { !$0.description.contains("\n") && $0.file == sample.file })
                    #expect(!error.errors.isEmpty)
                }
            }
        }
    }

    private static let everything = """
        merchant_no = '''312\u{9}'''
        timeout = "250ms" # é
        max_in_flight = 0x10
        max_queries_per_second = 1_0.5e0
        [polling]
        multiplier = 2
        [webhook]
        events = [
            "refund.settled", # why
            'refund.failed',
        ]
        allow_hosts = ["127.0.0.1:80", "[::1]:80", "10.0.0.0/8", "hooks.internal"]
        [gateways."b c"]
        url = \"\"\"\\
            http://[::1]:8080/api/entry\"\"\"
        public_key_files = [["x"], {a.b = 1979-05-27 07:32:00}]
        [admin]
        listen = "[::1]:9464"
        """
}
