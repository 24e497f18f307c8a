/// Recognises a wrong clock of this machine by the dates of a gateway's responses.
///
/// A gateway refuses queries whose time is too far from its own, and no document says with which code. The `Date` field
/// is not signed, and a cache or an error page may carry an old one. So it takes several responses in a row, none of them
/// a verified answer, whose dates advance.
package struct ClockSkew: Sendable {
    /// The code of an incident caused by the clock.
    package static let code = "CLOCK"
    /// How many dates in a row show that the clock is wrong.
    package static let limit = 3

    private var count = 0
    private var last: (date: Timestamp, isAhead: Bool)?

    /// Creates the state of a gateway that has not been queried.
    package init() {}

    /// Judges an outcome by the dates so far.
    ///
    /// - Parameters:
    ///   - outcome: What a query led to.
    ///   - now: When that was noticed.
    /// - Returns: A refusal of our credentials if the clock is the likely cause, otherwise the outcome itself.
    package mutating func judge(_ outcome: QueryOutcome, at now: Timestamp) -> QueryOutcome {
        guard let offset = outcome.clockOffset else {
            self = ClockSkew()
            return outcome
        }
        let (date, isAhead) = (now.advanced(by: .zero - offset), offset > .zero)
        if let last, last.isAhead != isAhead { self = ClockSkew() }
        // A cached response repeats its date.
        if date >= last?.date.advanced(by: .seconds(1)) ?? date {
            count += 1
            last = (date, isAhead)
        }
        guard count >= Self.limit else { return outcome }
        let size = offset < .zero ? .zero - offset : offset
        let minutes = Duration.seconds((size.components.seconds + 30) / 60 * 60).formatted
        let message = """
            this machine's clock is \(minutes) \(isAhead ? "ahead of" : "behind") the gateway's; set the clock. The last \
            query: \(outcome.problem ?? "")
            """
        return .credentialsRefused(code: Self.code, message: message.sanitized(maxLength: 400), isVerified: false)
    }
}
