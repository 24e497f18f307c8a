/// The limits on queries to one gateway.
package struct QueryLimits: Hashable, Sendable {
    /// The most queries in flight at once.
    package var maxInFlight: Int = 16
    /// The most queries sent within any second.
    package var maxQueriesPerSecond: Double = 20

    /// Creates the default limits.
    package init() {}
}
