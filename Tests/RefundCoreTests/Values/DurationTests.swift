import RefundCore
import Testing

struct DurationTests {
    @Test(
        arguments: [
            (.zero, "0ms"), (.milliseconds(1), "1ms"), (.milliseconds(250), "250ms"), (.milliseconds(1_500), "1500ms"),
            (.seconds(1), "1s"), (.seconds(90), "90s"), (.seconds(60), "1m"), (.seconds(3_600), "1h"),
            (.seconds(5_400), "90m"),
            (.seconds(86_400), "24h"), (.seconds(72 * 3_600), "72h"), (.seconds(6 * 86_400), "144h"),
            (.seconds(7 * 86_400), "7d"), (.seconds(30 * 86_400), "30d"), (.seconds(7 * 86_400 + 3_600), "169h"),
            (.seconds(-60), "-1m"), (.milliseconds(Int64.max), "9223372036854775807ms"),
        ] as [(Duration, String)]
    )
    func durationIsFormattedInItsLargestUnit(duration: Duration, words: String) {
        #expect(duration.formatted == words)
    }

    @Test(
        arguments: [
            ("1ms", .milliseconds(1)), ("250ms", .milliseconds(250)), ("5s", .seconds(5)), ("10m", .seconds(600)),
            ("72h", .seconds(72 * 3_600)), ("30d", .seconds(30 * 86_400)), ("3650d", .seconds(3_650 * 86_400)),
            ("007s", .seconds(7)), ("0s", .zero),
        ] as [(String, Duration)]
    )
    func durationIsReadInEveryUnit(text: String, expected: Duration) {
        #expect(Duration(text) == expected)
    }

    @Test(arguments: [
        "", "5", "s", "ms", "5 s", " 5s", "5S", "5w", "1.5h", "1h30m", "-5s", "+5s", "٥s", "5s\u{301}", "3651d",
        "315360000001ms", "9223372036854775807d", "99999999999999999999999s", "2026-11-22",
    ])
    func otherTextIsNotADuration(text: String) {
        #expect(Duration(text) == nil)
    }

    @Test(arguments: [Int64.min, .max])
    func extremeDurationsSaturate(seconds: Int64) {
        let duration = Duration.seconds(seconds)
        #expect(duration.wholeMilliseconds == seconds)
        #expect(!duration.formatted.isEmpty)
        #expect(duration.scaled(by: 2) == (seconds < 0 ? .zero : .milliseconds(Int64.max)))
        #expect(duration.jittered(by: 0.1, draw: 1) >= .zero)
    }

    @Test(
        arguments: [
            (.microseconds(1_999), 1), (.microseconds(-1_999), -1), (.nanoseconds(999_999), 0), (.seconds(-2), -2_000),
            (.milliseconds(-1_500), -1_500),
        ] as [(Duration, Int64)]
    )
    func wholeMillisecondsAreRoundedTowardsZero(duration: Duration, milliseconds: Int64) {
        #expect(duration.wholeMilliseconds == milliseconds)
    }

    @Test(
        arguments: [
            (1.0, 1_000), (0.5, 500), (0.0005, 1), (0, 0), (-1, 0), (.nan, 0), (-.infinity, 0), (.infinity, .max),
            (1e300, .max),
        ] as [(Double, Int64)]
    )
    func durationIsScaledToWholeMilliseconds(factor: Double, milliseconds: Int64) {
        #expect(Duration.seconds(1).scaled(by: factor) == .milliseconds(milliseconds))
    }

    @Test func secondsKeepTheirFraction() {
        #expect(Duration.milliseconds(1_500).inSeconds == 1.5)
        #expect(Duration.milliseconds(-250).inSeconds == -0.25)
    }
}
