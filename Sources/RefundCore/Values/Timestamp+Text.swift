import FoundationEssentials

extension Timestamp {
    /// The time as webhooks and messages write it: `2026-11-22T03:04:06.123Z`.
    package var iso8601: String {
        var text = dateAndTime
        text.append(UInt8(ascii: "."))
        text.append(digits: clampedToFourDigitYears % 1_000, count: 3)
        text.append(UInt8(ascii: "Z"))
        return String(decoding: text, as: UTF8.self)
    }

    /// The time to the second, as webhooks write the end of a transaction: `2026-11-22T03:04:05Z`.
    package var iso8601Seconds: String {
        String(decoding: dateAndTime + [UInt8(ascii: "Z")], as: UTF8.self)
    }

    // Reads exactly `2026-11-22T03:04:05`.
    private init?(dateAndTime text: String) {
        let style = Date.ISO8601FormatStyle().year().month().day().time(includingFractionalSeconds: false)
        guard text.utf8.count == 19, let date = try? style.parse(text), date.formatted(style) == text else {
            return nil
        }
        self.init(milliseconds: Int64(date.timeIntervalSince1970) * 1_000)
    }

    /// Reads a time in UTC: `2026-11-22`, or `2026-11-22T03:04:05Z` with or without a fraction.
    ///
    /// - Returns: The time, or nil for any other form, including other time zones.
    package init?(iso8601 text: String) {
        var text = text
        if text.hasSuffix("Z") { text.removeLast() }
        if text.utf8.count == 10 { text += "T00:00:00" }
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        let fraction = parts.count == 2 ? parts[1] : "0"
        guard (1...9).contains(fraction.utf8.count), fraction.utf8.allSatisfy(digits.contains),
            let second = Timestamp(dateAndTime: String(parts[0]).replacing(" ", with: "T")),
            let millisecond = Int64((fraction + "00").prefix(3))
        else { return nil }
        self.init(milliseconds: second.milliseconds + millisecond)
    }

    // A foreign row may hold any number; the calendar covers only the years 1970 to 9999.
    private var clampedToFourDigitYears: Int64 {
        min(max(milliseconds, 0), 253_402_300_799_999)
    }

    private var dateAndTime: [UInt8] {
        let (day, time) = (clampedToFourDigitYears / 1_000).quotientAndRemainder(dividingBy: 86_400)
        let date = CalendarDate(daysSince1970: day)
        var text: [UInt8] = []
        text.reserveCapacity(24)
        text.append(digits: date.year, count: 4)
        for (sign, number) in [
            ("-", date.month), ("-", date.day), ("T", time / 3_600), (":", time / 60 % 60), (":", time % 60),
        ] as [(Unicode.Scalar, Int64)] {
            text.append(UInt8(ascii: sign))
            text.append(digits: number, count: 2)
        }
        return text
    }
}

extension [UInt8] {
    // Appends the last decimal digits of a number that is not negative.
    fileprivate mutating func append(digits number: Int64, count: Int) {
        if count > 1 { append(digits: number / 10, count: count - 1) }
        append(UInt8(ascii: "0") + UInt8(number % 10))
    }
}

/// A date of the Gregorian calendar.
///
/// Each event carries three or four times. With a general formatter, writing one of them takes longer than writing the
/// rest of the event.
struct CalendarDate {
    let year: Int64
    let month: Int64
    let day: Int64

    /// Creates the date a number of days after 1970-01-01, up to the end of the year 9999.
    ///
    /// Years are counted from March, so that the leap day comes last and the lengths of the months before it follow one
    /// rule. Source: <https://howardhinnant.github.io/date_algorithms.html#civil_from_days>.
    init(daysSince1970: Int64) {
        let sinceMarch0000 = daysSince1970 + 719_468
        let (era, dayOfEra) = sinceMarch0000.quotientAndRemainder(dividingBy: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthSinceMarch = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * monthSinceMarch + 2) / 5 + 1
        month = monthSinceMarch < 10 ? monthSinceMarch + 3 : monthSinceMarch - 9
        year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0)
    }
}
