import FoundationEssentials

extension Timestamp {
    /// The time as webhooks and messages write it: `2026-11-22T03:04:06.123Z`.
    public var iso8601: String {
        let (second, millisecond) = clampedToFourDigitYears.quotientAndRemainder(dividingBy: 1_000)
        let fraction = String(1_000 + millisecond).dropFirst()
        return Self.text(second: second).dropLast() + "." + fraction + "Z"
    }

    /// The time to the second, as webhooks write the end of a transaction: `2026-11-22T03:04:05Z`.
    public var iso8601Seconds: String {
        Self.text(second: clampedToFourDigitYears / 1_000)
    }

    /// Reads the gateway's form `yyyy-MM-dd HH:mm:ss`, which is always UTC.
    ///
    /// Source: <https://developer.codepay.us/docs/BasicRules> ("all dates are in UTC+00:00").
    ///
    /// - Returns: The time, or nil when the text is not exactly of that form.
    public init?(gatewayText text: String) {
        let style = Date.ISO8601FormatStyle().year().month().day().dateTimeSeparator(.space)
            .time(includingFractionalSeconds: false)
        guard text.utf8.count == 19, let date = try? style.parse(text), date.formatted(style) == text else {
            return nil
        }
        self.init(milliseconds: Int64(date.timeIntervalSince1970) * 1_000)
    }

    // A row from outside may hold any number; the calendar is only asked about years 1970 to 9999.
    private var clampedToFourDigitYears: Int64 {
        min(max(milliseconds, 0), 253_402_300_799_999)
    }

    private static func text(second: Int64) -> String {
        Date(timeIntervalSince1970: Double(second)).formatted(.iso8601)
    }
}
