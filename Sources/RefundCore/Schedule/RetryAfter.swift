/// The `Retry-After` header of an HTTP response.
///
/// Source: RFC 9110, section 10.2.3: seconds, or an HTTP date.
package enum RetryAfter: Sendable {
    // More than a year means "never". The limit also keeps sums with a time from overflowing.
    private static let longest: Duration = .seconds(365 * 24 * 3_600)

    /// Reads the header's value.
    ///
    /// - Parameters:
    ///   - text: The value, such as `120` or `Fri, 31 Dec 1999 23:59:59 GMT`.
    ///   - now: The time of the response.
    /// - Returns: How long to wait, from zero to a year; nil if the text is neither form.
    package static func delay(_ text: String, at now: Timestamp) -> Duration? {
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        if !text.isEmpty, text.utf8.allSatisfy(digits.contains) {
            // A number too large for an integer still means "very long".
            return Int64(text).map { min(.seconds($0), longest) } ?? longest
        }
        return httpDate(text).map { min(max($0.duration(since: now), .zero), longest) }
    }

    /// Reads an HTTP date in any of its three forms, of which two are obsolete but must be accepted.
    ///
    /// Source: RFC 9110, section 5.6.7: `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT` and
    /// `Sun Nov  6 08:49:37 1994`. Years of two digits are those from 1970 to 2069.
    ///
    /// - Returns: The time, or nil if the text has another form or names a date that does not exist.
    package static func httpDate(_ text: String) -> Timestamp? {
        let parts = Array(text.utf8).split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        switch (parts.count, text.utf8.count) {
        case (6, 29) where parts[5] == gmt:
            return timestamp(year: parts[3], month: parts[2], day: parts[1], time: parts[4])
        case (4, _) where parts[3] == gmt && parts[0].suffix(4) == Array("day,".utf8)[...]:
            let date = parts[1].split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
            guard date.count == 3, date[2].count == 2, let decade = date[2].first else { return nil }
            let century = Array((decade < UInt8(ascii: "7") ? "20" : "19").utf8)
            return timestamp(year: century + date[2], month: date[1], day: date[0], time: parts[2])
        case (5, 24):
            return timestamp(year: parts[4], month: parts[1], day: parts[2], time: parts[3])
        case (6, 24) where parts[2].isEmpty:
            return timestamp(year: parts[5], month: parts[1], day: [UInt8(ascii: "0")] + parts[3], time: parts[4])
        default: return nil
        }
    }

    private static func timestamp(
        year: ArraySlice<UInt8>,
        month: ArraySlice<UInt8>,
        day: ArraySlice<UInt8>,
        time: ArraySlice<UInt8>
    ) -> Timestamp? {
        guard time.count == 8, let index = months.firstIndex(of: month) else { return nil }
        var text = year
        text += index < 9 ? "-0".utf8 : "-1".utf8
        text.append(UInt8(ascii: "0") + UInt8((index + 1) % 10))
        text += "-".utf8
        text += day
        text += "T".utf8
        text += time
        return Timestamp(iso8601: text)
    }

    private static let gmt = Array("GMT".utf8)[...]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ].map { Array($0.utf8)[...] }
}
