/// How a query ended.
package enum QueryAttempt: Hashable, Sendable {
    /// The gateway answered, or could not be asked; the duration is that of the exchange alone.
    case completed(QueryOutcome, duration: Duration)
    /// The client was shut down first: the query counts for nothing.
    case interrupted
}
