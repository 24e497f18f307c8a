/// The `Retry-After` header of an HTTP answer.
///
/// Source: RFC 9110, section 10.2.3: seconds, or one of the HTTP dates.
package enum RetryAfter: Sendable {
    // Whoever asks for more than a year means "never"; what is added to a time must not overflow it.
    private static let longest: Duration = .seconds(365 * 24 * 3_600)

    /// Reads the header's value.
    ///
    /// - Parameters:
    ///   - text: The value, such as `120` or `Fri, 31 Dec 1999 23:59:59 GMT`.
    ///   - now: The time the answer came at.
    /// - Returns: How long to wait, never negative and at most a year; nil when the text is neither form.
    package static func delay(_ text: String, at now: Timestamp) -> Duration? {
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        if !text.isEmpty, text.utf8.allSatisfy(digits.contains) {
            // More digits than an integer holds still mean "very long".
            return Int64(text).map { min(.seconds($0), longest) } ?? longest
        }
        return httpDate(text).map { min(max($0.duration(since: now), .zero), longest) }
    }

    /// Reads an HTTP date in the form that every sender must use today, such as `Fri, 31 Dec 1999 23:59:59 GMT`.
    ///
    /// Source: RFC 9110, section 5.6.7 (IMF-fixdate).
    ///
    /// - Returns: The time, or nil when the text is of another form or names no day of the calendar.
    package static func httpDate(_ text: String) -> Timestamp? {
        let parts = text.split(separator: " ", omittingEmptySubsequences: false)
        guard text.utf8.count == 29, parts.count == 6, parts[5] == "GMT", let month = months.firstIndex(of: parts[2])
        else { return nil }
        let monthNumber = String(100 + month + 1).dropFirst()
        return Timestamp(iso8601: "\(parts[3])-\(monthNumber)-\(parts[1])T\(parts[4])Z")
    }

    private static let months: [Substring] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
}
