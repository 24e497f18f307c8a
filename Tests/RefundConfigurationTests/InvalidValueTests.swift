import RefundConfiguration
import Testing

/// Every kind of mistake is reported under its key; `MessageTests` pins the wording.
struct InvalidValueTests {
    @Test(arguments: [
        // Types.
        ("timeout = 10", "gateway.timeout invalid"),
        ("max_in_flight = \"16\"", "gateway.max_in_flight invalid"),
        ("max_in_flight = 16.0", "gateway.max_in_flight invalid"),
        ("merchant_no = 312100007235", "gateway.merchant_no invalid"),
        ("ca_file = true", "gateway.ca_file invalid"),
        ("[polling]\njitter = \"0.1\"", "polling.jitter invalid"),
        ("[polling]\nslow_after = 2026-11-22", "polling.slow_after invalid"),
        ("[polling]\nslow_after = [\"1h\"]", "polling.slow_after invalid"),
        ("[polling]\nslow_after.hours = 1", "polling.slow_after invalid"),
        ("[webhook]\nevents = \"refund.settled\"", "webhook.events invalid"),
        ("[webhook]\nretry_schedule = [\"5s\", 10]", "webhook.retry_schedule invalid"),
        ("[webhook]\nretry_schedule = [\"5s\", [[]]]", "webhook.retry_schedule invalid"),

        // Bounds.
        ("max_in_flight = 0", "gateway.max_in_flight invalid"),
        ("max_in_flight = 1025", "gateway.max_in_flight invalid"),
        ("max_in_flight = -9223372036854775808", "gateway.max_in_flight invalid"),
        ("max_queries_per_second = 0", "gateway.max_queries_per_second invalid"),
        ("max_queries_per_second = inf", "gateway.max_queries_per_second invalid"),
        ("max_queries_per_second = nan", "gateway.max_queries_per_second invalid"),
        ("[polling]\nmultiplier = 0.99", "polling.multiplier invalid"),
        ("[polling]\nmultiplier = inf", "polling.multiplier invalid"),
        ("[polling]\njitter = 1", "polling.jitter invalid"),
        ("[polling]\njitter = -0.1", "polling.jitter invalid"),
        ("[polling]\njitter = nan", "polling.jitter invalid"),
        ("[polling]\nmax_interval = \"4s\"", "polling.max_interval conflict"),
        ("[polling]\nattention_after = \"0s\"", "polling.attention_after invalid"),
        ("[polling]\nattention_after = \"3651d\"", "polling.attention_after invalid"),
        ("[polling]\nattention_after = \"5\"", "polling.attention_after invalid"),
        ("[webhook]\nmax_in_flight = 4096", "webhook.max_in_flight invalid"),
        ("[retention]\nwebhooks = \"167h\"", "retention.webhooks invalid"),
        ("[retention]\nledger = \"29d\"", "retention.ledger invalid"),
        ("[retention]\nledger = \"89d\"", "retention.ledger conflict"),
        ("[retention]\nwebhooks = \"\"\nledger = \"3650d\"", "retention.ledger conflict"),

        // Text.
        ("merchant_no = \"012345678901234567890123456789012\"", "gateway.merchant_no invalid"),
        ("merchant_no = \"312\\t100\"", "gateway.merchant_no invalid"),
        ("[log]\nlevel = \"warn\"", "log.level invalid"),
        ("[log]\nformat = \"JSON\"", "log.format invalid"),
        ("[webhook]\nevents = [\"refund.setled\"]", "webhook.events invalid"),
        ("[admin]\nlisten = \"127.0.0.1\"", "admin.listen invalid"),

        ("[heartbeat]\ninterval = \"59s\"", "heartbeat.interval invalid"),
        ("[heartbeat]\nurl = \"monitor.example\"", "heartbeat.url invalid"),
        ("[heartbeat]\nfailure_url = \"https://monitor.example/\"", "heartbeat.url conflict"),
        ("[alerts]\ndelayed_after = \"0s\"", "alerts.delayed_after invalid"),

        // Text is not cut at a NUL.
        ("merchant_no = \"312\\u0000\"", "gateway.merchant_no invalid"),
        ("\"timeout\\u0000\" = \"1s\"", #"gateway."timeout\u{0}" unknown"#),
        ("ca_file = \"ca\\u0000.pem\"", "gateway.ca_file invalid"),
        ("[webhook]\nallow_hosts = [\"127.0.0.1\\u0000\"]", "webhook.allow_hosts invalid"),

        // Files.
        ("[database]\npath = \"\"", "database.path invalid"),
        ("[database]\npath = \"/var/lib/\"", "database.path invalid"),
        ("[database]\npath = \"\"\nurl = \"\"", "database.path invalid"),
        ("[database]\npassword_file = \"p\"", "database.password_file conflict"),

        // Servers.
        ("[database]\nurl = 7", "database.url invalid"),
        ("[database]\nurl = \"postgresql://db/\"\npath = \"refundd.db\"", "database.path conflict"),
        ("[database]\nschema = \"shop\"", "database.schema conflict"),
        ("[database]\nurl = \"postgresql://db/\"\nschema = \"Shop\"", "database.schema invalid"),
        ("[database]\nurl = \"postgresql://db/\"\nschema = \"pg_shop\"", "database.schema invalid"),
        ("[database]\nurl = \"postgresql://db/\"\nschema = \"\"", "database.schema invalid"),
        ("[webhook]\nsecret_files = [\"a\", \"b\", \"c\"]", "webhook.secret_files invalid"),
        ("[webhook]\nurl = \"https://shop.example/\"", "webhook.secret_files conflict"),

        // Unknown names.
        ("timeuot = \"10s\"", "gateway.timeuot unknown"),
        ("jitter = 0.1", "gateway.jitter unknown"),
        ("\"odd\\nkey\" = 1", #"gateway."odd\u{a}key" unknown"#),
        ("[webhooks]\nurl = \"\"", "webhooks unknown"),
        ("[metrics]", "metrics unknown"),

        // Gateways.
        ("[gateways]\nurl = \"https://host\"", "gateways.url invalid"),
        ("[gateways.default]", "gateways.default invalid"),
        ("[gateways.\"\"]", #"gateways."" invalid"#),
        ("[gateways.\" \"]", #"gateways." " invalid"#),
        ("[gateways.\"a\\tb\"]", #"gateways."a\u{9}b" invalid"#),
        ("[gateways.\"café\"]", #"gateways."café" invalid"#),
        (
            "[gateways.\(String(repeating: "g", count: 65))]",
            "gateways.\(String(repeating: "g", count: 65)) invalid"
        ),
        (
            "[gateways.b]\nurl = \"https://h\"\nprivate_key_file = \"k\"\npublic_key_files = [\"p\"]",
            "gateways.b.app_id missing"
        ),
    ])
    func mistakeIsReportedUnderItsKey(text: String, problem: String) throws {
        #expect(try Sample.problems(Sample.text(adding: text)) == [problem])
    }

    @Test(
        arguments: [
            ("url", nil, "missing"), ("app_id", nil, "missing"), ("private_key_file", nil, "missing"),
            ("public_key_files", nil, "missing"), ("url", #""""#, "invalid"), ("app_id", #""""#, "invalid"),
            ("app_id", "'wz715fc0d10ee9d156wz715fc0d10ee9d1'", "invalid"), ("private_key_file", #""""#, "invalid"),
            ("public_key_files", "[]", "invalid"), ("public_key_files", #"["a", "b", "c"]"#, "invalid"),
            ("public_key_files", #""gateway_public_key""#, "invalid"),
        ] as [(String, String?, String)]
    )
    func requiredKeyMustBeGiven(key: String, value: String?, code: String) throws {
        #expect(try Sample.problems(Sample.text(gateway: [key: value])) == ["gateway.\(key) \(code)"])
    }

    @Test(arguments: ["", "[gateways]", "[log]\nlevel = \"info\""])
    func gatewayMustBeConfigured(text: String) throws {
        #expect(try Sample.problems(text) == ["gateway missing"])
    }

    @Test func keyOutsideOfASectionIsUnknown() throws {
        let problems = try Sample.problems("url = \"https://host\"\ncolour = 1\ngateway = 5\n")
        #expect(problems == ["gateway invalid", "colour unknown", "url unknown"])
    }

    @Test func everyProblemIsReportedAtOnce() throws {
        let problems = try Sample.problems(
            """
            [gateway]
            url = "open.n-age.co.jp"
            max_in_flight = 0
            [gateways.other]
            url = "https://host"
            [polling]
            initial_interval = "2h"
            max_interval = 5
            jiter = 0.1
            [webhook]
            events = ["refund.lost"]
            [admin]
            listen = "9464"
            """
        )
        #expect(
            problems == [
                "gateway.url invalid", "gateway.app_id missing", "gateway.private_key_file missing",
                "gateway.public_key_files missing", "gateway.max_in_flight invalid", "gateways.other.app_id missing",
                "gateways.other.private_key_file missing", "gateways.other.public_key_files missing",
                "polling.max_interval invalid", "polling.jiter unknown", "webhook.events invalid",
                "admin.listen invalid",
            ]
        )
    }

    // Whatever happens to a file, the result is a configuration or a list of problems. The generator is fixed
    // (Numerical Recipes' LCG), so a failure can be repeated.
    @Test func damagedFileIsRejectedOrLoaded() throws {
        let original = Array(Sample.text(adding: Self.everyNotation).utf8)
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
            let problems = try Sample.problems(bytes)
            if problems.isEmpty { loaded += 1 }
            #expect(problems.allSatisfy { !$0.description.contains("\n") })
        }
        // Some damage hits a comment or a name, so both outcomes occur.
        #expect((1..<1_000).contains(loaded))
    }

    private static let everyNotation = """
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
