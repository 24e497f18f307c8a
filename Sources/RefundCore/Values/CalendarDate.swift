/// A date of the Gregorian calendar.
///
/// Each event carries three or four times. With a general formatter, writing one of them takes longer than writing the
/// rest of the event.
struct CalendarDate {
    let year: Int64
    let month: Int64
    let day: Int64

    /// Creates a date; nil if the calendar has none with these numbers, or before the year 1.
    init?(year: Int64, month: Int64, day: Int64) {
        guard year >= 1, (1...12).contains(month), (1...31).contains(day) else { return nil }
        (self.year, self.month, self.day) = (year, month, day)
        let other = CalendarDate(daysSince1970: daysSince1970)
        guard other.month == month, other.day == day else { return nil }
    }

    /// The number of days from 1970-01-01 to the date.
    ///
    /// Source: <https://howardhinnant.github.io/date_algorithms.html#days_from_civil>.
    var daysSince1970: Int64 {
        let yearSinceMarch = month <= 2 ? year - 1 : year
        let (era, yearOfEra) = yearSinceMarch.quotientAndRemainder(dividingBy: 400)
        let monthSinceMarch = month > 2 ? month - 3 : month + 9
        let dayOfYear = (153 * monthSinceMarch + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

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
