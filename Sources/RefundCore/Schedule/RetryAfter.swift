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
        let parts = text.split(separator: " ", omittingEmptySubsequences: false)
        switch (parts.count, text.utf8.count) {
        case (6, 29) where parts[5] == "GMT":
            return timestamp(year: parts[3], month: parts[2], day: parts[1], time: parts[4])
        case (4, _) where parts[3] == "GMT" && parts[0].hasSuffix("day,"):
            let date = parts[1].split(separator: "-", omittingEmptySubsequences: false)
            guard date.count == 3, date[2].utf8.count == 2 else { return nil }
            let year = (date[2] < "70" ? "20" : "19") + date[2]
            return timestamp(year: year[...], month: date[1], day: date[0], time: parts[2])
        case (5, 24):
            return timestamp(year: parts[4], month: parts[1], day: parts[2], time: parts[3])
        case (6, 24) where parts[2].isEmpty:
            return timestamp(year: parts[5], month: parts[1], day: "0" + parts[3], time: parts[4])
        default: return nil
        }
    }

    private static func timestamp(year: Substring, month: Substring, day: Substring, time: Substring) -> Timestamp? {
        guard time.utf8.count == 8, let index = months.firstIndex(of: month) else { return nil }
        let month = String(100 + index + 1).dropFirst()
        return Timestamp(iso8601: "\(year)-\(month)-\(day)T\(time)Z")
    }

    private static let months: [Substring] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
}
