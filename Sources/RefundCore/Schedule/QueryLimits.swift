/// How hard one gateway may be asked.
package struct QueryLimits: Hashable, Sendable {
    /// Queries that may wait for their answer at the same time.
    package var maxInFlight: Int = 16
    /// Queries that may be sent within any second.
    package var maxQueriesPerSecond: Double = 20

    /// Creates the default limits.
    package init() {}
}
