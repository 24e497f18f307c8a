import RefundCore

extension FuzzTarget {
    /// The header `Retry-After` and the dates of HTTP.
    static let retryAfter = FuzzTarget(name: "retry-after") { input throws(Finding) in
        let text = String(decoding: input, as: UTF8.self)
        let now = Timestamp(milliseconds: 1_767_225_600_000)
        if let delay = RetryAfter.delay(text, at: now) {
            try hold(delay >= .zero && delay <= .seconds(365 * 86_400), "\(delay) is from nothing to a year")
        }
        let date = RetryAfter.httpDate(text)
        guard let date, date.milliseconds >= 0 else { return }
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let parts = date.iso8601Seconds.split { "-T".contains($0) }
        guard parts.count == 4, let month = Int(parts[1]) else { throw Finding(description: "no date") }
        let (year, day, time) = (parts[0], parts[2], parts[3].dropLast())
        let name = months[month - 1]
        let spellings = [
            "\(day) \(name) \(year) \(time) GMT", "\(day)-\(name)-\(year.suffix(2)) \(time) GMT",
            "\(name) \(day.hasPrefix("0") ? " \(day.dropFirst())" : day) \(time) \(year)",
            "\(name) \(day) \(time) \(year)",
        ]
        try hold(spellings.contains(where: text.hasSuffix), "\(text) means one of \(spellings)")
    }
}
