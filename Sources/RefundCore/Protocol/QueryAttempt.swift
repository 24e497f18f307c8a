/// How a query ended.
package enum QueryAttempt: Hashable, Sendable {
    /// The gateway answered, or could not be queried; the duration covers only the exchange.
    case completed(QueryOutcome, duration: Duration)
    /// The client shut down first; the query does not count.
    case interrupted
}
