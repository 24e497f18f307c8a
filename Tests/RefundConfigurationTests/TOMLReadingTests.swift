import RefundConfiguration
import RefundCore
import Testing

struct TOMLReadingTests {
    @Test(arguments: [
        ("'wz\"\\n'", "wz\"\\n"),
        ("\"a\\\"\\\\\\u00e9\\U0001F600\"", "a\"\\é😀"),
        ("\"\"\"\nab\\\n  \\\r\n\n  c\"\"\"", "abc"),
        ("'''\r\na\\b'''", "a\\b"),
        ("\"\"\"a\"\"b\"\"\"\"\"", "a\"\"b\"\""),
        ("''''a''''", "'a'"),
        ("\"é\" # ü", "é"),
    ])
    func textIsReadInEveryNotation(value: String, expected: String) throws {
        let configuration = try Sample.load(Sample.text(gateway: ["app_id": value]))
        #expect(configuration.gateways["default"]?.appID == expected)
    }

    @Test func controlCharactersAreReadInEveryNotation() throws {
        let text = Sample.text(gateway: ["app_id": "\"\"\"\\b\\t\\n\\f\\r\\u001b\n\t\r\n\"\"\""])
        let problems = try Sample.problems(text)
        #expect(
            problems == [
                #"FILE: gateway.app_id = "\u{8}\u{9}\u{a}\u{c}\u{d}\u{1b}\u{a}\u{9}\u{d}\u{a}" "#
                    + "has a control character; write what the gateway's portal shows"
            ]
        )
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
        var loaded = 0
        try Sample.within { sample in
            for _ in 0..<1_000 {
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
                    loaded += try Configuration.load(file: sample.file, environment: [:]).gateways.count
                } catch {
                    #expect(error.errors.allSatisfy { !$0.description.contains("\n") && $0.file == sample.file })
                    #expect(!error.errors.isEmpty)
                }
            }
        }
        // Damage to a comment or a name is none, so both answers occur.
        #expect((1..<2_000).contains(loaded))
    }

    private static let everything = """
        "merchant_no" = '''312'''
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
        app_id = "b"
        private_key_file = "k"
        public_key_files = ["p"]
        [admin]
        listen = "[::1]:9464"
        """
}
