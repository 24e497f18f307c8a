import RefundConfiguration
import RefundCore
import Testing

struct DurationTests {
    @Test(
        arguments: [
            ("1ms", .milliseconds(1)), ("250ms", .milliseconds(250)), ("5s", .seconds(5)), ("10m", .seconds(600)),
            ("72h", .seconds(72 * 3_600)), ("30d", .seconds(30 * 86_400)), ("3650d", .seconds(3_650 * 86_400)),
            ("007s", .seconds(7)),
        ] as [(String, Duration)]
    )
    func durationsAreRead(text: String, expected: Duration) throws {
        let configuration = try Sample.load(Sample.text(adding: "[polling]\nattention_after = \"\(text)\""))
        #expect(configuration.polling.attentionAfter == expected)
    }

    private static let form = #"write a whole number and a unit (ms, s, m, h or d), such as "5s""#

    @Test(arguments: [
        ("", "is not a duration; \(form)"),
        ("5", "is not a duration; \(form)"),
        ("s", "is not a duration; \(form)"),
        ("5 s", "is not a duration; \(form)"),
        (" 5s", "is not a duration; \(form)"),
        ("5S", "is not a duration; \(form)"),
        ("5w", "is not a duration; \(form)"),
        ("1.5h", "is not a duration; \(form)"),
        ("1h30m", "is not a duration; \(form)"),
        ("-5s", "is not a duration; \(form)"),
        ("+5s", "is not a duration; \(form)"),
        ("٥s", "is not a duration; \(form)"),
        ("0s", "is no time at all; \(form)"),
        ("3651d", #"is too long a duration; write at most "3650d""#),
        ("315360000001ms", #"is too long a duration; write at most "3650d""#),
        ("9223372036854775807d", #"is too long a duration; write at most "3650d""#),
        ("99999999999999999999999s", #"is too long a duration; write at most "3650d""#),
    ])
    func wrongDurationsAreRefused(text: String, message: String) throws {
        let problems = try Sample.problems(Sample.text(adding: "[polling]\nattention_after = \"\(text)\""))
        #expect(problems == ["FILE: polling.attention_after = \"\(text)\" \(message)"])
    }

    @Test func aCommandLineReadsTheSameDurations() {
        #expect(Duration(inWords: "2h") == .seconds(7_200))
        #expect(Duration(inWords: "90m") == .seconds(5_400))
        for text in ["", "2", "h", "2 h", "-2h", "0h", "2026-11-22"] { #expect(Duration(inWords: text) == nil) }
    }
}
