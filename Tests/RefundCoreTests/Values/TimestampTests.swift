import RefundCore
import Testing

struct TimestampTests {
    @Test func everyDayOfFourCenturiesIsReadAsItIsWritten() {
        for day in stride(from: 0 as Int64, to: 146_097, by: 13) {
            let time = Timestamp(milliseconds: (day * 86_400 + day % 86_400) * 1_000)
            #expect(Timestamp(iso8601: time.iso8601Seconds) == time)
        }
    }

    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (1, "1970-01-01T00:00:00.001Z"), (999, "1970-01-01T00:00:00.999Z"),
            (1_795_316_646_123, "2026-11-22T03:04:06.123Z"), (951_825_600_050, "2000-02-29T12:00:00.050Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        ] as [(Int64, String)]
    )
    func webhooksWriteMilliseconds(milliseconds: Int64, text: String) {
        #expect(Timestamp(milliseconds: milliseconds).iso8601 == text)
    }

    @Test(
        arguments: [
            ("2026-11-22", 1_795_305_600_000), ("2026-11-22Z", 1_795_305_600_000),
            ("2026-11-22T03:04:05", 1_795_316_645_000), ("2026-11-22T03:04:05Z", 1_795_316_645_000),
            ("2026-11-22 03:04:05", 1_795_316_645_000), ("2026-11-22T03:04:06.123Z", 1_795_316_646_123),
            ("2026-11-22T03:04:06.5Z", 1_795_316_646_500), ("2026-11-22T03:04:06.123456789", 1_795_316_646_123),
            ("1970-01-01", 0), ("0001-01-01", -62_135_596_800_000),
        ] as [(String, Int64)]
    )
    func timesOfACommandLineAreUTC(text: String, milliseconds: Int64) {
        #expect(Timestamp(iso8601: text) == Timestamp(milliseconds: milliseconds))
    }

    @Test(arguments: [
        "", "Z", "2h", "now", "2026-11", "2026-11-31", "2026-11-22T", "2026-11-22T03:04", "2026-11-22T03:04:05+09:00",
        "2026-11-22T03:04:05z", "2026-11-22T03:04:05.", "2026-11-22T03:04:05.Z", "2026-11-22T03:04:05.x",
        "2026-11-22T03:04:05.1234567890", "2026-11-22T03:04:05.-1", "2026-11-22TT03:04:05", "T026-11-22",
        "2026-11-22T03:04:05ZZ", "20261122T030405Z", "1795316645", "2026-11-22T03:04:05.１",
    ])
    func everyOtherTextIsNoTimeOfACommandLine(text: String) {
        #expect(Timestamp(iso8601: text) == nil)
    }

    @Test(arguments: [0, 1, 1_795_316_646_123, 253_402_300_799_999] as [Int64])
    func whatWebhooksWriteIsRead(milliseconds: Int64) {
        let time = Timestamp(milliseconds: milliseconds)
        #expect(Timestamp(iso8601: time.iso8601) == time)
    }

    @Test func secondIsNotRounded() {
        #expect(Timestamp(milliseconds: 1_795_316_645_999).iso8601Seconds == "2026-11-22T03:04:05Z")
    }

    @Test(arguments: [.min, .min + 1, -1, 253_402_300_800_000, .max - 1, .max] as [Int64])
    func whatTheCalendarDoesNotHoldIsWrittenAsItsEnd(milliseconds: Int64) {
        let time = Timestamp(milliseconds: milliseconds)
        let year = milliseconds < 0 ? "1970-01-01T00:00:00" : "9999-12-31T23:59:59"
        #expect(time.iso8601 == year + (milliseconds < 0 ? ".000Z" : ".999Z"))
        #expect(time.iso8601Seconds == year + "Z")
    }

    @Test func timesSaturateInsteadOfOverflowing() {
        let first = Timestamp(milliseconds: .min)
        let last = Timestamp(milliseconds: .max)
        #expect(last.advanced(by: .milliseconds(1)) == last)
        #expect(first.advanced(by: .milliseconds(-1)) == first)
        #expect(last.advanced(by: .seconds(Int64.max)) == last)
        #expect(Timestamp(milliseconds: -1).advanced(by: .seconds(Int64.min)) == first)
        #expect(last.duration(since: first) == .milliseconds(Int64.max))
        #expect(first.duration(since: last) == .milliseconds(Int64.min))
        #expect(enqueued.advanced(by: .milliseconds(5)).duration(since: enqueued) == .milliseconds(5))
        #expect(first < last && !(last < first) && !(last < last))
    }
}
