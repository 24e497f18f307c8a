import RefundCore

/// The hint that our clock is off, from the `Date` of an answer.
///
/// The gateway refuses what is further than 15 minutes from its clock, with which code is not documented. The header is
/// not signed, so an answer that says something of a refund is believed whatever its date.
struct ClockHint {
    /// The window that the gateway accepts: <https://developer.codepay.us/docs/CloudAPI>.
    private static let window: Duration = .seconds(15 * 60)
    private static let code = "CLOCK"

    /// How far our clock is ahead of the gateway's; negative where it is behind.
    private let lead: Duration

    /// Creates a hint, unless there is no such header, it cannot be read, or the clocks are close enough.
    ///
    /// - Parameters:
    ///   - date: The value of the header.
    ///   - now: The time the answer came at.
    init?(date: String?, at now: Timestamp) {
        guard let date = date.flatMap(RetryAfter.httpDate) else { return nil }
        lead = now.duration(since: date)
        guard lead > Self.window || lead < .zero - Self.window else { return nil }
    }

    /// What to make of an answer that proves nothing, for which the clock can be the reason.
    func explained(_ outcome: QueryOutcome) -> QueryOutcome {
        let size = lead < .zero ? .zero - lead : lead
        let minutes = Duration.seconds((size.components.seconds + 30) / 60 * 60).formatted
        let message = """
            our clock is \(minutes) \(lead < .zero ? "behind" : "ahead of") the gateway's, as the date of its answer \
            has it; set the clock. \(outcome.problem ?? "")
            """
        return .credentialsRefused(code: Self.code, message: message.legible(upTo: 400), isVerified: false)
    }
}
