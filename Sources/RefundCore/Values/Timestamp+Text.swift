extension Timestamp {
    /// The time as webhooks and messages write it: `2026-11-22T03:04:06.123Z`.
    package var iso8601: String { String(decoding: text, as: UTF8.self) }

    /// The time to the second, as webhooks write the end of a transaction: `2026-11-22T03:04:05Z`.
    package var iso8601Seconds: String { String(decoding: text.prefix(19) + [UInt8(ascii: "Z")], as: UTF8.self) }

    // Reads exactly `2026-11-22T03:04:05`, or the same with a blank in the middle.
    private init?(dateAndTime text: ArraySlice<UInt8>) {
        func has(_ sign: Unicode.Scalar, at place: Int) -> Bool { text[text.startIndex + place] == UInt8(ascii: sign) }
        func number(_ places: Range<Int>) -> Int64? {
            var number: Int64 = 0
            for place in places {
                guard let digit = text[text.startIndex + place].decimalDigit else { return nil }
                number = number * 10 + Int64(digit)
            }
            return number
        }
        guard text.count == 19, has("-", at: 4), has("-", at: 7), has("T", at: 10) || has(" ", at: 10),
            has(":", at: 13),
            has(":", at: 16), let year = number(0..<4), let month = number(5..<7), let day = number(8..<10),
            let hour = number(11..<13), let minute = number(14..<16), let second = number(17..<19),
            let date = CalendarDate(year: year, month: month, day: day), hour < 24, minute < 60, second < 60
        else { return nil }
        let seconds = ((date.daysSince1970 * 24 + hour) * 60 + minute) * 60 + second
        self.init(milliseconds: seconds * 1_000)
    }

    /// Reads a time in UTC: `2026-11-22`, or `2026-11-22T03:04:05Z` with or without a fraction.
    ///
    /// - Returns: The time, or nil for any other form, including other time zones.
    package init?(iso8601 text: String) {
        self.init(iso8601: Array(text.utf8)[...])
    }

    /// Reads the same from bytes.
    init?(iso8601 text: ArraySlice<UInt8>) {
        var text = Array(text)
        if text.last == UInt8(ascii: "Z") { text.removeLast() }
        if text.count == 10 { text += "T00:00:00".utf8 }
        if text.count == 19 { text += ".0".utf8 }
        let fraction = text.dropFirst(20).map(\.decimalDigit)
        guard let second = Timestamp(dateAndTime: text.prefix(19)), text[19] == UInt8(ascii: "."),
            (1...9).contains(fraction.count), fraction.allSatisfy({ $0 != nil })
        else { return nil }
        let milliseconds = (fraction + [0, 0]).prefix(3).reduce(0) { $0 * 10 + Int64($1 ?? 0) }
        self.init(milliseconds: second.milliseconds + milliseconds)
    }

    // A row that another program wrote may hold any number; the calendar covers only the years 1970 to 9999.
    private var clampedToFourDigitYears: Int64 {
        min(max(milliseconds, 0), 253_402_300_799_999)
    }

    private var text: [UInt8] {
        let (seconds, milliseconds) = clampedToFourDigitYears.quotientAndRemainder(dividingBy: 1_000)
        let (day, time) = seconds.quotientAndRemainder(dividingBy: 86_400)
        let date = CalendarDate(daysSince1970: day)
        var text = Array("0000-00-00T00:00:00.000Z".utf8)
        // Adds to the zeros, from the last digit to the first.
        func write(_ number: Int64, _ places: Range<Int>) {
            var rest = number
            for place in places.reversed() {
                text[place] += UInt8(rest % 10)
                rest /= 10
            }
        }
        write(date.year, 0..<4)
        write(date.month, 5..<7)
        write(date.day, 8..<10)
        write(time / 3_600, 11..<13)
        write(time / 60 % 60, 14..<16)
        write(time % 60, 17..<19)
        write(milliseconds, 20..<23)
        return text
    }
}
