/// How hard one gateway may be asked.
public struct QueryLimits: Hashable, Sendable {
    /// Queries that may wait for their answer at the same time.
    public var maxInFlight: Int = 16
    /// Queries that may be sent within any second.
    public var maxQueriesPerSecond: Double = 20

    /// Creates the default limits.
    public init() {}
}
