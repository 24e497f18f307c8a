import RefundConfiguration
import Testing

struct RefusalTests {
    private static let portal = "write what the gateway's portal shows"

    @Test(
        arguments: [
            // Wrong types.
            (
                "timeout = 10",
                #"gateway.timeout = 10 is a whole number where a duration in quotes belongs; write it as in "5s""#
            ),
            (
                "max_in_flight = \"16\"",
                "gateway.max_in_flight is text where a whole number belongs; write a number from 1 to 1024, without quotes"
            ),
            (
                "max_in_flight = 16.0",
                "gateway.max_in_flight = 16.0 is a number with a fraction where a whole number belongs; "
                    + "write a number from 1 to 1024, without quotes"
            ),
            (
                "merchant_no = 312100007235",
                "gateway.merchant_no = 312100007235 is a whole number where text in quotes belongs; "
                    + #"write it as in "312100007235""#
            ),
            (
                "ca_file = true",
                #"gateway.ca_file = true is a boolean where a file name in quotes belongs; write it as in "ca.pem""#
            ),
            (
                "[polling]\njitter = \"0.1\"",
                "polling.jitter is text where a number belongs; "
                    + "write a number from 0 to below 1, such as 0.1, without quotes"
            ),
            (
                "[polling]\nslow_after = 2026-11-22",
                #"polling.slow_after is a date or time where a duration in quotes belongs; write it as in "5s""#
            ),
            (
                "[polling]\nslow_after = [\"1h\"]",
                #"polling.slow_after is an array where a duration in quotes belongs; write it as in "5s""#
            ),
            (
                "[polling]\nslow_after.hours = 1",
                #"polling.slow_after is a table where a duration in quotes belongs; write it as in "5s""#
            ),
            (
                "[webhook]\nevents = \"refund.settled\"",
                "webhook.events is text where an array belongs; write events in [ ], separated by commas"
            ),
            (
                "[webhook]\nretry_schedule = [\"5s\", 10]",
                "webhook.retry_schedule has an entry, number 2 (10), that is a whole number where a duration in quotes "
                    + #"belongs; write it as in "5s""#
            ),
            (
                "[webhook]\nretry_schedule = [\"5s\", [[]]]",
                "webhook.retry_schedule has an entry, number 2, that is an array where a duration in quotes "
                    + #"belongs; write it as in "5s""#
            ),

            // Bounds.
            (
                "max_in_flight = 0",
                "gateway.max_in_flight = 0 is out of bounds; write a number from 1 to 1024, without quotes"
            ),
            (
                "max_in_flight = 1025",
                "gateway.max_in_flight = 1025 is out of bounds; write a number from 1 to 1024, without quotes"
            ),
            (
                "max_in_flight = -9223372036854775808",
                "gateway.max_in_flight = -9223372036854775808 is out of bounds; "
                    + "write a number from 1 to 1024, without quotes"
            ),
            (
                "max_queries_per_second = 0",
                "gateway.max_queries_per_second = 0.0 is out of bounds; write a number above 0, such as 20.0, without quotes"
            ),
            (
                "max_queries_per_second = inf",
                "gateway.max_queries_per_second = inf is out of bounds; "
                    + "write a number above 0, such as 20.0, without quotes"
            ),
            (
                "max_queries_per_second = nan",
                "gateway.max_queries_per_second = nan is out of bounds; "
                    + "write a number above 0, such as 20.0, without quotes"
            ),
            (
                "[polling]\nmultiplier = 0.99",
                "polling.multiplier = 0.99 is out of bounds; write a number of at least 1, such as 2.0, without quotes"
            ),
            (
                "[polling]\nmultiplier = inf",
                "polling.multiplier = inf is out of bounds; write a number of at least 1, such as 2.0, without quotes"
            ),
            (
                "[polling]\njitter = 1",
                "polling.jitter = 1.0 is out of bounds; write a number from 0 to below 1, such as 0.1, without quotes"
            ),
            (
                "[polling]\njitter = -0.1",
                "polling.jitter = -0.1 is out of bounds; write a number from 0 to below 1, such as 0.1, without quotes"
            ),
            (
                "[polling]\njitter = nan",
                "polling.jitter = nan is out of bounds; write a number from 0 to below 1, such as 0.1, without quotes"
            ),
            (
                "[polling]\nmax_interval = \"4s\"",
                #"polling.max_interval = "4s" is shorter than polling.initial_interval, which is "5s"; "#
                    + "raise it, or lower polling.initial_interval"
            ),
            (
                "[webhook]\nmax_in_flight = 4096",
                "webhook.max_in_flight = 4096 is out of bounds; write a number from 1 to 1024, without quotes"
            ),

            // Text.
            (
                "merchant_no = \"012345678901234567890123456789012\"",
                #"gateway.merchant_no = "012345678901234567890123456789012" has more than 32 characters; \#(portal)"#
            ),
            (
                "merchant_no = \"312\\t100\"",
                #"gateway.merchant_no = "312\u{9}100" has a control character; \#(portal)"#
            ),
            (
                "[log]\nlevel = \"warn\"",
                #"log.level = "warn" is not known; use one of trace, debug, info, notice, warning, error, critical"#
            ),
            (
                "[log]\nlevel = \"debgu\"",
                #"log.level = "debgu" is not known; did you mean "debug"? "#
                    + "use one of trace, debug, info, notice, warning, error, critical"
            ),
            (
                "[log]\nformat = \"JSON\"",
                #"log.format = "JSON" is not known; did you mean "json"? use one of auto, text, json"#
            ),
            (
                "[webhook]\nevents = [\"refund.setled\"]",
                #"webhook.events has an entry, number 1 ("refund.setled"), that is not known; "#
                    + #"did you mean "refund.settled"? use one of refund.processing, refund.settled, refund.failed, "#
                    + "refund.abandoned, refund.needs_attention, gateway.needs_attention"
            ),

            // Files.
            ("[database]\npath = \"\"", #"database.path = "" is empty; name a file, such as "refundd.db""#),
            (
                "[database]\npath = \"/var/lib/\"",
                #"database.path names a folder; name a file in it, such as "refundd.db""#
            ),
            (
                "[webhook]\nsecret_files = [\"a\", \"b\", \"c\"]",
                "webhook.secret_files has 3 entries; write at most 2 file names"
            ),
            (
                "[webhook]\nurl = \"https://shop.example/\"",
                "webhook.secret_files is empty although webhook.url is set; "
                    + "name a file with a whsec_… secret, or empty webhook.url"
            ),

            // Unknown names.
            ("timeuot = \"10s\"", "gateway.timeuot is not a key of [gateway]; did you mean timeout?"),
            ("jitter = 0.1", "gateway.jitter is not a key of [gateway]; move it to [polling]"),
            ("retry_schedule = []", "gateway.retry_schedule is not a key of [gateway]; move it to [webhook]"),
            ("colour = \"red\"", "gateway.colour is not a key of [gateway]; remove it"),
            ("\"odd\\nkey\" = 1", ##"gateway."odd\u{a}key" is not a key of [gateway]; remove it"##),
            ("[webhooks]\nurl = \"\"", "webhooks is not a section; did you mean [webhook]?"),
            (
                "[metrics]",
                "metrics is not a section; use one of [admin], [database], [gateway], [gateways], [log], [polling], [webhook]"
            ),

            // Gateways.
            (
                "[gateways]\nurl = \"https://host\"",
                "gateways.url is text where a section belongs; write [gateways.url] on a line of its own, once"
            ),
            ("[gateways.default]", "gateways.default is the name of the gateway in [gateway]; use [gateway] for it"),
            ("[gateways.\"\"]", ##"gateways."" has no name; write a name after the dot, such as [gateways.second]"##),
            ("[gateways.\" \"]", ##"gateways." " has no name; write a name after the dot, such as [gateways.second]"##),
            (
                "[gateways.\"a\\tb\"]",
                ##"gateways."a\u{9}b" has a name that no row of the queue can have; "##
                    + "use at most 64 printable ASCII characters"
            ),
            (
                "[gateways.\"café\"]",
                ##"gateways."café" has a name that no row of the queue can have; "##
                    + "use at most 64 printable ASCII characters"
            ),
            (
                "[gateways.\(String(repeating: "g", count: 65))]",
                "gateways.\(String(repeating: "g", count: 65)) has a name that no row of the queue can have; "
                    + "use at most 64 printable ASCII characters"
            ),
            (
                "[gateways.b]\nurl = \"https://h\"\nprivate_key_file = \"k\"\npublic_key_files = [\"p\"]",
                "gateways.b.app_id is missing; add it below [gateways.b]"
            ),
        ] as [(String, String)]
    )
    func wrongConfigurationIsRefusedByKey(text: String, message: String) throws {
        #expect(try Sample.problems(Sample.text(adding: text)) == ["FILE: \(message)"])
    }

    @Test(
        arguments: [
            ("url", nil, "is missing; add it below [gateway]"),
            ("app_id", nil, "is missing; add it below [gateway]"),
            ("private_key_file", nil, "is missing; add it below [gateway]"),
            ("public_key_files", nil, "is missing; add it below [gateway]"),
            ("app_id", #""""#, #"= "" is empty; \#(portal)"#),
            (
                "app_id", "'wz715fc0d10ee9d156wz715fc0d10ee9d1'",
                #"= "wz715fc0d10ee9d156wz715fc0d10ee9d1" has more than 32 characters; \#(portal)"#
            ),
            ("private_key_file", #""""#, #"= "" is empty; name a file, such as "app_private_key""#),
            ("public_key_files", "[]", "is empty; write 1 to 2 file names"),
            ("public_key_files", #"["a", "b", "c"]"#, "has 3 entries; write 1 to 2 file names"),
            (
                "public_key_files", #""gateway_public_key""#,
                "is text where an array belongs; write file names in [ ], separated by commas"
            ),
        ] as [(String, String?, String)]
    )
    func requiredKeysAreChecked(key: String, value: String?, message: String) throws {
        let problems = try Sample.problems(Sample.text(gateway: [key: value]))
        #expect(problems == ["FILE: gateway.\(key) \(message)"])
    }

    @Test func configurationWithoutAGatewayIsRefused() throws {
        let message =
            "FILE: gateway is missing; add a section [gateway] with url, app_id, private_key_file and public_key_files"
        #expect(try Sample.problems("") == [message])
        #expect(try Sample.problems("[gateways]") == [message])
        #expect(try Sample.problems("[log]\nlevel = \"info\"") == [message])
    }

    @Test func keysOutsideOfASectionAreRefused() throws {
        let problems = try Sample.problems("url = \"https://host\"\ncolour = 1\ngateway = 5\n")
        let all = "[admin], [database], [gateway], [gateways], [log], [polling], [webhook]"
        #expect(
            problems == [
                "FILE: gateway = 5 is a whole number where a section belongs; "
                    + "write [gateway] on a line of its own, once",
                "FILE: colour stands outside of any section; remove it, or move it below one of \(all)",
                "FILE: url stands outside of any section; move it below [gateway] or [webhook]",
            ]
        )
    }

    @Test func everythingWrongIsToldAtOnce() throws {
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
        let keys = problems.map { $0.split(separator: " ")[1] }
        #expect(
            keys == [
                "gateway.url", "gateway.app_id", "gateway.private_key_file", "gateway.public_key_files",
                "gateway.max_in_flight", "gateways.other.app_id", "gateways.other.private_key_file",
                "gateways.other.public_key_files", "polling.max_interval", "polling.jiter", "webhook.events",
                "admin.listen",
            ]
        )
    }

    @Test func problemsAreOneLineEach() throws {
        let error = #expect(throws: ConfigurationProblems.self) {
            try Sample.load("[gateway]\nurl = \"a\\nb\"\n\"new\\nline\" = 1\n[\"sec\\ntion\"]")
        }
        let problems = try #require(error)
        #expect(problems.errors.count == 6)
        #expect(problems.description.split(separator: "\n").count == 6)
    }
}
