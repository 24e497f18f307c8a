/// Detects a wrong clock on this machine from the dates of a gateway's responses.
///
/// A gateway refuses queries whose time is too far from its own, with an undocumented code. The `Date` field is
/// unsigned, and a cache or an error page may carry an old one. So it takes several unverified responses in a row whose
/// dates advance.
package struct ClockSkew: Sendable {
    /// The code of an incident caused by the clock.
    package static let code = "CLOCK"
    /// The number of dates in a row that show the clock to be wrong.
    package static let limit = 3

    private var count = 0
    private var last: (date: Timestamp, isAhead: Bool)?

    /// Creates the state of a gateway that has not been queried.
    package init() {}

    /// Judges an outcome against the dates so far.
    ///
    /// - Parameters:
    ///   - outcome: The outcome of a query.
    ///   - now: When it was noticed.
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
